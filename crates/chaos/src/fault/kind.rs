//! The kinds of faults.

use ninefold_config::model::Survive;
use ninefold_core::fault::{FaultEffect, GatewayFault};

/// How much later an attempt at a gray instance begins, and how much more or less than that: far above
/// what any peer takes, and below the time that a try is given.
pub(crate) const GRAY_MS: (u64, u64) = (1_000, 250);
/// How many of 100 attempts at a failing instance are answered with an error: half of them, as an
/// instance does whose one dependency of two is gone.
pub(crate) const ERRORS_PERCENT: u32 = 50;
/// How many of 100 attempts at an instance that resets break: half of them, for one that breaks all is
/// found by its failures in a row.
const RESETS_PERCENT: u32 = 50;

/// What is done to the targets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FaultKind {
    /// SIGKILL to instances.
    Kill,
    /// SIGSTOP to instances, with the process group that each leads.
    Hang,
    /// SIGKILL to every supervised instance of a zone; to its nodes, where there are several.
    ZoneKill,
    /// SIGKILL to nodes, and to every process of their instances.
    NodeKill,
    /// The kernel drops what nodes and all others say to each other.
    Partition {
        /// It drops only what the nodes say.
        one_way: bool,
    },
    /// The gateway delays attempts at instances.
    Gray,
    /// The gateway answers a part of the attempts at instances with 500.
    Errors,
    /// The gateway loses a part of the answers of instances, as if they had broken the connection.
    Resets,
    /// The gateway changes the body of every answer of instances.
    WrongAnswers,
}

impl FaultKind {
    /// The fault of a claim, and how many.
    pub(crate) const fn of(survive: Survive) -> (Self, u32) {
        match survive {
            Survive::Instances(count) => (Self::Kill, count),
            Survive::Hang(count) => (Self::Hang, count),
            Survive::Zones(count) => (Self::ZoneKill, count),
            Survive::Nodes(count) => (Self::NodeKill, count),
            Survive::Partition { nodes, one_way } => (Self::Partition { one_way }, nodes),
            Survive::Gray(count) => (Self::Gray, count),
            Survive::Errors(count) => (Self::Errors, count),
            Survive::Resets(count) => (Self::Resets, count),
            Survive::WrongAnswers(count) => (Self::WrongAnswers, count),
        }
    }

    /// The name in notices and reports.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Kill => "kill",
            Self::Hang => "hang",
            Self::ZoneKill => "zone-kill",
            Self::NodeKill => "node-kill",
            Self::Partition { one_way: false } => "partition",
            Self::Partition { one_way: true } => "one-way-partition",
            Self::Gray => "gray",
            Self::Errors => "errors",
            Self::Resets => "resets",
            Self::WrongAnswers => "wrong-answers",
        }
    }

    /// Whether it lasts until it is undone: then recovery means that the traffic keeps away from its targets.
    pub(crate) fn lasts(self) -> bool {
        matches!(self, Self::Partition { .. }) || self.in_gateway().is_some()
    }

    /// What the gateway is told to do, if the fault is one that it injects. Such a fault touches no
    /// process: an instance stays up and ready, as its probes see it.
    pub(crate) const fn in_gateway(self) -> Option<GatewayFault> {
        let (share_percent, effect) = match self {
            Self::Kill | Self::Hang | Self::ZoneKill | Self::NodeKill | Self::Partition { .. } => {
                return None;
            }
            Self::Gray => (
                100,
                FaultEffect::Latency {
                    latency_ms: GRAY_MS.0,
                    jitter_ms: GRAY_MS.1,
                },
            ),
            Self::Errors => (ERRORS_PERCENT, FaultEffect::Abort { status: 500 }),
            Self::Resets => (RESETS_PERCENT, FaultEffect::ResetPeer { late: true }),
            Self::WrongAnswers => (100, FaultEffect::WrongBody),
        };
        Some(GatewayFault {
            share_percent,
            header: None,
            effect,
        })
    }
}
