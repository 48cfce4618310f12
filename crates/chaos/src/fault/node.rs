//! The death of whole nodes: Ninefold, the keepers of its instances, and every process of these.

use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::{FaultKind, Target, inject};
use crate::process::{Presence, Process, keeper_of};

/// How long a killed node may take to vanish.
const PROOF_LIMIT: Duration = Duration::from_secs(2);
const PROOF_EVERY: Duration = Duration::from_millis(1);

/// One node that a fault falls on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NodeTarget {
    /// Its name, as in `n2`.
    pub(crate) name: String,
    /// Its process when the trial began.
    pub(crate) process: Process,
}

/// Kills nodes with all that they run; the error names who was not hit, and why.
///
/// Nodes first: else they would see their instances end, and could say so.
pub(crate) fn kill_nodes(nodes: &[NodeTarget], instances: &[Target]) -> Result<(), String> {
    let keepers: Vec<Process> = instances
        .iter()
        .filter_map(|target| keeper_of(target.process()?))
        .collect();
    for node in nodes {
        let NodeTarget { name, process } = node;
        match process.signal(Signal::KILL) {
            Ok(true) => {}
            Ok(false) => {
                return Err(format!(
                    "{name} vanished before the fault: {process} is gone"
                ));
            }
            Err(error) => return Err(format!("{name} could not be killed: {process}: {error}")),
        }
    }
    for keeper in keepers {
        // One that ended by itself is as dead.
        keeper
            .signal(Signal::KILL)
            .map_err(|error| format!("a keeper could not be killed: {keeper}: {error}"))?;
    }
    inject(FaultKind::NodeKill, instances)
}

/// Waits until the processes of the nodes are gone.
pub(crate) async fn prove_dead(nodes: &[NodeTarget]) -> Result<(), String> {
    let deadline = Instant::now() + PROOF_LIMIT;
    for NodeTarget { name, process } in nodes {
        while process.presence() != Presence::Gone {
            if Instant::now() >= deadline {
                return Err(format!(
                    "the death of {name} could not be shown: {process} is there after {PROOF_LIMIT:?}"
                ));
            }
            tokio::time::sleep(PROOF_EVERY).await;
        }
    }
    Ok(())
}
