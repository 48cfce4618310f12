//! Breaks calls on purpose.
//!
//! # What it is for
//!
//! Whether retries, breakers and fallbacks do what they should shows only when something fails.
//! [`Chaos`] stands innermost, in the place where the network would fail, and lets a share of the
//! calls fail, come late, or be answered by something else: in tests, in staging, and for a small
//! share in production. Polly calls the same three fault, latency and outcome.
//!
//! # When not to use it
//!
//! To fail whole processes and zones: that is what `ninefold verify` does, from outside. And not
//! switched on by default: [`ChaosConfig::enabled`] is off until someone turns it on.
//!
//! # What it does
//!
//! Every call has a number, and what is done to it follows from the seed and the number alone, so a
//! run with one caller can be repeated exactly; with several, the same numbers meet the same fate,
//! whoever draws them. Each share is drawn by itself:
//!
//! 1. `latency`: the call is delayed by `delay` and up to `jitter` more;
//! 2. `fault`: it is not made and fails with [`Reason::Injected`](crate::Reason::Injected) of
//!    [`PolicyKind::Chaos`](crate::PolicyKind::Chaos);
//! 3. `outcome`, if there is no fault: it is not made and gets an answer from
//!    [`Chaos::with_outcome`].
//!
//! **What was injected says so**: faults in the error, and all of it to listeners, so that no
//! incident is blamed on whoever was not even called.
//!
//! ```
//! use ninefold::chaos::{Chaos, ChaosConfig};
//! use ninefold::clock::VirtualTime;
//! use ninefold::{Ratio, Reason};
//!
//! let time = VirtualTime::new();
//! let chaos = Chaos::on(time.clone(), ChaosConfig {
//!     enabled: true,
//!     seed: 7,
//!     fault: Ratio::percent(30),
//!     ..ChaosConfig::default()
//! })?;
//! let failed = (0..100)
//!     .map(|_| time.block_on(chaos.call(|| async { Ok::<_, &str>(()) })))
//!     .filter(|answer| answer.as_ref().is_err_and(|error| {
//!         error.rejected().is_some_and(|why| why.reason == Reason::Injected)
//!     }))
//!     .count();
//! assert!((20..40).contains(&failed), "about thirty: {failed}");
//! # Ok::<(), ninefold::InvalidPolicy>(())
//! ```
//!
//! # Knobs
//!
//! | knob | default | |
//! |---|---|---|
//! | `enabled` | off | |
//! | `seed` | 0 | |
//! | `fault`, `latency`, `outcome` | 0 % | shares of the calls, drawn independently |
//! | `delay`, `jitter` | 100 ms, 0 s | `delay` to `delay + jitter`, uniformly |
//!
//! # Composition
//!
//! Innermost, inside the time limit of the attempt, so that everything else reacts to what is
//! injected as it would to the real thing.
//!
//! # What it emits
//!
//! `Injected`: `latency`, `fault` or `outcome`.
//!
//! # What it costs
//!
//! Switched off, one load. Switched on, a lock for a few instructions and four random numbers.

#[expect(clippy::module_inception, reason = "the file is named after its type")]
mod chaos;
mod config;
#[cfg(feature = "tower")]
mod future;
#[cfg(feature = "tower")]
mod layer;
mod outcome;
mod plan;
#[cfg(feature = "tower")]
mod service;
#[cfg(test)]
mod tests;

pub use self::chaos::Chaos;
pub use self::config::ChaosConfig;
#[cfg(feature = "tower")]
pub use self::future::ChaosFuture;
#[cfg(feature = "tower")]
pub use self::layer::ChaosLayer;
pub use self::outcome::{Inject, NoOutcome};
#[cfg(feature = "tower")]
pub use self::service::WithChaos;
