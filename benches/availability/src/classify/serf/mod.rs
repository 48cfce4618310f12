//! Debian's `serf` beside Ninefold under the same faults, at the same moments: the program behind
//! `cargo xtask bench serf`.
//!
//! The five nodes of Ninefold, and five agents of serf of each profile, on one machine. What each of them says of the
//! others is read with its time: Ninefold's journals, and the log lines of the agents as they come.

mod agents;
mod change;
mod fault;
mod figures;
mod rest;
mod run;
mod subject;

pub(crate) use run::run;
