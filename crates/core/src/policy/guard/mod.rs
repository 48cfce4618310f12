//! Breaks the loop that keeps an overload alive after its cause has gone.
//!
//! # What it is for
//!
//! A *trigger*, a burst of load or a slow minute, overloads a service. Callers time out and repeat
//! their calls. When the trigger is gone, the repetitions are load enough to keep callers timing
//! out: the service works at full speed, and hardly anything of its work is of use to anybody. It
//! stays so for hours, until somebody takes the load away (Bronson et al., "Metastable Failures in
//! Distributed Systems", HotOS 2021; Huang et al., "Metastable Failures in the Wild", OSDI 2022,
//! who find at least four of AWS's fifteen major outages in ten years to be such; Isaacs et al.,
//! "Analyzing Metastable Failures", HotOS 2025).
//!
//! A [retry budget](super::retry_budget) keeps most of these loops from closing. The guard is for
//! those that close anyway: callers that are not ours, budgets that are generous, work that is slow
//! because there is so much of it.
//!
//! # When not to use it
//!
//! As the only defence. It acts after seconds, a budget and a shedder act at once.
//!
//! # How it works
//!
//! Once a window it looks at two ratios:
//!
//! - **amplification**, attempts for each request, by [`RequestMeta::attempt`](super::RequestMeta);
//! - **goodput over throughput**: of all calls that ended, those that ended as they should and in
//!   time. Calls that were cancelled are left out, as ever, unless amplification is high: callers
//!   that give up and ask again *are* the loop.
//!
//! A *loop* is seen where amplification is at `amplification_max`, or more than half of what ended
//! was answered too late ([`Outcome::Slow`](super::Outcome::Slow)). Calls that merely fail are an
//! outage, and no loop.
//!
//! ```text
//!            goodput low, or amplified            loop, goodput low, and no more load than
//!   Stable ───────────────────────────► Vulnerable ───────────────────────────► Metastable
//!     ▲                                  │      was once served well, for `trip_after`   │
//!     └──────────────────────────────────┘                                               │
//!     ▲        healthy for `recover_after`                                               │
//!     └──────────────────────────────────────────────────────────────────────────────────┘
//!                        healthy for `recover_after`, and nothing shed any more
//! ```
//!
//! "No more load than was once served well" is how it knows that the trigger is gone: it remembers
//! the most first attempts in a window that went well. A loop at a load never served before counts
//! after ten times as long, for then it is no trigger, and overload all the same.
//!
//! While metastable, nothing is repeated ([`MetastabilityGuard::repeats_allowed`] says so to retries
//! and hedges, and attempts beyond the first are refused). If that does not help within a window,
//! it also sheds: `shed_step` more of first attempts with each window of low goodput, the least
//! critical first, and `shed_step` less with each healthy one. Goodput between low and healthy
//! changes nothing: that is its hysteresis.
//!
//! # Knobs
//!
//! | knob | default | |
//! |---|---|---|
//! | `window` | `1s` | how often it looks |
//! | `min_requests` | 20 | first attempts, and calls ended, without which a window says nothing |
//! | `amplification_max` | 1.5 | attempts a request that are a loop; above 1, and above what budgets grant |
//! | `goodput_low` | `50%` | of what ended; below is not well |
//! | `goodput_healthy` | `90%` | of what ended; from here on is well |
//! | `trip_after` | 3 | windows in a row |
//! | `recover_after` | 5 | windows in a row |
//! | `shed_step`, `max_shed` | `20%`, `90%` | of first attempts |
//!
//! # How it composes
//!
//! At a client outside retries and hedges for first attempts, and asked by them for each repetition;
//! at a server outside the shedder.
//!
//! # What it emits
//!
//! `State` (`stable`, `vulnerable`, `metastable`), `Rejected` (`budget_exhausted`, `shed`), and
//! `Level` of `shed_share`.
//!
//! # What it costs
//!
//! An atomic addition when a call begins and one when it ends, and a look at the clock then. 2 KiB.
//!
//! ```
//! use ninefold_core::policy::{Admission, MetastabilityGuard, Outcome, Permit, RequestMeta};
//! use ninefold_core::policy::guard::GuardState;
//! use ninefold_core::time::Timestamp;
//!
//! let guard = MetastabilityGuard::default();
//! for second in 0..10 {
//!     let now = Timestamp::from_secs(second);
//!     for n in 0..100 {
//!         let call = RequestMeta { attempt: n % 4, ..RequestMeta::default() };
//!         if let Ok(permit) = Permit::acquire(&guard, &call, now) {
//!             permit.settle(Outcome::Failure, now);
//!         }
//!     }
//! }
//! assert_eq!(guard.state(), GuardState::Metastable);
//! assert!(!guard.repeats_allowed());
//! ```

mod config;
mod machine;
mod state;

pub use config::GuardConfig;
pub use machine::GuardState;
pub use state::MetastabilityGuard;

#[cfg(test)]
#[cfg(not(loom))]
mod simulation;
#[cfg(test)]
#[cfg(not(loom))]
mod tests;
