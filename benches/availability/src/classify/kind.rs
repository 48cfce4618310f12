//! What is injected, and which class that is.

/// A kind of failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A replica's process is killed.
    ProcessKill,
    /// A replica is killed whenever it is ready, three times.
    CrashLoop,
    /// A replica's process is stopped.
    ProcessStop,
    /// A replica takes 100 times as long.
    Slow,
    /// A replica answers half of what it is asked with 500.
    Errors,
    /// A replica answers otherwise than the others.
    WrongAnswers,
    /// A node's process is killed; what it runs lives.
    NodeKill,
    /// A node's process is stopped.
    NodeStop,
    /// What one node sends to another one is dropped.
    OneWay,
    /// 80 % of the packets between two nodes are dropped, in both directions.
    LossyLink,
    /// A node is cut off from all others, and later no more.
    Partition,
    /// Both nodes of a zone are killed at once.
    ZoneKill,
}

impl Kind {
    pub(super) const ALL: [Self; 12] = [
        Self::ProcessKill,
        Self::NodeKill,
        Self::OneWay,
        Self::Slow,
        Self::NodeStop,
        Self::LossyLink,
        Self::Errors,
        Self::Partition,
        Self::ProcessStop,
        Self::ZoneKill,
        Self::WrongAnswers,
        Self::CrashLoop,
    ];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::ProcessKill => "process-kill",
            Self::CrashLoop => "crash-loop",
            Self::ProcessStop => "process-stop",
            Self::Slow => "slow-replica",
            Self::Errors => "errors",
            Self::WrongAnswers => "wrong-answers",
            Self::NodeKill => "node-kill",
            Self::NodeStop => "node-stop",
            Self::OneWay => "one-way-drop",
            Self::LossyLink => "lossy-link",
            Self::Partition => "partition",
            Self::ZoneKill => "zone-kill",
        }
    }

    /// The class by the taxonomy. Of a partition it is known once it is over: until then nobody can tell a node that
    /// is cut off from one that is dead.
    pub(super) const fn class(self) -> &'static str {
        match self {
            Self::ProcessKill | Self::NodeKill => "crash-stop",
            Self::CrashLoop => "crash-recovery",
            Self::ProcessStop | Self::NodeStop => "timing",
            Self::Slow | Self::Errors => "gray",
            Self::WrongAnswers => "byzantine",
            Self::OneWay | Self::LossyLink | Self::Partition => "omission",
            Self::ZoneKill => "correlated",
        }
    }

    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}
