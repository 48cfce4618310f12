//! `cargo xtask bench serf`: Debian's `serf` beside Ninefold under the same faults.
//!
//! Five nodes of Ninefold and five agents of each profile of serf run on this machine
//! (`benches/availability/src/classify/serf`), and meet each fault at the same moment.

mod options;
mod page;
mod run;

pub(crate) use run::run;
