//! The kinds of faults.

use ninefold_config::model::Survive;

/// What is done to the targets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FaultKind {
    /// SIGKILL to instances.
    Kill,
    /// SIGSTOP to instances, with the process group that each leads.
    Hang,
    /// SIGKILL to every supervised instance of a zone.
    ZoneKill,
}

impl FaultKind {
    /// The fault of a claim, and how many.
    pub(crate) const fn of(survive: Survive) -> (Self, u32) {
        match survive {
            Survive::Instances(count) => (Self::Kill, count),
            Survive::Hang(count) => (Self::Hang, count),
            Survive::Zones(count) => (Self::ZoneKill, count),
        }
    }

    /// The name in notices and reports.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Kill => "kill",
            Self::Hang => "hang",
            Self::ZoneKill => "zone-kill",
        }
    }
}
