//! What was seen, before anybody says what it means.
//!
//! Three kinds of observers report: the supervisor (exits), the prober, and the gateway, which
//! speaks for the callers. Their reports are evidence for [`crate::taxonomy::FailureClass`]es.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::id::InstanceId;
use crate::taxonomy::ExitCause;
use crate::time::Timestamp;

/// One observation about one instance.
#[derive(Clone, Debug, PartialEq)]
pub struct Observation {
    /// About whom.
    pub instance: InstanceId,
    /// When it was seen (wall clock).
    pub at: Timestamp,
    /// What was seen.
    pub seen: Seen,
}

/// What an observer saw.
#[derive(Clone, Debug, PartialEq)]
pub enum Seen {
    /// A new process runs (or an old one was adopted): a new incarnation.
    Started {
        /// Its process id; none for an external endpoint.
        pid: Option<u32>,
        /// Whether it ran before this Ninefold did.
        adopted: bool,
    },
    /// The instance counts as ready for traffic.
    Ready,
    /// The process ended.
    Exited {
        /// The process id that ended.
        pid: u32,
        /// How it ended.
        cause: ExitCause,
        /// When it ended, as its keeper saw it.
        ended: Timestamp,
        /// Whether Ninefold itself ended it, or a person asked for it.
        expected: bool,
    },
    /// The process could not be started at all.
    SpawnFailed {
        /// What the system said.
        error: String,
    },
    /// It exits again and again and is now only retried slowly.
    CrashLoop {
        /// Exits within the window.
        exits: u32,
        /// The window.
        within: Duration,
    },
    /// It runs, and was not ready in time: neither startup nor readiness came to pass.
    Unready {
        /// Since its start.
        waited: Duration,
        /// The probe that failed last, if one did.
        probe: Option<FailedProbe>,
    },
    /// Its keeper ended: the process that takes its output and sees its end. The instance's own
    /// process lives.
    KeeperLost {
        /// The keeper's process id.
        keeper: u32,
        /// The instance's.
        pid: u32,
    },
    /// The node that runs it is convicted.
    NodeLost {
        /// Which node.
        node: String,
        /// Since when this node hears nothing of it.
        silent_since: Timestamp,
        /// What its host says.
        host: HostWord,
    },
    /// A probe ended.
    Probe {
        /// Which of the three.
        kind: ProbeKind,
        /// How it ended.
        outcome: ProbeOutcome,
        /// Failures in a row so far, this one included; 0 after a success.
        failures_in_a_row: u32,
        /// Whether the process was alive at that moment (`None` for an external endpoint).
        alive: Option<bool>,
        /// Whether the kernel reports the process as stopped (`T` in `/proc/PID/stat`).
        stopped: bool,
    },
    /// What callers met through the gateway since the last report.
    Callers(CallerReport),
    /// The gateway took the endpoint out of rotation by itself.
    Ejected {
        /// Why, in words.
        reason: String,
        /// What the gateway found.
        ground: EjectionGround,
        /// Until when.
        until: Timestamp,
    },
    /// The gateway put the endpoint back.
    Readmitted,
    /// A request whose answer is known was answered in full.
    Canary {
        /// Which one, as in `GET /items/1`.
        canary: String,
        /// Whether the answer was the known one.
        right: bool,
        /// What was expected and what came, where that differs.
        said: String,
    },
    /// Its answer to a caller was compared with those of its peers to the same request.
    Vote {
        /// Where it stood.
        ballot: Ballot,
        /// Who answered what, where they differ.
        said: String,
    },
    /// A person says that it may answer again.
    Absolved,
}

/// Where an instance stood when answers to one request were compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ballot {
    /// With the majority.
    Agrees,
    /// Alone against at least two that agree.
    Minority,
    /// There was no majority.
    Split,
}

/// Why a gateway takes an endpoint out of rotation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EjectionGround {
    /// It failed several times in a row, or again when it was tried, or did not answer then.
    #[default]
    Failures,
    /// It is slower than its peers, by a test over many answers; or still slow when it was tried.
    Slower,
    /// It fails more often than its peers, by a test over many attempts; or it answered several times in a row with an
    /// error, while they answered well.
    FailsMore,
}

impl EjectionGround {
    /// Whether that is by a comparison with its peers.
    #[must_use]
    pub const fn is_compared(self) -> bool {
        matches!(self, Self::Slower | Self::FailsMore)
    }
}

/// What the host of a node says that is convicted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostWord {
    /// Its process has ended.
    Ended,
    /// Its kernel accepts connections, and its process answers nothing.
    Hung,
    /// Nothing at all.
    Silent,
    /// It was not asked: others observe the node.
    Unasked,
}

/// The three probes, with the semantics of Kubernetes.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum ProbeKind {
    /// Gates the other two until it passed once.
    Startup,
    /// Decides about traffic.
    Ready,
    /// Decides about restarts.
    Live,
}

impl ProbeKind {
    /// The name used in text and JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Startup => "startup",
            Self::Ready => "ready",
            Self::Live => "live",
        }
    }
}

/// A probe that failed, as its newest try shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailedProbe {
    /// Which of the three.
    pub kind: ProbeKind,
    /// How the newest try ended.
    pub outcome: ProbeOutcome,
    /// Failures in a row.
    pub in_a_row: u32,
    /// Whether the kernel reported the process as stopped.
    pub stopped: bool,
}

/// How one probe ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ProbeOutcome {
    /// It passed.
    Passed,
    /// It was answered, and the answer says "not well": an HTTP status, an exit status.
    Refused(String),
    /// No answer within the timeout: the connection was made (or the command ran), nothing came.
    TimedOut,
    /// No connection: refused, reset, unreachable, or the command could not be run.
    Unreachable(String),
}

impl ProbeOutcome {
    /// Whether it passed.
    #[must_use]
    pub const fn passed(&self) -> bool {
        matches!(self, Self::Passed)
    }
}

/// Attempts that ended since the last report, counted by how they ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CallerReport {
    /// Attempts that ended, whatever the end. Attempts given up by the client are not counted.
    pub attempts: u64,
    /// Connections refused, unreachable or timed out while connecting.
    pub connect_failed: u64,
    /// Connections reset, closed early, or answers that were no HTTP.
    pub reset: u64,
    /// No answer within the time for one try.
    pub timed_out: u64,
    /// Answers with a status of 500 or above.
    pub server_errors: u64,
    /// Attempts still without an answer.
    pub in_flight: u64,
    /// The sum of the answered attempts' times to the head, in nanoseconds.
    pub latency_sum_ns: u64,
    /// The answered attempts.
    pub answered: u64,
}

impl CallerReport {
    /// All failures.
    #[must_use]
    pub const fn failures(&self) -> u64 {
        self.connect_failed + self.reset + self.timed_out + self.server_errors
    }
}
