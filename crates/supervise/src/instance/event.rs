//! What the machine is told.

use ninefold_core::observation::ProbeKind;
use ninefold_core::taxonomy::ExitCause;
use ninefold_core::time::Timestamp;

use crate::probe::Attempt;

/// Something that happened to an instance.
#[derive(Clone, Debug)]
pub(crate) enum Event {
    /// Nothing stands in the way of the first start any more.
    Begin,
    /// The first start must wait, and why.
    Blocked { reason: String },
    /// A process of an earlier Ninefold was found alive; it was ready then, or not.
    Adopted { pid: u32, ready: bool },
    /// A process of an earlier Ninefold ended while no Ninefold ran.
    EndedBefore {
        pid: u32,
        cause: ExitCause,
        ended: Timestamp,
    },
    /// The process runs.
    Spawned { pid: u32 },
    /// It could not be started.
    SpawnFailed { error: String },
    /// A probe's try ended.
    Probed {
        kind: ProbeKind,
        attempt: Attempt,
        stopped: bool,
    },
    /// The process is gone; how is not known yet.
    Gone,
    /// The process is gone, and this is how.
    Exited { cause: ExitCause, ended: Timestamp },
    /// The keeper is gone, and the service lives.
    KeeperLost { keeper: u32 },
    /// Nothing is in flight to it any more, or the time for that is over.
    Drained,
    /// It is to stop for good.
    Stop,
    /// It is to stop in order and to start again.
    Restart { reason: String },
    /// Until then its exits are somebody's doing, and cost no budget.
    Excuse { until: Timestamp },
    /// Time passed.
    Tick,
}
