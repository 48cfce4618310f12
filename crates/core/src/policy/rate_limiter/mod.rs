//! At most so many calls per time.
//!
//! For quotas: what a provider allows you, or what you allow a tenant. A call that may not go on
//! is told exactly when it may.
//!
//! # When not to use it
//!
//! Against overload. A rate that was measured last month is too low on a good day and too high on
//! a bad one, and ten cheap calls are not ten dear ones. What a service can bear is found by an
//! [`AdaptiveLimiter`](super::AdaptiveLimiter), which needs no figure from you.
//!
//! # How it works
//!
//! The generic cell rate algorithm (GCRA; ITU-T I.371, annex A, the "virtual scheduling
//! algorithm"). It remembers one number, the *theoretical arrival time* of the next call if calls
//! came evenly:
//!
//! ```text
//! next = max(theoretical, now) + cost × interval        interval = 1 / rate
//! wait = next − burst × interval − now                  admitted if not positive
//! ```
//!
//! It admits exactly what a token bucket of `burst` tokens admits that is refilled continuously at
//! `rate`, without a timer that refills and without windows at whose edge twice as much passes.
//!
//! ```
//! use std::time::Duration;
//! use ninefold_core::policy::{Admission, RateLimiter, RateLimiterConfig, RequestMeta};
//! use ninefold_core::time::Timestamp;
//! use ninefold_core::units::Rate;
//!
//! let limiter = RateLimiter::new(RateLimiterConfig {
//!     rate: Rate::per_second(10),
//!     burst: 2,
//!     ..RateLimiterConfig::default()
//! })?;
//! let now = Timestamp::from_secs(100);
//! let call = RequestMeta::default();
//! assert!(limiter.try_acquire(&call, now).is_ok());
//! assert!(limiter.try_acquire(&call, now).is_ok());
//! let rejected = limiter.try_acquire(&call, now).unwrap_err();
//! assert_eq!(rejected.retry_after, Some(Duration::from_millis(100)));
//! # Ok::<(), ninefold_core::policy::InvalidPolicy>(())
//! ```
//!
//! # Waiting
//!
//! [`RateLimiter::reserve`] takes a place in the future, up to `max_wait` ahead, and says how long
//! to wait for it. Waiting calls queue up in arithmetic only: nothing is kept of them. A
//! reservation that is [cancelled](RateLimiter::cancel_reservation) is given back if nobody
//! reserved after it; otherwise its place stays empty, because those behind were told their times
//! already and moving up one of them would let two go at once.
//!
//! # Knobs
//!
//! | knob | default | |
//! |---|---|---|
//! | `rate` | `100/s` | calls per time in the long run; one in 1,000 s to ten million a second |
//! | `burst` | 10 | calls that may come at once after a pause; a call whose `cost` is above it is never admitted |
//! | `max_wait` | `0s` | how far ahead a place may be reserved; at most 1 h. Means nothing to who does not reserve |
//!
//! # How it composes
//!
//! Inside the circuit breaker, so that what the breaker refuses costs nothing, and outside of the
//! concurrency limits. A call that was admitted is spent, even if a policy further in refuses it
//! or its caller gives up: it may have been sent. For a limit per tenant put it in a `Keyed`.
//!
//! # What it emits and costs
//!
//! `Rejected` with [`RateExceeded`](super::Reason::RateExceeded). One 64-bit word of state; an
//! admitted call reads three words and the clock and ends in one compare-and-swap.

mod config;
mod limiter;
#[cfg(test)]
#[cfg(not(loom))]
mod tests;

pub use config::RateLimiterConfig;
pub use limiter::{RateLimiter, Reservation};
