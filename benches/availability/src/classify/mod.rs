//! Failures of all kinds on a cluster of five real nodes, and what the others take them for: the program behind
//! `cargo xtask bench classify`.
//!
//! Processes are killed, stopped and slowed; packets are dropped by the kernel. Of each injection it is written down
//! which class the observer's journal gave to what was hit, when first and at last, and whom else it accused.

mod cluster;
mod interrupt;
mod journal;
mod kind;
mod network;
mod run;
pub(crate) mod serf;

pub(crate) use run::run;
