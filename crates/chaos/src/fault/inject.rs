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
    /// Who it was when the trial began.
    pub(crate) identity: Identity,
}

/// What tells whether a target is still the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Identity {
    /// The process of one that Ninefold started.
    Process(Process),
    /// The address of one that runs elsewhere. Only the gateway can do anything to it.
    Address(String),
}

impl Target {
    /// How the fault is undone; nothing for a kill, which the healer answers.
    pub(crate) fn undo(&self, kind: FaultKind) -> Option<Undo> {
        let leader = self.process().filter(|_| kind == FaultKind::Hang)?;
        Some(Undo::Resume {
            leader,
            members: group_members(leader),
        })
    }

    /// Its process, if it has one here.
    pub(crate) const fn process(&self) -> Option<Process> {
        match self.identity {
            Identity::Process(process) => Some(process),
            Identity::Address(_) => None,
        }
    }

    fn to_be_hit(&self) -> Result<Process, String> {
        self.process().ok_or_else(|| {
            format!(
                "{} runs elsewhere: there is no process to hit",
                self.instance
            )
        })
    }
}

/// Applies the fault to every target at once; the error names who was not hit, and why.
pub(crate) fn inject(kind: FaultKind, targets: &[Target]) -> Result<(), String> {
    for target in targets {
        let process = target.to_be_hit()?;
        let hit = match kind {
            FaultKind::Kill | FaultKind::ZoneKill => process.signal(Signal::KILL),
            FaultKind::NodeKill => process.signal_group(Signal::KILL),
            FaultKind::Hang => process.signal_group(Signal::STOP),
            FaultKind::Partition { .. }
            | FaultKind::Gray
            | FaultKind::Errors
            | FaultKind::Resets
            | FaultKind::WrongAnswers => {
                return Err(not_ours(kind));
            }
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
    format!("`{}` is not done to processes", kind.name())
}

/// Waits until every target shows the fault: gone after a kill, in state `T` after a stop.
pub(crate) async fn prove(kind: FaultKind, targets: &[Target]) -> Result<(), String> {
    let shown = match kind {
        FaultKind::Kill | FaultKind::ZoneKill | FaultKind::NodeKill => Presence::Gone,
        FaultKind::Hang => Presence::Stopped,
        FaultKind::Partition { .. }
        | FaultKind::Gray
        | FaultKind::Errors
        | FaultKind::Resets
        | FaultKind::WrongAnswers => {
            return Err(not_ours(kind));
        }
    };
    let deadline = Instant::now() + PROOF_LIMIT;
    for target in targets {
        let process = target.to_be_hit()?;
        loop {
            let presence = process.presence();
            if presence == shown {
                break;
            }
            if Instant::now() >= deadline || presence == Presence::Gone {
                return Err(format!(
                    "the {} of {} could not be shown: {process} is {presence:?} after {PROOF_LIMIT:?}",
                    kind.name(),
                    target.instance,
                ));
            }
            tokio::time::sleep(PROOF_EVERY).await;
        }
    }
    Ok(())
}
