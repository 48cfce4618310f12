//! Policies together, in an order that makes sense.
//!
//! # What it is for
//!
//! One policy is rarely enough, and two in the wrong order are worse than one: a retry within a
//! bulkhead keeps its place while it waits, a breaker around a retry sees one failure where there were
//! three (resilience4j#614, #643). A [`Pipeline`] puts policies around a call in the order that the
//! trade has found, and refuses another one.
//!
//! # When not to use it
//!
//! For one policy: it has a `call` and a layer of its own. And for what may not move between threads,
//! since all that goes through a pipeline may.
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
//! | `MetastabilityGuard` at a server | what it refuses costs nothing further in |
//! | `LoadShedder`, Prioritizer | a server refuses before it does anything |
//! | Retry, Hedge | each attempt passes all that follows, so that it is refused and timed by itself |
//! | `MetastabilityGuard` at a client | sees each attempt, and refuses repetitions |
//! | `AdaptiveThrottler` | counts each attempt when it is sent |
//! | `CircuitBreaker` | sees attempts, not calls: a retry that succeeds must not hide a failure |
//! | `RateLimiter`, `Pacer` | what the breaker refuses uses up no rate |
//! | `AdaptiveLimiter`, Bulkhead | a place is held no longer than an attempt takes |
//! | Dimmer | looks at the work itself |
//! | `TimeLimiter` | one attempt; without the time it waited for a place |
//! | Chaos | looks to all others like the service |
//!
//! [`PipelineBuilder::stage`] refuses another order when it is compiled;
//! [`PipelineBuilder::out_of_order`] takes it and says what is odd. Policies of one line may stand in
//! either order, and any may be left out or stand there twice.
//!
//! A [`Keyed`](crate::Keyed) stands in the place of the policy that it keeps, by
//! [`RequestMeta::key`](crate::RequestMeta::key). So does a `Cache<u64, V>` without a spawner: it gives
//! calls of one key one answer, so the key must say all that the answer depends on; a call without a
//! key, which is 0, goes past it. In tower a key is read from the request: put
//! [`Cache::layer`](crate::Cache) around the layer of the pipeline.
//!
//! Two policies need calls that own all they use, since they outlive who makes them, and what goes
//! through a pipeline may borrow. So they are no stages. A [`Coalesce`](crate::Coalesce) goes around the
//! pipeline: `coalesce.call(&key, move || async move { pipeline.call(…).await })`, with clones. A
//! [`ThreadPoolBulkhead`](crate::ThreadPoolBulkhead) goes into the call:
//! `pipeline.call(|| pool.run(move || …))`, in the place of the bulkhead and with the time limit around
//! it; in tower both are layers at the same places.
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
//!
//! # In tower
//!
//! With the feature `tower`, `Pipeline::layer` is the whole pipeline as one layer; the error of the
//! service becomes an [`Error`](crate::Error).
//!
//! # Knobs
//!
//! Those of its policies. Keep a clone of a policy that you want to
//! `reconfigure` or look at later: clones share it. [`Pipeline::findings`] says what is odd about the
//! pipeline, for a log at start-up.
//!
//! # What it emits
//!
//! What its policies emit, each under the [`Source`](crate::Source) that it was given.
//!
//! # What it costs
//!
//! What its policies cost. Their futures stand within each other; nothing is boxed or allocated,
//! but for the wait of a retry.

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
