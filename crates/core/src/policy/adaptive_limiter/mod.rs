//! Finds by itself how many calls may be under way at once.
//!
//! Every service has a concurrency up to which it gets more done with more calls, and beyond which
//! calls only wait for each other. The point moves with every release, every neighbour and every
//! mix of calls, so a number in a file is wrong most of the time. Latencies tell where it is.
//!
//! # When not to use it
//!
//! - Where calls take wildly different time: one that exports a year next to one that reads a row.
//!   Give each kind a limiter of its own.
//! - Where few calls are under way, say below five, and `min_samples` take minutes to come by.
//! - In front of something whose latency says nothing of its load, such as a queue that takes
//!   everything at once. There use a [`Bulkhead`](super::bulkhead) or a
//!   [`RateLimiter`](super::RateLimiter).
//!
//! # How it works
//!
//! Calls beyond the limit are refused at once. In windows of `window`, or of a latency if that is
//! longer, the limiter compares the latency of the calls that ended (their 90th percentile) with a
//! *baseline*, the latency of the idle service, and an [`Algorithm`] moves the limit:
//!
//! | algorithm | grows | shrinks | settles at, for a service that works on C at once |
//! |---|---|---|---|
//! | [`Vegas`] | fewer than α·log₁₀ L calls wait | more than β·log₁₀ L wait | C + 10 % + some calls |
//! | [`Gradient2`] | latency below 1.5 baselines | by the ratio of the two, smoothed; to its half where latency is above four baselines twice in a row | about 1.5 C |
//! | [`Aimd`] | the same, by one | to 90 % | about 1.5 C, sawing |
//!
//! Steps of growth double with every eight windows of growth in a row, as no step that is small
//! enough for the end is large enough for the beginning. The names and most defaults are those of
//! Netflix's `concurrency-limits`; the percentile is failsafe-go's idea.
//!
//! # What keeps it honest
//!
//! Limiters of this kind fail in two ways. They *drift up* in an overload, because the overload
//! becomes the usual latency with time (concurrency-limits#134, #137; failsafe-go#127), or they
//! *learn a degraded baseline* while they measure it under load (envoy#38338, #46532). Here:
//!
//! - **A limit that is not used does not grow.** With fewer than half of it under way, latencies
//!   say nothing about it. They tell the baseline, though; and a limit above 64 comes down to eight
//!   times of what is under way at most, so that an overload does not find it wide open.
//! - **The baseline rises only if fewer calls did not help.** If a service is slow because of our
//!   calls, fewer of them make it quicker. So a latency becomes the baseline only after the
//!   concurrency was halved and the latency stayed. Halving comes for free when the limit shrinks
//!   to its half. Otherwise it is done on purpose, once at the beginning, unless eight
//!   windows were seen before in which the limit was not in the way, and once in
//!   `measure_after` while the limit is reached or latencies stay above the baseline: half of the
//!   calls are let in, those that begin then are timed until the last has ended, and the same again
//!   with half of that until it does not help any more. That costs below 2 % of the throughput of a
//!   service in overload, and one that is not overloaded, nothing after the first time.
//! - **Even so it rises by steps:** at most to twice what it was, and to eight times of the lowest
//!   of the last ten minutes. It sinks at once, to the highest of eight windows in a row, so not
//!   with every lucky one.
//! - **Failures lower the limit** to 90 % where a tenth of the calls of a window failed, whatever
//!   the latencies, and nothing is learnt of such a window. The time they took does not count: a
//!   refusal is quick.
//! - `max_rtt` is for who knows what can never be healthy.
//! - `min_limit` is only the lowest limit; measurements go below it.
//!
//! ```
//! use ninefold_core::policy::{AdaptiveLimiter, Outcome, Permit, RequestMeta};
//! use ninefold_core::time::Timestamp;
//! use std::time::Duration;
//!
//! let limiter = AdaptiveLimiter::default();
//! let mut now = Timestamp::from_secs(100);
//! for _ in 0..100 {
//!     let mut calls = Vec::new();
//!     while let Ok(permit) = Permit::acquire(&limiter, &RequestMeta::default(), now) {
//!         calls.push(permit);
//!     }
//!     // All are answered in 50 ms, however many there are.
//!     now = now + Duration::from_millis(50);
//!     for permit in calls {
//!         permit.settle(Outcome::Success, now);
//!     }
//! }
//! assert!(limiter.limit() > 100, "it has grown from 20 to {}", limiter.limit());
//! ```
//!
//! # Knobs
//!
//! | knob | default | |
//! |---|---|---|
//! | `algorithm` | `gradient2` | or `vegas`, `aimd`; each with knobs of its own |
//! | `min_limit`, `initial_limit`, `max_limit` | 1, 20, 1,000 | calls under way, in this order; at most a million |
//! | `window` | `100ms` | how often the limit moves at most; 10 ms to 10 s, and never within a latency |
//! | `min_samples` | 20 | calls that must have ended in a window before it says anything |
//! | `quantile` | `90%` | of a window's latencies, which is compared with the baseline |
//! | `drop_threshold` | `10%` | of a window's calls that failed: from here on the limit is lowered |
//! | `max_rtt` | none | a latency that is too long whatever the baseline |
//! | `slack` | `0s` | a latency that is so little above the baseline is no overload |
//! | `measure_after` | `30s` | of a full limit or long latencies, before the baseline is measured again |
//!
//! # How it composes
//!
//! At a client inside of breaker and rate limiter, in the place of a bulkhead; at a server inside
//! of the load shedder, which decides *who* is refused. The time limit of an attempt belongs inside
//! of it, so that a timeout is a failure. Outside, a timeout is a cancelled call, which counts as
//! nothing, and only the quick calls would be seen.
//!
//! [`Failure`](super::Outcome::Failure) must mean overload here: let the classifier ignore errors
//! that say nothing of load, or a bug that fails a tenth of all calls lowers the limit for the
//! others.
//!
//! # What it emits and costs
//!
//! `Rejected` with [`LimitReached`](super::Reason::LimitReached), `Level` (`limit`), and `State`
//! when it begins or ends to measure (`steady`, `measuring`). A call is a compare-and-swap and a
//! read of the clock when it begins, three additions and another read when it ends. Once in a window
//! one thread calculates for some microseconds; others pass by. 8 KiB a limiter.

mod algorithm;
mod baseline;
#[cfg(test)]
#[cfg(not(loom))]
mod complaints;
mod config;
mod control;
mod limiter;
mod memento;
#[cfg(test)]
#[cfg(not(loom))]
mod simulation;
#[cfg(test)]
#[cfg(not(loom))]
mod tests;
mod window;

pub use config::{AdaptiveLimiterConfig, Aimd, Algorithm, Gradient2, Vegas};
pub use limiter::{AdaptiveLimiter, LimiterToken};
pub use memento::LimiterMemento;
