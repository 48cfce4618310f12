//! Policies together, in an order that makes sense.
//!
//! # The order
//!
//! From the outside in, each with what would go wrong elsewhere:
//!
//! | policy | why there |
//! |---|---|
//! | Fallback | answers whatever went wrong within |
//! | Deadline | bounds all attempts and waits together |
//! | Cache, Coalesce | what is known, or asked already, costs no attempt |
//! | `LoadShedder`, Prioritizer | a server refuses before it does anything |
//! | Retry, Hedge | each attempt passes all that follows, so that it is refused and timed by itself |
//! | `AdaptiveThrottler` | counts each attempt when it is sent |
//! | `CircuitBreaker` | sees attempts, not calls: a retry that succeeds must not hide a failure |
//! | `RateLimiter` | what the breaker refuses uses up no rate |
//! | `AdaptiveLimiter`, Bulkhead | a place is held no longer than an attempt takes |
//! | Dimmer | looks at the work itself |
//! | `TimeLimiter` | one attempt; without the time it waited for a place |
//! | Chaos | looks to all others like the service |
//!
//! [`PipelineBuilder::stage`] refuses another order when it is compiled;
//! [`PipelineBuilder::out_of_order`] takes it and says what is odd.
//!
//! ```
//! use ninefold::clock::VirtualTime;
//! use ninefold::pipeline::{Call, Pipeline};
//! use ninefold::retry::{Retry, RetryConfig};
//! use ninefold::waiting::{Bulkhead, WaitingRoom};
//!
//! let time = VirtualTime::new();
//! let pipeline = Pipeline::builder()
//!     .stage(Retry::on(time.clone(), RetryConfig::default())?)
//!     .stage(WaitingRoom::on(time.clone(), Bulkhead::default()).by_error())
//!     .build();
//! let answer = time.block_on(pipeline.call_with(Call::idempotent(), |call| async move {
//!     if call.request.attempt == 0 { Err("reset") } else { Ok("hello") }
//! }));
//! assert_eq!(answer, Ok("hello"));
//! # Ok::<(), ninefold::InvalidPolicy>(())
//! ```
//!
//! ```compile_fail
//! # use ninefold::clock::VirtualTime;
//! # use ninefold::pipeline::Pipeline;
//! # use ninefold::retry::{Retry, RetryConfig};
//! # use ninefold::waiting::{Bulkhead, WaitingRoom};
//! # let time = VirtualTime::new();
//! // A retry within a bulkhead would keep its place while it waits.
//! let pipeline = Pipeline::builder()
//!     .stage(WaitingRoom::on(time.clone(), Bulkhead::default()).by_error())
//!     .stage(Retry::on(time.clone(), RetryConfig::default())?)
//!     .build();
//! # Ok::<(), ninefold::InvalidPolicy>(())
//! ```

mod builder;
mod context;
#[cfg(feature = "tower")]
mod layer;
mod order;
mod run;
mod stack;
mod stage;
#[cfg(test)]
mod tests;

pub use self::builder::{Finding, PipelineBuilder};
pub use self::context::Call;
#[cfg(feature = "tower")]
pub use self::layer::{ErrorLayer, NoLayer, StackLayer, StageLayer, WithError, WithErrorFuture};
pub use self::run::Pipeline;
pub use self::stack::{AroundAll, Nothing, Stack, Stages};
pub use self::stage::{Around, Stage};
