//! Claims tried in virtual time: the declared topology at any scale, without a process and without a fault to undo.
//!
//! Members are production's, and so are the gateway's decisions (`ninefold_sim::service`); hosts, networks and
//! instances are modelled. What is assumed of them is said in the report.

mod options;
mod outcome;
mod plan;
mod run;

pub use options::{SIMULATED_NODES_MAX, SimulateOptions};
pub use run::simulate;
