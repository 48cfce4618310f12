//! One call for many askers.
//!
//! # What it is for
//!
//! When something popular is not in the [cache](crate::cache), everybody asks for it at once. With
//! [`Coalesce`] the first one calls and all others wait for the same answer ("singleflight", as Go's
//! package of that name calls it).
//!
//! # When not to use it
//!
//! For calls with an effect: two orders with the same key are two orders. And for answers that
//! depend on more than the key says, such as who asks.
//!
//! # What it does
//!
//! Whoever asks for a key joins the call for it that is under way, or begins one. When it ends,
//! everybody gets a clone of the result, also of an error, and who asks afterwards begins another.
//!
//! **The call does not belong to the first caller.** It stands in a place of its own, and whoever of
//! those who wait is polled first after it was woken polls it. If the first caller gives up, or is
//! never polled again, the others carry the call on. If the *last* one gives up, the call is
//! dropped; with [`Coalesce::with_spawner`] it goes on in the background, and who asks meanwhile
//! joins it.
//!
//! So the call may run in any caller's thread and must be `Send + 'static`. It keeps what it was
//! begun with: the first caller's deadline and identity. Put a [time limit](crate::time_limiter)
//! around each caller, outside, and one around the call, inside.
//!
//! A panic in the call is an error for all who wait, [`Panicked`](crate::Panicked), and the next one
//! who asks begins anew.
//!
//! ```
//! use ninefold::{Coalesce, Error};
//! # use ninefold::clock::VirtualTime;
//! # let time = VirtualTime::new();
//! let prices: Coalesce<&str, u32, Error<String>> = Coalesce::default();
//! let price = time.block_on(prices.call(&"espresso", || async { Ok(220) }));
//! assert_eq!(price, Ok(220));
//! ```
//!
//! # Knobs
//!
//! | knob | default | |
//! |---|---|---|
//! | `keys` | 10,000 | calls under way |
//! | `waiters` | 10,000 | callers of one |
//! | `when_full` | `alone` | beyond the limits a call is its caller's alone, or refused |
//!
//! # Composition
//!
//! Inside the cache and outside of retries, so that the retries of the one call serve all.
//!
//! # What it emits
//!
//! `Substituted("coalesced")` for each caller who joins, `Cancelled` for a call that everybody gave
//! up, `Rejected` for one that was refused.
//!
//! # What it costs
//!
//! The first caller pays three allocations and the lock of one of 32 tables; those who join a read
//! lock and an entry in the call's list. The call is polled once each time it is woken, and all who
//! wait are woken with it.

#[expect(clippy::module_inception, reason = "the file is named after its type")]
mod coalesce;
mod config;
mod flight;
mod future;
mod group;
#[cfg(feature = "tower")]
mod layer;
#[cfg(feature = "tower")]
mod service;
#[cfg(test)]
mod tests;

pub use self::coalesce::Coalesce;
pub use self::config::{CoalesceConfig, WhenFull};
pub use self::future::{CoalesceFuture, Detached};
#[cfg(feature = "tower")]
pub use self::layer::CoalesceLayer;
#[cfg(feature = "tower")]
pub use self::service::{Coalesced, CoalescedFuture};
