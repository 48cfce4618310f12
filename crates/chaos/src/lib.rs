//! `ninefold verify`: faults that are undone come what may, a load that does not flatter, and a
//! verdict for every claim.
//!
//! A trial is: preflight → steady state → announce → ledger → fault → proof that it happened →
//! recovery → settle → rollback → residue check → account. Its parts:
//!
//! - [`System`]: what is needed of the running system; the agent implements it.
//! - [`verify()`]: runs the trials of every claim and returns a [`Report`].
//! - [`ledger`]: the undo of a fault is on disk before the fault is applied.
//! - [`reaper`]: a separate process that undoes what is open when its controller dies or a time to
//!   live passes.
//! - [`load`]: an open-loop driver, latency counted from the intended start.
//! - [`simulate`]: the same claims in virtual time.
//! - [`exit_code`]: what the command's exit status means.
//!
//! **Invariant:** no process is signalled unless its pid *and* start time are those of the target.
//! **Invariant:** a fault that was not seen to happen proves nothing: the trial is INCONCLUSIVE.

pub mod exit_code;
pub mod ledger;
pub mod load;
pub mod process;
pub mod reaper;

mod clock;
mod fault;
mod report;
mod simulate;
mod system;
mod trial;
mod verdict;
mod verify;

pub use report::{Away, ClaimReport, Percentiles, Readback, Report, Requests, TrialReport};
pub use simulate::{SIMULATED_NODES_MAX, SimulateOptions, simulate};
pub use system::{Node, System, SystemError};
pub use verdict::Verdict;
pub use verify::{
    Phase, Progress, Traffic, VerifyError, VerifyOptions, check, verify, verify_nodes,
};
