//! Try again, within reason.
//!
//! What it decides and why, when not to use it, and the knobs are in
//! [`policy::retry`](crate::policy::retry); this is the part that waits and calls. A [`Retry`] holds its configuration, the budget that it shares with all else that repeats
//! calls of the same dependency, and a [`RetryRule`] that reads results.
//!
//! ```
//! use std::cell::Cell;
//! use ninefold::clock::VirtualTime;
//! use ninefold::retry::{Repeat, Retry, RetryConfig};
//!
//! let time = VirtualTime::new();
//! let retry = Retry::on(time.clone(), RetryConfig::default())?;
//! let attempts = Cell::new(0);
//! let answer = time.block_on(retry.call(Repeat::Always, |attempt| {
//!     attempts.set(attempt + 1);
//!     async move { if attempt < 2 { Err("connection reset") } else { Ok("hello") } }
//! }));
//! assert_eq!((answer, attempts.get()), (Ok("hello"), 3));
//! # Ok::<(), ninefold::InvalidPolicy>(())
//! ```
//!
//! # Safe by default
//!
//! The caller says for each call whether it may be repeated ([`Repeat`]). In a tower service a
//! `Replay` says it, and also makes the copy to send; the one for HTTP goes by method, and repeats
//! what is not idempotent only if it certainly was not sent. No copy is made for the last attempt,
//! and none where the call may not be repeated.
//!
//! # How it composes
//!
//! Outside of whatever refuses and times single attempts: breaker, limiters, time limit. Their
//! refusals are retried where they say that it makes sense, after as long as they say. Inside of
//! the deadline, which bounds all attempts together.
//!
//! A refusal says that nobody was called, so where a *repetition* is refused for the last time, by a
//! breaker that opened, a full bulkhead, a rate, a guard that breaks a loop, or a deadline that leaves
//! no time, it is not the answer: the call fails with the last error of an attempt that was made, which
//! says what is wrong. If every attempt was refused, the last refusal is the answer. A rule of your own
//! tells refusals by [`RetryRule::is_refusal`]; a closure tells none.
//!
//! # What it emits
//!
//! `Attempt` for each repetition, and what the budget emits.
//!
//! # What it costs
//!
//! A call that succeeds at once pays for one deposit into the budget and, in a tower service, for one
//! copy of the request. A failure reads the configuration behind a lock that nobody holds for long; a
//! wait is allocated.

mod rule;
mod run;
#[cfg(test)]
mod tests;
#[cfg(feature = "tower")]
mod tower;

pub use ninefold_core::policy::backoff::{Backoff, Growth, Jitter};
pub use ninefold_core::policy::{
    Advice, Pushback, Repeat, RetryBudget, RetryBudgetConfig, RetryConfig,
};

pub use self::rule::{ByError, RetryRule};
pub use self::run::Retry;
#[cfg(feature = "tower")]
pub use self::tower::{CloneAlways, Replay, RetryFuture, RetryLayer, RetryService};
