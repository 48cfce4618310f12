//! What a server refuses so that it can answer the rest in time.
//!
//! # What it is for
//!
//! A server that takes in more than it can do answers everything too late, and then nobody: its
//! callers have given up, and asked again. A load shedder keeps what is under way at the limit of
//! concurrency, what waits for it short, and refuses the remainder early, the least important first.
//! Refusing costs next to nothing, so ten times the load still leaves nearly all of the capacity to
//! what was taken in.
//!
//! # When not to use it
//!
//! - In a client: that does not know the server's queue. It has the
//!   [adaptive throttler](super::adaptive_throttler).
//! - Where places are not what runs out: a server that is slow because of its dependency should
//!   bound that, by a [bulkhead](super::bulkhead).
//! - Without a limit that fits. `max_concurrent_calls` must be about what keeps the server busy; an
//!   [adaptive limiter](super::adaptive_limiter) finds it, see [`LoadShedder::set_limit`].
//!
//! # How it works
//!
//! **Places.** Up to `max_concurrent_calls` are under way. While there is room and nobody waits, a
//! call is let in with a few atomic operations.
//!
//! **Waiting.** Others wait in a [`Queue`](super::queue::Queue), the more critical first. A driver
//! keeps it, by [`Waiting`](super::queue::Waiting). Without a driver
//! [`try_acquire`](super::Admission::try_acquire) simply refuses them.
//!
//! **Shedding**, one of:
//!
//! - [`Shedding::Codel`]: controlled delay. Nobody has waited less than 5 ms at any time for
//!   100 ms: the queue stands. Then who has waited 10 ms is refused, and the last comer goes first
//!   (Maurer, "Fail at Scale", ACM Queue 13(8), 2015). It needs to know nothing about the traffic,
//!   and is the default.
//! - [`Shedding::Pid`]: a PID controller on the delay of the queue sets the share of calls to refuse
//!   *before* they wait, by criticality and cohort (after Uber's Cinnamon, 2023). A user is served
//!   always or never rather than at every other click. It takes a second or so to find the share, and leaves some
//!   places empty: in this module's simulation 92 % of capacity are answered in time, against 99 %
//!   with controlled delay, each at 2 and 10 times the load.
//!
//! **Deadlines.** The shedder learns how long a call usually takes, as a running median. A call that
//! would have to wait, and by that has no chance to be answered before its deadline, is refused at
//! once; so is one whose time runs out while it waits. A free place is given to whoever has any time
//! left: else a median learnt on a bad day could refuse everybody for ever, as nobody would be left
//! to prove it wrong.
//!
//! # Knobs
//!
//! | knob | default | |
//! |---|---|---|
//! | `max_concurrent_calls` | 100 | calls under way at once |
//! | `max_waiting_calls` | 1,000 | calls that wait |
//! | `max_wait` | `1s` | the longest wait |
//! | `order` | `adaptive-lifo` | among equals; with a PID as `fifo` |
//! | `by_criticality` | `true` | the more critical first |
//! | `shedding` | `codel`, 5 ms, 100 ms | see [`CodelConfig`](super::queue::CodelConfig), [`PidConfig`] |
//!
//! # How it composes
//!
//! At a server, outside everything but the [deadline](super::deadline). The
//! [prioritizer](super::prioritizer) is for many servers in a row: it tells its callers what it
//! would refuse.
//!
//! # What it emits
//!
//! `Rejected` (`full`, `queue_full`, `waited_too_long`, `overloaded`, `shed`, `deadline_exceeded`),
//! `Settled` with the time a call took, `Cancelled`, and `Level` of `limit` and of `shed_share`.
//!
//! # What it costs
//!
//! An admitted call: two atomic operations, one look at the clock and another when it succeeds; one
//! more atomic operation with a PID, whose histogram takes 2 KiB. No lock, no allocation. Those who
//! wait cost what the [queue](super::queue) costs.

mod config;
mod service_time;
mod state;
mod steering;

pub use config::{LoadShedderConfig, PidConfig, Shedding};
pub use state::{LoadShedder, LoadShedderToken};

#[cfg(test)]
#[cfg(not(loom))]
mod simulation;
#[cfg(test)]
#[cfg(not(loom))]
mod tests;
