//! A bound on what is under way at once, so that one slow dependency cannot take everything down
//! with it.
//!
//! # What it is for
//!
//! Named after the walls in a ship's hull (Nygard, "Release It!", 2007). A dependency that hangs
//! holds on to every connection, task and byte of memory that waits for it. Give each dependency a
//! bulkhead of its own, and it can hold on to 25 of them.
//!
//! # When not to use it
//!
//! - Against too many calls *per time*: that is a [rate limit](super::rate_limiter).
//! - Where nobody knows the right number, or it moves: the
//!   [adaptive limiter](super::adaptive_limiter) finds it.
//! - In front of a server of one's own: the [load shedder](super::shedder) knows deadlines and
//!   criticality, too.
//!
//! # How it works
//!
//! One word counts calls under way, moved by compare-and-swap: never more than
//! `max_concurrent_calls`, on any number of threads. A place comes back when the call settles and
//! when its permit is dropped, whatever the reason. Lowering the limit takes nobody's place away;
//! nobody new is let in until there are fewer.
//!
//! With `max_wait` a call may wait for a place, in the order of arrival. The bulkhead neither sleeps
//! nor wakes: a driver does, by [`Waiting`](super::queue::Waiting), and
//! [`queue`](super::queue) says how. While somebody waits no newcomer is let past.
//!
//! # Knobs
//!
//! | knob | default | |
//! |---|---|---|
//! | `max_concurrent_calls` | 25 | calls under way at once. Little's law: calls a second × seconds a call, and some room for bursts |
//! | `max_wait` | `0s` | how long to wait for a place; zero refuses at once. Less than what the caller would wait for the answer |
//! | `max_waiting_calls` | 100 | how many may wait; means nothing while `max_wait` is zero |
//!
//! [`ShardedBulkhead`] divides places among keys, by shuffle sharding, so that none takes those of all
//! others.
//!
//! # How it composes
//!
//! Inside retries and the circuit breaker, outside the time limit of an attempt: a call that is
//! refused here was not sent, says nothing about the dependency, and holds no place while it waits
//! for its next attempt.
//!
//! # What it emits
//!
//! `Rejected` (`full`, `queue_full`, `waited_too_long`, `deadline_exceeded`), `Settled`, `Cancelled`,
//! and `Level` of `max_concurrent_calls` when that changes. [`Bulkhead::in_flight`] is the gauge.
//!
//! # What it costs
//!
//! Two atomic operations a call, no lock, no allocation, no look at the clock.
//!
//! ```
//! use ninefold_core::policy::{Admission, Bulkhead, BulkheadConfig, Outcome, Permit, RequestMeta};
//! use ninefold_core::time::Timestamp;
//!
//! let bulkhead = Bulkhead::new(BulkheadConfig { max_concurrent_calls: 1, ..BulkheadConfig::default() })?;
//! let (call, now) = (RequestMeta::default(), Timestamp::from_secs(1));
//! let permit = Permit::acquire(&bulkhead, &call, now)?;
//! assert!(bulkhead.try_acquire(&call, now).is_err());
//! permit.settle(Outcome::Success, now);
//! assert_eq!(bulkhead.in_flight(), 0);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod config;
mod sharded;
mod state;

pub use config::BulkheadConfig;
pub use sharded::{Full, ShardToken, ShardedBulkhead, ShardedBulkheadConfig, ShardsView};
pub use state::{Bulkhead, BulkheadToken};

#[cfg(test)]
#[cfg(loom)]
mod loom_tests;
#[cfg(test)]
#[cfg(not(loom))]
mod tests;
