//! Resilience policies for services that call services.
//!
//! # Shape
//!
//! Every policy has three surfaces over one core (`ninefold_core::policy`), which knows no runtime,
//! no clock and no lock on the way of an admitted call:
//!
//! - `policy.call(|| async { … }).await` around any future;
//! - a tower layer, with the feature `tower`;
//! - the raw permit, for code that is neither.

pub mod admission;
pub mod cache;
pub mod chaos;
pub mod clock;
pub mod coalesce;
mod error;
pub mod fallback;
pub mod handle;
pub mod hedge;
#[cfg(feature = "http")]
pub mod http;
pub mod keyed;
pub mod meta;
#[cfg(feature = "prometheus")]
pub mod metrics;
pub mod pipeline;
pub mod presets;
pub mod retry;
pub mod spawn;
mod table;
#[cfg(test)]
mod testing;
pub mod thread_pool_bulkhead;
pub mod time_limiter;
pub mod waiting;

pub use admission::{
    AdaptiveLimiter, AdaptiveThrottler, Bulkhead, CircuitBreaker, Deadline, Dimmer, LoadShedder,
    Prioritizer, RateLimiter,
};
pub use cache::{Cache, CacheConfig};
pub use chaos::{Chaos, ChaosConfig};
pub use coalesce::{Coalesce, CoalesceConfig};
pub use error::{ByError, Error, Panicked, TimedOut};
pub use fallback::Fallback;
pub use handle::Handle;
pub use keyed::{Keyed, KeyedConfig};
pub use ninefold_core::policy::{
    Admission, Change, Cohort, Criticality, Event, InvalidPolicy, Listener, Now, Outcome, Permit,
    PolicyKind, Reason, Rejected, RequestMeta, Source,
};
pub use ninefold_core::time::Timestamp;
pub use ninefold_core::units::{Bytes, Rate, Ratio, Span};
pub use thread_pool_bulkhead::{ThreadPoolBulkhead, ThreadPoolBulkheadConfig};
pub use time_limiter::{TimeLimiter, TimeLimiterConfig};
