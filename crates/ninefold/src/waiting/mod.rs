//! Calls that wait for their turn.
//!
//! # What it is for
//!
//! A bulkhead or a load shedder refuses at once, as a [`Handle`](crate::Handle). In a
//! [`WaitingRoom`] its calls may also wait: as many, as long and in the order that its configuration
//! says. Who is next and who has waited too long is decided in
//! [`policy::queue`](crate::policy::queue); this is the part that sleeps and wakes.
//!
//! ```
//! use ninefold::clock::VirtualTime;
//! use ninefold::waiting::{Bulkhead, BulkheadConfig, WaitingRoom};
//! use ninefold::Span;
//!
//! let time = VirtualTime::new();
//! let room = WaitingRoom::on(
//!     time.clone(),
//!     Bulkhead::new(BulkheadConfig {
//!         max_concurrent_calls: 1,
//!         max_wait: Span::millis(50),
//!         ..BulkheadConfig::default()
//!     })?,
//! );
//! assert_eq!(time.block_on(room.call(|| async { Ok::<_, ()>(7) })), Ok(7));
//! # Ok::<(), ninefold::InvalidPolicy>(())
//! ```
//!
//! # When not to use it
//!
//! Where the caller has somewhere else to go when it is told *no*: waiting then only adds delay.
//!
//! # Knobs
//!
//! Those of the policy: `max_wait` and `max_waiting_calls` of a
//! [`BulkheadConfig`], and those of a [`LoadShedderConfig`]. Whoever raises a
//! limit calls [`WaitingRoom::serve`], so that those who wait learn of it.
//!
//! # How it composes
//!
//! In the place of the policy: inside of breaker and rate limiter, outside of the time limit of an
//! attempt, which does not count the wait. The request's deadline does: who could not be served in
//! time is refused.
//!
//! # What it emits
//!
//! What the policy emits, with `queue_full`, `waited_too_long`, `overloaded` and `deadline_exceeded`
//! among its refusals.
//!
//! # What it costs
//!
//! A call that finds a place takes no lock and allocates nothing. One that waits takes the room's
//! lock, and is one entry in it. Of all who wait only one keeps a timer.

mod acquire;
mod lobby;
mod room;
mod seats;
#[cfg(test)]
mod tests;
#[cfg(feature = "tower")]
mod tower;

pub use ninefold_core::policy::queue::{CodelConfig, Order, QueueConfig, Waiting};
pub use ninefold_core::policy::{Bulkhead, BulkheadConfig, LoadShedder, LoadShedderConfig};

pub use self::acquire::Acquire;
pub use self::lobby::{Lobby, WaitingPermit};
pub use self::room::WaitingRoom;
#[cfg(feature = "tower")]
pub use self::tower::{WaitingFuture, WaitingLayer, WaitingService};
