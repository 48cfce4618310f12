//! Where in its life an instance is.

use ninefold_core::observation::FailedProbe;
use ninefold_core::time::Timestamp;

use super::gates::Gates;

/// The phases; see the diagram of the module.
#[derive(Clone, Debug)]
pub(crate) enum Phase {
    /// Not begun; blocked for a reason, or just not told to.
    Idle { blocked: Option<String> },
    /// The keeper is starting the process.
    Spawning,
    /// The process runs.
    Up(Up),
    /// The process is on its way out.
    Leaving(Up, Purpose, Step),
    /// The process is gone and its cause is still unknown.
    Gone(Up, Option<Purpose>),
    /// The next start is due later.
    Waiting { until: Timestamp, reason: String },
    /// The end.
    Stopped,
}

/// A process that runs.
#[derive(Clone, Debug)]
pub(crate) struct Up {
    pub(crate) pid: u32,
    pub(crate) since: Timestamp,
    /// Since when it is unready: its start, or the loss of readiness.
    pub(crate) unready_since: Timestamp,
    pub(crate) gates: Gates,
    pub(crate) ready: bool,
    pub(crate) was_ready: bool,
    /// It was ready under an earlier Ninefold, and no probe has said anything since.
    pub(crate) resuming: bool,
    pub(crate) reason: Option<String>,
    /// It is ready, and says that others should be asked first: in which way, if it said that.
    pub(crate) degraded: Option<String>,
    /// The probe that failed last, while it is unready.
    pub(crate) failed: Option<FailedProbe>,
}

/// Why a process is made to leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// It is not wanted any more.
    Stop,
    /// A planned restart: no fault of its own.
    Replace,
    /// It failed its startup or liveness probe, or its keeper is gone.
    Heal,
}

/// How far it got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Requests in flight finish. Bounded by the driver's answer.
    Draining { until: Timestamp },
    /// It was asked to stop.
    Asked { until: Timestamp },
    /// It was killed.
    Killed { until: Timestamp },
}
