//! Threads of its own for each dependency.
//!
//! # What it is for
//!
//! Blocking work: drivers of databases, DNS of the C library, file systems, code of others that
//! computes for long. In the threads of an async runtime it stalls everybody; in a pool that all
//! dependencies share, the slow one takes all threads. A [`ThreadPoolBulkhead`] gives a dependency
//! threads of its own and a queue of its own: when it hangs, its callers are refused at once and
//! nobody else notices. Hystrix made the pattern known ("thread isolation").
//!
//! # When not to use it
//!
//! For async work: a [bulkhead](crate::Handle) by count does the same without handing calls from
//! thread to thread, which costs some microseconds.
//!
//! # What it does
//!
//! A call goes into the queue, in order, and the first idle thread takes it. Threads are started
//! when they are first needed, up to [`ThreadPoolBulkheadConfig::threads`], and stay. If as many
//! calls are there as threads and queue hold together, the call is refused at once.
//!
//! - A call whose future is dropped while it waits leaves the queue and is never run. One that is
//!   being run goes on, since nobody can stop a thread that blocks; its result is dropped.
//! - A call whose deadline passes while it waits is not run. Calls that are too late also make
//!   room for calls that are not. Nothing wakes the *caller* at the deadline: that is what a
//!   [time limiter](crate::time_limiter) around the pool does.
//! - A panic ends the call, as [`Panicked`](crate::Panicked), and neither the thread nor the caller.
//!   Under `panic = "abort"` nothing can contain a panic.
//! - [`ThreadPoolBulkhead::shutdown`] refuses new calls and either works off the queue or refuses it
//!   too. Dropping the last clone of a pool works off the queue.
//!
//! ```
//! use ninefold::clock::VirtualTime;
//! use ninefold::thread_pool_bulkhead::{ThreadPoolBulkhead, ThreadPoolBulkheadConfig};
//!
//! let pool = ThreadPoolBulkhead::new(ThreadPoolBulkheadConfig {
//!     threads: 4,
//!     thread_name: "ledger".to_owned(),
//!     ..ThreadPoolBulkheadConfig::default()
//! })?;
//! # let block_on = |call| ninefold::thread_pool_bulkhead::block_on(call);
//! // In async code: `pool.run(…).await`.
//! let answer = block_on(pool.run(|| std::fs::metadata("/").map(|about| about.is_dir())));
//! assert!(answer.is_ok_and(|folder| folder));
//! # Ok::<(), ninefold::InvalidPolicy>(())
//! ```
//!
//! # Knobs
//!
//! | knob | default | |
//! |---|---|---|
//! | `threads` | 10 | calls that are worked on at once |
//! | `queue` | 100 | calls that may wait besides; 0 refuses whatever cannot begin at once |
//! | `thread_name` | `ninefold` | with a number behind it |
//!
//! # Composition
//!
//! In the place of the bulkhead: inside of retry and breaker, with the time limiter around it. The
//! layer runs the inner service as a whole in the pool, so what is further in may block.
//!
//! # What it emits
//!
//! `Rejected`; `Settled` with the time spent working, a panic being a failure; `Cancelled` for calls
//! that left the queue.
//!
//! # What it costs
//!
//! Two allocations and two changes of thread a call, and a lock that is held for a few instructions.
//! It works without any runtime, and wakes the caller through its waker.

mod bulkhead;
mod config;
mod future;
#[cfg(feature = "tower")]
mod layer;
mod park;
mod pool;
mod seat;
#[cfg(feature = "tower")]
mod service;
mod slot;
#[cfg(test)]
mod tests;

pub use self::bulkhead::{Shutdown, ThreadPoolBulkhead};
pub use self::config::ThreadPoolBulkheadConfig;
pub use self::future::PoolFuture;
#[cfg(feature = "tower")]
pub use self::layer::PoolLayer;
pub use self::park::block_on;
#[cfg(feature = "tower")]
pub use self::service::Pooled;
