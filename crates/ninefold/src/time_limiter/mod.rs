//! Gives up waiting, and ends the work.
//!
//! # What it is for
//!
//! A dependency that does not answer holds whatever its callers hold: connections, permits, memory.
//! A [`TimeLimiter`] ends each attempt after a while. It belongs inside of retries, so that every
//! attempt has its own limit, and the request's deadline bounds them all.
//!
//! # When not to use it
//!
//! For work that must not be left half done, such as a commit that was sent: its effect may or may
//! not have come, and a time limit does not tell. For blocking work: a future that blocks its thread
//! is never asked again and cannot be ended; that is what a
//! [thread pool](crate::thread_pool_bulkhead) is for, and even there only the waiting ends.
//!
//! # What it does
//!
//! The limit is the shorter of [`TimeLimiterConfig::timeout`] and what is left until the request's
//! deadline. When it comes, the call's future is **dropped at that moment**, before the error is
//! handed out, and with it its connection and permits (a timeout that leaves the work running is
//! resilience4j#905). If the deadline has passed beforehand, the call is not begun at all and the
//! error is a [`Rejected`](crate::Rejected): that one is known to have had no effect, a
//! [`TimedOut`](crate::TimedOut) is not.
//!
//! An answer that is there when the limit comes is taken: the call is asked before the clock.
//!
//! ```
//! use std::future::pending;
//! use ninefold::{Error, Span};
//! use ninefold::clock::VirtualTime;
//! use ninefold::time_limiter::{TimeLimiter, TimeLimiterConfig};
//!
//! let time = VirtualTime::new();
//! let config = TimeLimiterConfig { timeout: Span::millis(250) };
//! let limiter = TimeLimiter::on(time.clone(), config)?;
//! let answer = time.block_on(limiter.call(pending::<Result<(), &str>>));
//! assert!(matches!(answer, Err(Error::TimedOut(late)) if late.after == config.timeout.0));
//! # Ok::<(), ninefold::InvalidPolicy>(())
//! ```
//!
//! # Knobs
//!
//! | knob | default | |
//! |---|---|---|
//! | `timeout` | 1 s | of one attempt; `attempts × timeout` should fit into the deadline |
//!
//! # Composition
//!
//! Per attempt: inside Retry or Hedge and inside the breaker, so that the breaker sees the late
//! answer as a failure, and outside of Chaos, so that injected latency is cut short too.
//!
//! # What it emits
//!
//! `Rejected` for a deadline that had passed, `TimedOut` for a call that was given up.
//!
//! # What it costs
//!
//! One reading of the clock. The timer is made only if the call is not ready when first asked;
//! nothing is allocated here.

mod config;
mod future;
#[cfg(feature = "tower")]
mod layer;
mod limited;
mod limiter;
#[cfg(feature = "tower")]
mod service;
#[cfg(test)]
mod tests;

pub use self::config::TimeLimiterConfig;
pub use self::future::TimeLimitedFuture;
#[cfg(feature = "tower")]
pub use self::layer::TimeLimiterLayer;
pub use self::limiter::TimeLimiter;
#[cfg(feature = "tower")]
pub use self::service::TimeLimited;
