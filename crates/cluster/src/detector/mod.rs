//! Failure detectors: from the arrivals of heartbeats to the time at which silence is suspicious.
//!
//! All of them stand behind one interface, [`FailureDetector`], so that they can be compared on the same trace
//! and exchanged where they are used:
//!
//! | kind | when it suspects | from |
//! |---|---|---|
//! | fixed timeout | after a constant silence | – |
//! | NFD-E | α after the next heartbeat is expected | Chen, Toueg, Aguilera: On the Quality of Service of Failure Detectors (2002) |
//! | Bertier | the same, with Jacobson's margin for α | Bertier, Marin, Sens: Implementation and performance evaluation of an adaptable failure detector (DSN'02) |
//! | 2W-FD | a margin after the later of two expectations, by a short and a long window | Tomsic, Sens, Garcia, Arantes, Sopena: 2W-FD (IPDPS'15) |
//! | φ, Akka | at a φ of the normal distribution, after an acceptable pause | Hayashibara et al.: The φ accrual failure detector (SRDS'04), with Akka's approximation and defaults |
//! | φ, Cassandra | at a φ of the exponential distribution | the same, with Cassandra's windows and defaults |
//! | φ, chitchat | at a multiple of the mean interval, which begins with a prior | the same, with chitchat's windows and defaults |
//! | ninefold | as early as a requested rarity of mistakes allows, and never later than a requested detection time | ours: [`Cantelli`] |
//!
//! Those of others are written after their formulas and published defaults, not taken from their code.
//!
//! What all have in common: timestamps are of one monotonic clock. A heartbeat whose number is not above the
//! newest one says nothing new. A clock that steps back makes what was measured worthless, so a detector forgets
//! it and begins anew. A sender that begins anew needs a detector of its own.

mod any;
mod bertier;
mod cantelli;
mod estimate;
mod failure_detector;
mod fixed_timeout;
mod kind;
mod latest;
mod nfd_e;
mod phi_akka;
mod phi_cassandra;
mod phi_chitchat;
#[cfg(test)]
mod properties;
mod setting;
mod stalls;
mod two_window;
#[cfg(test)]
mod vectors;
mod window;

pub use any::Detector;
pub use bertier::Bertier;
pub use cantelli::{Cantelli, Request};
pub use failure_detector::FailureDetector;
pub use fixed_timeout::FixedTimeout;
pub use kind::Kind;
pub use nfd_e::NfdE;
pub use phi_akka::PhiAkka;
pub use phi_cassandra::PhiCassandra;
pub use phi_chitchat::PhiChitchat;
pub use setting::{SWEEP_MAX, Setting};
pub use two_window::TwoWindow;
