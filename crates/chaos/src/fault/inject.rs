//! Applying a fault to processes, and showing that it happened.

use std::time::{Duration, Instant};

use ninefold_core::id::InstanceId;
use rustix::process::Signal;

use super::FaultKind;
use crate::ledger::Undo;
use crate::process::{Presence, Process, group_members};

/// How long a fault may take until it shows.
const PROOF_LIMIT: Duration = Duration::from_secs(2);
/// How often it is looked for.
const PROOF_EVERY: Duration = Duration::from_millis(1);

/// One instance that a fault falls on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    /// Which instance.
    pub(crate) instance: InstanceId,
    /// Its process when the trial began.
    pub(crate) process: Process,
}

impl Target {
    /// How the fault is undone; nothing for a kill, which the healer answers.
    pub(crate) fn undo(&self, kind: FaultKind) -> Option<Undo> {
        (kind == FaultKind::Hang).then(|| Undo::Resume {
            leader: self.process,
            members: group_members(self.process),
        })
    }
}

/// Applies the fault to every target at once; the error names who was not hit, and why.
pub(crate) fn inject(kind: FaultKind, targets: &[Target]) -> Result<(), String> {
    for target in targets {
        let process = target.process;
        let hit = match kind {
            FaultKind::Kill | FaultKind::ZoneKill => process.signal(Signal::KILL),
            FaultKind::Hang => process.signal_group(Signal::STOP),
            FaultKind::Gray | FaultKind::Errors => return Err(not_ours(kind)),
        };
        match hit {
            Ok(true) => {}
            Ok(false) => {
                return Err(format!(
                    "{} vanished before the fault: {process} is gone",
                    target.instance
                ));
            }
            Err(error) => {
                return Err(format!(
                    "{} could not be signalled: {process}: {error}",
                    target.instance
                ));
            }
        }
    }
    Ok(())
}

fn not_ours(kind: FaultKind) -> String {
    format!("`{}` is done by the gateway, not to processes", kind.name())
}

/// Waits until every target shows the fault: gone after a kill, in state `T` after a stop.
pub(crate) async fn prove(kind: FaultKind, targets: &[Target]) -> Result<(), String> {
    let shown = match kind {
        FaultKind::Kill | FaultKind::ZoneKill => Presence::Gone,
        FaultKind::Hang => Presence::Stopped,
        FaultKind::Gray | FaultKind::Errors => return Err(not_ours(kind)),
    };
    let deadline = Instant::now() + PROOF_LIMIT;
    for target in targets {
        loop {
            let presence = target.process.presence();
            if presence == shown {
                break;
            }
            if Instant::now() >= deadline || presence == Presence::Gone {
                return Err(format!(
                    "the {} of {} could not be shown: {} is {presence:?} after {PROOF_LIMIT:?}",
                    kind.name(),
                    target.instance,
                    target.process
                ));
            }
            tokio::time::sleep(PROOF_EVERY).await;
        }
    }
    Ok(())
}
