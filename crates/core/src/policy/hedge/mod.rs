//! When to ask a second one.
//!
//! The slowest one in twenty calls is often slow by accident: a pause, a queue, a lost packet. If a
//! second call is sent once the first is slower than nineteen of twenty, the slow tail all but
//! goes away, for five per cent more calls (Dean and Barroso, "The Tail at Scale", CACM 2013).
//!
//! # When not to use it
//!
//! - For calls that must not happen twice.
//! - Where everything is slow because of overload. There hedges are more overload: the delay grows
//!   with the latencies, but only as fast as they are seen, so give hedges a
//!   [`RetryBudget`](super::RetryBudget), the same one that retries have.
//! - Where slow calls are slow for a reason, such as a large answer: the second will be as slow.
//!
//! # How it works
//!
//! Latencies are counted in a [`QuantileSketch`](super::QuantileSketch), in two windows that take
//! turns, so what is known is half a `window` to one `window` old. The delay is the `quantile` of
//! both, between `min_delay` and `max_delay`, calculated anew a few times a window. Before
//! `min_samples` are known there is none, and nothing is hedged.
//!
//! ```
//! use std::time::Duration;
//! use ninefold_core::policy::HedgePolicy;
//! use ninefold_core::time::Timestamp;
//!
//! let hedge = HedgePolicy::default();
//! let mut now = Timestamp::from_secs(100);
//! assert_eq!(hedge.delay(0, now), None, "nothing is known yet");
//! for n in 0..1_000 {
//!     now = now + Duration::from_millis(10);
//!     hedge.record(Duration::from_millis(10 + n % 100), now);
//! }
//! let delay = hedge.delay(0, now).expect("enough is known");
//! assert!((103..106).contains(&delay.as_millis()), "{delay:?}");
//! assert_eq!(hedge.delay(1, now), None, "one hedge at most");
//! ```
//!
//! # How to use it
//!
//! Start the call and a timer of [`delay`](HedgePolicy::delay). If the timer is first, withdraw from
//! the budget *then*, not when the timer starts, because nineteen of twenty never get there; and if
//! it grants one, send the hedge. An error does not win while another attempt lives
//! (failsafe-go#141). When one has won, cancel the others.
//!
//! [`record`](HedgePolicy::record) the time of every attempt, **cancelled losers too**, with the
//! time they had taken so far. Left out, the slow calls that hedging cuts short would be missing
//! from the latencies, the delay would sink, and more and more would be hedged.
//!
//! # Knobs
//!
//! | knob | default | |
//! |---|---|---|
//! | `quantile` | `95%` | of latencies: slower calls are hedged, so about 5 % are; 50 % to 99.9 % |
//! | `min_delay`, `max_delay` | `1ms`, `10s` | no hedge sooner, none later, in this order |
//! | `max_hedges` | 1 | of one call, each after the delay again; at most 10, and 0 hedges nothing |
//! | `min_samples` | 100 | latencies before anything is hedged |
//! | `window` | `60s` | how far back latencies count; 1 s to 1 h |
//!
//! # How it composes
//!
//! In the place of a retry, outside of whatever refuses and times single attempts, or within a retry,
//! with the same budget, which then counts the first attempts once.
//!
//! # What it emits
//!
//! `Attempt` for each hedge, by whoever sends it. The policy itself emits nothing;
//! [`delay`](HedgePolicy::delay) is the gauge.
//!
//! # What it costs
//!
//! A record is two reads and an addition; a delay is two reads. Whoever finds that the delay is old
//! calculates it anew, over 3,584 counters, in some microseconds. 14 KiB a policy.

mod config;
mod decision;
#[cfg(test)]
#[cfg(not(loom))]
mod tests;

pub use config::HedgeConfig;
pub use decision::HedgePolicy;
