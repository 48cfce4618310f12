//! Calls that wait for their place in a rate.
//!
//! # What it is for
//!
//! A [`RateLimiter`](crate::RateLimiter) refuses at once what comes too early. With a [`Pacer`] calls
//! reserve a place ahead and wait for it: work in the background that should go on, evenly, at the
//! rate that a service grants.
//!
//! # When not to use it
//!
//! Where a user waits and has somewhere else to go: waiting then only adds delay. And where a reserved
//! place must not be lost: see below.
//!
//! # What it does
//!
//! A call takes the next place ([`RateLimiter::reserve`](crate::policy::RateLimiter::reserve), the
//! generic cell rate algorithm), in the order in which calls come, and sleeps until then. A place that
//! is further ahead than `max_wait`, or after the call's deadline, is refused at once, with the time
//! after which there will be one. At most [`WAITING_MAX`](Pacer::WAITING_MAX) calls wait, or what
//! [`Pacer::with_max_waiting_calls`] says.
//!
//! A call that is given up while it waits gives its place back. Only the latest place can be given
//! back; an earlier one is lost, since those behind it sleep until their own.
//!
//! ```
//! use ninefold::clock::{Now, VirtualTime};
//! use ninefold::pacing::Pacer;
//! use ninefold::policy::{RateLimiter, RateLimiterConfig};
//! use ninefold::{Rate, Span};
//!
//! let time = VirtualTime::new();
//! let limiter = RateLimiter::new(RateLimiterConfig {
//!     rate: Rate::per_second(10),
//!     burst: 1,
//!     max_wait: Span::secs(1),
//! })?;
//! let (pacer, began) = (Pacer::on(time.clone(), limiter), time.now());
//! for _ in 0..3 {
//!     assert_eq!(time.block_on(pacer.call(|| async { Ok::<_, ()>(7) })), Ok(7));
//! }
//! assert_eq!(time.now().since(began).as_millis(), 200);
//! # Ok::<(), ninefold::InvalidPolicy>(())
//! ```
//!
//! # Knobs
//!
//! Those of the [limiter](crate::policy::rate_limiter), of which `max_wait` must be above its default
//! of 0 s for anybody to wait, and `max_waiting_calls`, 10,000 by default.
//!
//! # How it composes
//!
//! In the place of the rate limiter: inside of the breaker, outside of bulkhead and time limit, so that
//! who waits here holds nothing.
//!
//! # What it emits
//!
//! What the limiter emits: `Rejected`, with `rate_exceeded`, `deadline_exceeded` and `queue_full`.
//!
//! # What it costs
//!
//! A call whose place is now: what the limiter costs. One that waits: a timer of its own.

#[cfg(feature = "tower")]
mod layer;
mod pacer;
#[cfg(feature = "tower")]
mod service;
#[cfg(test)]
mod tests;
mod turn;

#[cfg(feature = "tower")]
pub use self::layer::PacingLayer;
pub use self::pacer::Pacer;
#[cfg(feature = "tower")]
pub use self::service::{Paced, PacedFuture};
pub use self::turn::Turn;
