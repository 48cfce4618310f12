//! Under overload, the important and always the same users first, all along a chain of services.
//!
//! # What it is for
//!
//! One click becomes many calls. If each of five overloaded services refuses a random half, three
//! clicks in a hundred come through, and the other ninety-seven have cost work for nothing. If all
//! of them refuse the *same* half, half of the clicks come through. That needs an order that all
//! services agree on, criticality and then cohort, and a [`Level`](super::Level) in it that each
//! service moves by its own load.
//!
//! It is DAGOR, WeChat's overload control (Zhou et al., "Overload Control for Scaling WeChat
//! Microservices", SoCC 2018), with cohorts for its users' priorities.
//!
//! # When not to use it
//!
//! - For one service by itself: a [load shedder](super::shedder) reacts in a tenth of the time.
//! - If callers put no cohorts on their requests: then it is a dice within each criticality, and the
//!   reason for it is gone.
//!
//! # How it works
//!
//! The signal is the *time in the queue*, from arrival to the start of work, averaged over a window
//! of 1 s or 2,000 requests (section 4.1): response time would count slow dependencies as overload
//! of this service, and CPU is high in a healthy one.
//!
//! At the end of a window (section 4.2.3, algorithm 1): above 20 ms, let in 5 % less than in this
//! window; otherwise 1 % more. Which level that is, follows from a histogram of what came, by rank.
//! Where the level falls into the middle of a rank, a share of the rank is refused at random, so that
//! traffic of one rank is not switched on and off as a whole.
//!
//! By steps of 5 % a tenfold load would take 45 windows to be cut to size, and as many to be let in
//! again by 1 %. So, unlike DAGOR: from the second window of overload in a row on, no more is let in
//! than was begun, and not below a half of what was let in; and with each window in a row that is
//! well the step up doubles, up to the step down.
//!
//! Answers carry the level as text ([`Level`](super::Level)'s `Display`, in [`LEVEL_HEADER`]). A
//! caller keeps it in a [`PeerLevel`] and does not even send what would be refused (section 4.2.4).
//!
//! # Knobs
//!
//! | knob | default | |
//! |---|---|---|
//! | `queueing_max` | `20ms` | average time in the queue that counts as overload |
//! | `window` | `1s` | how often the level moves at least |
//! | `window_requests` | 2,000 | requests begun that end a window early |
//! | `decrease` | `5%` | less let in after a window of overload, at least |
//! | `increase` | `1%` | more let in after any other, at first; well below `decrease`, so that it settles |
//!
//! # How it composes
//!
//! At a server, inside the [deadline](super::deadline) and outside whatever queues. Whoever takes
//! requests out of the queue calls [`Prioritizer::observe`]. At a client, [`PeerLevel`] stands where
//! the [adaptive throttler](super::adaptive_throttler) would, inside retries.
//!
//! # What it emits
//!
//! `Rejected` with `shed`, and `Level` of `level`: 0 lets all in, 512 nobody.
//!
//! # What it costs
//!
//! One atomic addition a call, and 2 KiB. While something is refused, a look at the clock. Once a
//! window one caller spends some microseconds on the histogram; nobody waits for it.
//!
//! ```
//! use std::time::Duration;
//! use ninefold_core::policy::{Admission, Criticality, Prioritizer, RequestMeta};
//! use ninefold_core::time::Timestamp;
//!
//! let prioritizer = Prioritizer::default();
//! let call = |criticality| RequestMeta { criticality, ..RequestMeta::default() };
//! let (prefetch, click) = (call(Criticality::Sheddable), call(Criticality::Critical));
//! let mut now = Timestamp::from_secs(1);
//! for _ in 0..200 {
//!     for request in [&prefetch, &click] {
//!         if prioritizer.try_acquire(request, now).is_ok() {
//!             // It waited for 30 ms before work on it began.
//!             prioritizer.observe(Duration::from_millis(30), now);
//!         }
//!     }
//!     now = now + Duration::from_millis(50);
//! }
//! assert!(prioritizer.try_acquire(&click, now).is_ok());
//! assert!(prioritizer.level().to_string().starts_with("sheddable/0/"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod config;
mod peer;
mod state;
mod streak;

pub use config::PrioritizerConfig;
pub use peer::{LEVEL_HEADER, PeerLevel};
pub use state::Prioritizer;

#[cfg(test)]
#[cfg(not(loom))]
mod tests;
