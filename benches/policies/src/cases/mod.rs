//! What is compared, one file a policy.

mod adaptive_limiter;
mod breaker;
mod bulkhead;
mod case;
mod hedge;
mod ours;
mod pipeline;
mod rate_limiter;
mod retry;
mod timeout;

pub use case::Case;
