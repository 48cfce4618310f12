//! Refuses at the client what the server would refuse anyway.
//!
//! A server that is overloaded spends its time on saying no. A client whose calls are refused
//! should send fewer, and each client can find out by itself how many: by comparing what it asks
//! with what is accepted.
//!
//! # When not to use it
//!
//! - With few calls: below `min_samples` answers within the window it does nothing.
//! - Where calls come in bursts that are larger than all that was answered in the window before:
//!   while a burst is under way it looks as if it were refused. A server that never refuses
//!   anything is never throttled, whatever the bursts.
//! - Instead of a circuit breaker: it keeps sending a tenth to a service that is dead. They go
//!   well together, the throttler outside.
//!
//! # How it works
//!
//! Google's client-side throttling (SRE book, chapter 21, "Handling Overload"). Over a sliding
//! window a call is refused with the probability
//!
//! ```text
//! p = max(0, (requests − K × accepts) / (requests + 1))        at most max_rejection
//! ```
//!
//! *Requests* are counted when they are made, those that are refused here included, and *accepts*
//! when the answer is there. Counted at their end instead, calls to a server that hangs would not
//! be counted at all while it hangs. With K = 2 as many calls reach the server as it accepts, and
//! as many again, so the client sees at once when it accepts more. A lower K sends less in vain and
//! recovers more slowly.
//!
//! A call that ends as [`Failure`](super::Outcome::Failure) was not accepted, any other was: a
//! slow answer is an answer, and so is one that blames the caller. A call that was given up is
//! taken out of the count of requests.
//!
//! **Each criticality has windows of its own**, as in Google's. The alternative, one window and a K
//! that grows with criticality, lets the refusals of batch work throttle what users wait for: a
//! server that sheds by criticality refuses all of the former and none of the latter, and only
//! separate counts can tell. A level with too few samples is simply not throttled.
//!
//! ```
//! use ninefold_core::policy::{Admission, AdaptiveThrottler, Outcome, RequestMeta};
//! use ninefold_core::time::Timestamp;
//!
//! let throttler = AdaptiveThrottler::default();
//! let (call, now) = (RequestMeta::default(), Timestamp::from_secs(100));
//! let mut sent = 0;
//! for _ in 0..1_000 {
//!     if let Ok(token) = throttler.try_acquire(&call, now) {
//!         sent += 1;
//!         throttler.settle(token, Outcome::Failure, now);
//!     }
//! }
//! assert!((100..200).contains(&sent), "a tenth gets through, to see when it recovers");
//! ```
//!
//! # Knobs
//!
//! | knob | default | |
//! |---|---|---|
//! | `multiplier` | 2 | K: calls sent for each that is accepted; 1 to 100 |
//! | `window` | `60s` | how far back calls count; 8 s to 2 min, in steps of 4 s. Recovery from a full outage takes about twice as long |
//! | `max_rejection` | `90%` | the largest share that is held back; below 100 %, or nobody would see the recovery |
//! | `min_samples` | 20 | answers of a criticality within the window before any of its calls is held back |
//!
//! # How it composes
//!
//! Within retry, so that what it refuses is not sent again, and outside of the breaker. Its
//! refusals are not worth trying again: that would be a way around them.
//!
//! # What it emits and costs
//!
//! `Rejected` with [`Throttled`](super::Reason::Throttled), and `State` when a level begins or
//! ceases to be throttled (`passing`, `throttling`). An admitted call adds to one counter when it
//! begins and to another when it ends, and reads the clock once. Counters are kept in slots of four
//! seconds; 5 KiB a throttler.

mod config;
#[cfg(test)]
#[cfg(not(loom))]
mod tests;
mod throttler;
mod windows;

pub use config::AdaptiveThrottlerConfig;
pub use throttler::{AdaptiveThrottler, ThrottleToken};
pub use windows::ThrottleState;
