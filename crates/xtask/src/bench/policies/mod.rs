//! `cargo xtask bench policies`: Ninefold's policies beside their peers.
//!
//! The programs that measure are in `benches/policies`, a workspace of its own, so that the peers
//! are built for this and for nothing else. Times are criterion's medians; a round measures all of
//! them once, and rounds follow each other, so that a slow moment of the machine does not fall on
//! one library alone. Allocations and instructions do not depend on the moment.
//!
//! While it measures it also counts the CPU time that others take. Times from a busy machine are
//! shown, and said to be worthless.

mod busy;
mod figures;
mod goals;
mod instructions;
mod options;
mod peers;
mod programs;
mod report;
mod run;
mod subject;

pub(crate) use run::run;
