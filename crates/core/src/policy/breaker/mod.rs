//! The circuit breaker: stops calling who fails, and finds out when that is over.
//!
//! # What it is for
//!
//! A dependency that fails is called on and on: each call costs its caller a wait, a connection and
//! a place in a queue, and costs the dependency the chance to recover. A breaker watches how calls
//! end, and when too many fail or are slow it *opens*: calls are refused at once, for a while. Then
//! it lets a few trial calls through and closes again if they succeed. The pattern is Nygard's
//! (*Release It!*, 2007); the states and most names are Resilience4j's.
//!
//! One breaker belongs to one thing that fails as a whole: an endpoint, a database, an account with
//! a provider.
//!
//! # When not to use it
//!
//! - Over many endpoints at once: one bad one in ten trips nothing or everything. Give each its
//!   own, or use outlier detection.
//! - Against overload. It knows only open and closed, so a dependency that could serve half of the
//!   calls gets all or none. An adaptive limiter or throttler sheds the part that is too much.
//! - Where nothing else can be done: without a fallback, another replica or a caller that can
//!   wait, failing early helps only the dependency.
//! - For bugs of the caller. Classify those as [`Outcome::Ignored`](super::Outcome::Ignored).
//!
//! # How it decides
//!
//! ```text
//!              a rate reaches its threshold
//!     Closed ───────────────────────────────▶ Open ◀──────┐
//!        ▲                                     │          │ too many trials
//!        │              the wait is over and a │          │ fail or are slow
//!        │              call asks: first trial ▼          │
//!        └───────────────────────────────── HalfOpen ─────┘
//!              enough trials succeed
//!
//!     levers, from any state:  force_open → ForcedOpen    disable      → Disabled
//!                              force_close → Closed       metrics_only → MetricsOnly
//!                              reset       → Closed, as new
//! ```
//!
//! **Closed.** The window holds the last `count` calls, or those of the last `span`. Once it holds
//! `minimum_calls`, the breaker opens as soon as the share that failed reaches
//! `failure_rate_threshold`, or the share that was slow reaches `slow_call_rate_threshold`. A call
//! can be both. Rates are compared in whole numbers, without rounding. They are looked at whenever a
//! call changes what the window holds, or was bad.
//!
//! **Open.** Calls are refused with the time that is left. The wait is `open_wait`, times
//! `open_wait_factor` for every time in a row that the trials failed, at most `open_wait_max`,
//! shortened at random by up to `open_wait_jitter`. Nothing runs by itself: the first call after
//! the wait makes it half open, and is the first trial.
//!
//! **Half open.** `permitted_calls_in_half_open` places; further calls are refused. It closes when
//! `half_open_success_rate` of them succeeded and fewer than `slow_call_rate_threshold` were slow,
//! and opens when that can no longer be: in both cases as soon as the trials still under way cannot
//! change it. A trial that is cancelled or ignored gives its place back.
//!
//! A trial that never ends cannot hold it there: after `max_wait_in_half_open` the next call that
//! asks forces the verdict, on the same thresholds, over the trials that were admitted, and
//! **those that have not ended count as failed**. So four hung trials of five open it again, and
//! one success in a quiet time, with nothing under way, closes it. If every trial was cancelled
//! there is nothing to judge, and it stays half open for as long again.
//!
//! **Results of the past never count.** A token carries the generation that it was given in, each
//! change of state begins another, and everything that is counted is tagged with it. A call that
//! began before the breaker opened says nothing about the trials, and nothing about the window after
//! them.
//!
//! # Knobs
//!
//! | field of [`CircuitBreakerConfig`] | default | why |
//! |---|---|---|
//! | `failure_rate_threshold` | 50 % | as everywhere: half of the calls in vain |
//! | `slow_call_rate_threshold` | 100 % | slow is not broken: only if everything is |
//! | `slow_call_duration` | not measured | what is slow depends on the call; measuring costs two clock reads |
//! | `minimum_calls` | 20 | Hystrix's. With 100 (Resilience4j, Polly) a breaker of one call a second is blind for 100 s; with 5, three unlucky calls open it |
//! | `sliding_window` | last 100 calls | needs no clock; an outage is seen after 50 failures at any rate of calls |
//! | `open_wait` | 5 s | Hystrix's and Polly's: a restart is not punished by a minute (Resilience4j) of refusals |
//! | `open_wait_factor`, `open_wait_max` | 2, 60 s | a long outage is asked more and more seldom, to once a minute |
//! | `open_wait_jitter` | 10 % | a fleet does not come back in one instant |
//! | `permitted_calls_in_half_open` | 5 | few enough to spare who recovers, enough to tell luck from health |
//! | `half_open_success_rate` | 80 % | 4 of 5: clearly better than what opened it, or it would soon open again |
//! | `max_wait_in_half_open` | 10 s | longer than a good call; Resilience4j's default is for ever |
//!
//! A window by count remembers however long it takes: with a call an hour, failures of last week
//! count. Where calls are rare or come in bursts, use `SlidingWindow::Time`, and set
//! `minimum_calls` to what a quiet span brings.
//!
//! # How it composes
//!
//! Inside of retries, so that each attempt counts and a retry finds an open breaker at once; outside
//! of the time limit per attempt, so that a timeout is a result like any other; outside of a
//! bulkhead, so that its refusals are not mistaken for failures of the dependency. Refusals are
//! [`Rejected`](super::Rejected) with the time until it is worth trying again: `retry_after` while
//! open is the rest of the wait, with full places the time until the verdict at the latest.
//!
//! # What it emits
//!
//! `Change::State` for each change, by exactly one thread, after it happened and without a lock
//! held: threads that change the state in quick succession may tell of it in either order.
//! `Change::Rejected` for each refusal, `Change::Settled` and `Change::Cancelled` for each call.
//!
//! # What it costs
//!
//! An admitted call of a closed breaker with a window by count: a few loads and no write at all
//! while the window is full of good calls, so threads that share it do not slow each other; two or
//! three atomic operations while a failure is in it. No lock, no allocation, no clock. A window by
//! time reads the clock once, when the call ends, and makes one atomic operation on a word that its
//! callers share. Refusals are loads and one clock read. Changes of state take a lock. Memory:
//! 900 bytes, and 4 for each call of a window by count or 2 KiB for one by time.
//!
//! # An example
//!
//! ```
//! use std::time::Duration;
//!
//! use ninefold_core::policy::breaker::{CircuitBreakerConfig, SlidingWindow, State};
//! use ninefold_core::policy::{CircuitBreaker, Outcome, Permit, Reason, RequestMeta};
//! use ninefold_core::time::Timestamp;
//! use ninefold_core::units::Ratio;
//!
//! let breaker = CircuitBreaker::new(CircuitBreakerConfig {
//!     sliding_window: SlidingWindow::Count(10),
//!     minimum_calls: 4,
//!     open_wait_jitter: Ratio::percent(0),
//!     ..CircuitBreakerConfig::default()
//! })?;
//! let call = RequestMeta::default();
//!
//! // Two of four calls fail: half of them, so it opens.
//! let mut now = Timestamp::from_secs(1);
//! for outcome in [Outcome::Success, Outcome::Success, Outcome::Failure, Outcome::Failure] {
//!     Permit::acquire(&breaker, &call, now)?.settle(outcome, now);
//! }
//! assert_eq!(breaker.state(), State::Open);
//! let refused = Permit::acquire(&breaker, &call, now).unwrap_err();
//! assert_eq!(refused.reason, Reason::CallNotPermitted);
//! assert_eq!(refused.retry_after, Some(Duration::from_secs(5)));
//!
//! // Five seconds later trial calls pass; after the fourth success it closes.
//! now = now + Duration::from_secs(5);
//! for _ in 0..4 {
//!     Permit::acquire(&breaker, &call, now)?.settle(Outcome::Success, now);
//! }
//! assert_eq!(breaker.state(), State::Closed);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod circuit_breaker;
mod clock;
mod config;
mod control;
mod count_window;
mod counts;
mod evictable;
mod hot;
mod memento;
mod padded;
mod rules;
mod state;
mod tag;
mod time_window;
mod trials;
mod window;

#[cfg(test)]
#[cfg(loom)]
mod loom_tests;
#[cfg(test)]
#[cfg(not(loom))]
mod tests;

pub use circuit_breaker::{CircuitBreaker, Token};
pub use config::{
    BUCKETS_MAX, CALLS_MAX, CircuitBreakerConfig, OPEN_WAIT_FACTOR_MAX, SlidingWindow, TRIALS_MAX,
};
pub use counts::Counts;
pub use memento::BreakerMemento;
pub use state::State;
pub use trials::Trials;
