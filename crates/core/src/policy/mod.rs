//! Resilience policies: who may call, how often again, and what is shed, decided without a clock,
//! a runtime or a lock on the way of an admitted call.
//!
//! Most policies answer one question, *may this call go on?*, and are told how it ended. They
//! implement [`Admission`] and hand out a [`Permit`]:
//!
//! ```
//! use ninefold_core::policy::{Admission, CircuitBreaker, Outcome, Permit, RequestMeta};
//! use ninefold_core::time::Timestamp;
//!
//! let breaker = CircuitBreaker::default();
//! let now = Timestamp::from_secs(1);
//! let permit = Permit::acquire(&breaker, &RequestMeta::default(), now)?;
//! // … the call …
//! permit.settle(Outcome::Success, now);
//! # Ok::<(), ninefold_core::policy::Rejected>(())
//! ```
//!
//! # Rules
//!
//! - **Invariant:** a call that is admitted takes no lock and allocates nothing.
//! - **Invariant:** a permit that is dropped was *cancelled*: everything it held is released, and
//!   it counts neither as a success nor as a failure.
//! - **Invariant:** a permit knows the generation it was given in; what ends after its policy
//!   changed state does not count towards the new state.
//! - Time comes in as [`Now`]: a timestamp, or whoever can tell one. A policy asks at most once a
//!   call, and not at all where it does not need to know.
//! - Configuration is serde, checked by `validate`, and can be swapped by `reconfigure` without
//!   losing what was learnt.
//! - Every table, queue and window has a limit.

mod admission;
mod control;
mod event;
mod evictable;
mod invalid;
mod level;
mod meta;
mod now;
mod outcome;
mod permit;
mod rejected;

pub mod adaptive_limiter;
pub mod adaptive_throttler;
pub mod backoff;
pub mod breaker;
pub mod bulkhead;
pub mod classify;
pub mod deadline;
pub mod dimmer;
pub mod guard;
pub mod hedge;
pub mod prioritizer;
pub mod queue;
pub mod rate_limiter;
pub mod retry;
pub mod retry_budget;
mod ring;
mod schedule;
pub mod shedder;
mod sketch;
mod sync;

pub use adaptive_limiter::{
    AdaptiveLimiter, AdaptiveLimiterConfig, Aimd, Algorithm, Gradient2, LimiterToken, Vegas,
};
pub use adaptive_throttler::{
    AdaptiveThrottler, AdaptiveThrottlerConfig, ThrottleState, ThrottleToken,
};
pub use admission::Admission;
pub use backoff::{Backoff, Growth, Jitter};
pub use breaker::{CircuitBreaker, CircuitBreakerConfig};
pub use bulkhead::{Bulkhead, BulkheadConfig};
pub use control::Gains;
pub use deadline::{Deadline, DeadlineConfig};
pub use dimmer::{Dimmer, DimmerConfig};
pub use event::{Change, Event, Listener, Source};
pub use evictable::Evictable;
pub use guard::{GuardConfig, GuardState, MetastabilityGuard};
pub use hedge::{HedgeConfig, HedgePolicy};
pub use invalid::InvalidPolicy;
pub use level::{Level, LevelWatch, ParseLevelError};
pub use meta::{Cohort, Criticality, RequestMeta};
pub use now::Now;
pub use outcome::Outcome;
pub use permit::Permit;
pub use prioritizer::{Prioritizer, PrioritizerConfig};
pub use rate_limiter::{RateLimiter, RateLimiterConfig, Reservation};
pub use rejected::{PolicyKind, Reason, Rejected};
pub use retry::{Advice, Progress, Pushback, Repeat, RetryConfig, Stop};
pub use retry_budget::{BudgetState, RetryBudget, RetryBudgetConfig};
pub use shedder::{LoadShedder, LoadShedderConfig};
pub use sketch::QuantileSketch;
