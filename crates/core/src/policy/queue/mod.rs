//! The waiting room: who waits for a place, in which order they are served, and when waiting has
//! lost its sense.
//!
//! A [`Bulkhead`](super::Bulkhead) with `max_wait` and a [`LoadShedder`](super::LoadShedder) let
//! calls wait when all places are taken. What waits, wakes and keeps time is a driver's work; what
//! it must do is decided here. A [`Queue`] is a plain value behind the driver's own lock, which is
//! taken only when there is no free place.
//!
//! # When not to use it
//!
//! Where the caller can be told *no* at once and has somewhere else to go, a queue only adds delay:
//! leave `max_wait` at zero. A queue smooths bursts; it never helps against lasting overload.
//!
//! # Order
//!
//! With `by_criticality` the more critical always goes first, and if the room is full it takes the
//! place of the least critical. Within a criticality, or without it:
//!
//! - [`Order::Fifo`]: first come, first served. Fair, and the worst choice in overload: everybody
//!   waits until nobody wants the answer any more.
//! - [`Order::Lifo`]: the last comer first, who has the longest patience left.
//! - [`Order::AdaptiveLifo`]: first come, first served, and while the queue stands, the last comer
//!   first (Maurer, "Fail at Scale", ACM Queue 13(8), 2015).
//!
//! # CoDel: when does a queue stand?
//!
//! Nichols and Jacobson's controlled delay (RFC 8289) tells a queue that absorbs a burst from one
//! that merely adds delay: the latter has not been shorter than a *target* (5 ms) at any time for an
//! *interval* (100 ms). Once that is so, whoever has waited twice the target is refused, until
//! nobody had to be refused for an interval.
//!
//! The delay is that of the longest waiting, not that of the last one served: while the last comer
//! goes first the latter says nothing. The way back takes an interval because refusing keeps the
//! delay below what brought it about; leaving at the first short delay would let the queue stand
//! again for an interval every other interval.
//!
//! Each criticality has a state of its own: the less critical wait because the others go first, and
//! would else have those refused for it. And while the less critical are refused, those above them
//! have a target of their own, by default as long as the interval: each place goes to them, so what
//! makes them wait is chance and not too much of them, unless they have waited that long for an
//! interval. Their order stays that of their coming: turned round, those who came first would be
//! refused although there is a place for nearly all.
//!
//! The target is never less than the time between two places becoming free
//! ([`Queue::expect`]), as RFC 8289 (4.2) asks for at least one packet's time: with four places and
//! 100 ms a call even an ideal queue waits 25 ms.
//!
//! # Deadlines
//!
//! Each waiter has a time at which it gives up: `max_wait` after it came, or when its deadline
//! leaves less time than a call usually takes, whichever is sooner. What would be served too late by
//! all that is known is refused when it comes.
//!
//! # Knobs
//!
//! | field of [`QueueConfig`] | default | |
//! |---|---|---|
//! | `capacity` | 1,000 | who may wait, 1 to 65,536: what a burst brings beyond the places |
//! | `max_wait` | `1s` | the longest wait |
//! | `order` | `adaptive-lifo` | among equals; needs `codel` |
//! | `by_criticality` | `true` | the more critical first |
//! | `codel` | 5 ms for 100 ms | [`CodelConfig`]: `target`, `interval` and `critical_target`; none lets everybody wait for `max_wait` |
//!
//! A bulkhead sets all but the first two to what is fair: first come, first served.
//!
//! # How it composes, and what it emits
//!
//! It is a part of the [bulkhead](super::bulkhead) and of the [load shedder](super::shedder), which
//! emit `Rejected` for those it refuses: `queue_full`, `waited_too_long`, `overloaded`,
//! `deadline_exceeded`.
//!
//! # How a driver uses it
//!
//! 1. [`Waiting::try_place`]; with a place the call goes on, and nothing here is touched.
//! 2. Otherwise lock the room, [`Waiting::enter`], then hand out what [`Waiting::next`] gives (a
//!    place may have become free meanwhile), unlock, and wait to be woken.
//! 3. Whoever settles or cancels a call, and finds [`Waiting::waiting`] above zero, locks the room
//!    and hands out what [`Waiting::next`] gives. So does whoever raises a limit.
//! 4. At [`Queue::poll_at`] somebody locks the room and refuses what [`Waiting::expire`] gives,
//!    until it gives nothing.
//! 5. Who stops waiting calls [`Waiting::leave`]; if that says `false`, its turn or its refusal was
//!    under way already, and a place that came with it must be given back.
//!
//! Each waiter that entered leaves exactly once: by `next`, by `expire` or by `leave`.
//!
//! # What it costs
//!
//! Memory for those who wait and nobody else: `capacity` and as many refusals not fetched yet.
//! Each operation takes time logarithmic in the number of waiters.

mod codel;
mod config;
mod id;
mod places;
mod room;
mod waiting;

pub use codel::CodelConfig;
pub use config::{Order, QueueConfig, WAITERS_MAX};
pub use id::WaiterId;
pub use room::Queue;
pub use waiting::Waiting;

pub(crate) use codel::Codel;
pub(crate) use places::Places;

#[cfg(test)]
#[cfg(loom)]
mod loom_tests;
#[cfg(test)]
#[cfg(not(loom))]
mod tests;
