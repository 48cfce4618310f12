//! Pure decisions of Ninefold: what failed, how it failed, who serves next, what it cost.
//!
//! **Invariant:** nothing here reads a clock, draws from the system's randomness, opens a file or a
//! socket, or knows tokio. `now` and a seeded [`rng::Rng`] come in as arguments and decisions go
//! out as values, so that production, tests and a simulator run the same code.

pub mod address;
pub mod answer;
pub mod balance;
pub mod detect;
pub mod ejection;
pub mod event;
pub mod fault;
pub mod hash;
pub mod id;
pub mod incident;
pub mod named;
pub mod observation;
pub mod policy;
pub mod quarantine;
pub mod reliability;
pub mod restart;
pub mod rng;
pub mod rollout;
pub mod roster;
pub mod slo;
pub mod slow_start;
pub mod spy;
pub mod srv;
pub mod status;
pub mod taxonomy;
pub mod time;
pub mod units;
mod wilson;
