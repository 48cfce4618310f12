use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::time::short;

/// What happened to a node itself, and to everything that it would say of others meanwhile.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum Disturbance {
    /// None of its threads ran: it was stopped, or the host had no time for it.
    Stalled {
        /// For how long, in nanoseconds.
        for_ns: u64,
    },
    /// The host slept.
    Suspended {
        /// For how long, in nanoseconds.
        for_ns: u64,
    },
    /// The wall clock was set.
    ClockJumped {
        /// By how many nanoseconds; below 0 it was set back.
        by_ns: i64,
    },
    /// What decides on this node did not run although others of its threads did.
    ControlHung {
        /// For how long, in nanoseconds.
        for_ns: u64,
    },
    /// A small write to the state folder is slow.
    DiskSlow {
        /// How long it has taken so far, in nanoseconds.
        took_ns: u64,
    },
    /// A small write to the state folder failed.
    DiskFailed {
        /// What the system said.
        error: String,
    },
    /// The state folder can be written to in time again.
    DiskRecovered,
    /// A listener of the node does not accept a connection that the node itself makes to it.
    ListenerFailed {
        /// Its address.
        listener: String,
        /// How it failed.
        error: String,
    },
    /// It does again.
    ListenerRecovered {
        /// Its address.
        listener: String,
    },
}

impl Disturbance {
    /// All names, for metrics.
    pub const NAMES: [&'static str; 9] = [
        "stalled",
        "suspended",
        "clock_jumped",
        "control_hung",
        "disk_slow",
        "disk_failed",
        "disk_recovered",
        "listener_failed",
        "listener_recovered",
    ];

    /// As in its JSON.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        let [
            stalled,
            suspended,
            jumped,
            hung,
            slow,
            failed,
            recovered,
            deaf,
            hears,
        ] = Self::NAMES;
        match self {
            Self::Stalled { .. } => stalled,
            Self::Suspended { .. } => suspended,
            Self::ClockJumped { .. } => jumped,
            Self::ControlHung { .. } => hung,
            Self::DiskSlow { .. } => slow,
            Self::DiskFailed { .. } => failed,
            Self::DiskRecovered => recovered,
            Self::ListenerFailed { .. } => deaf,
            Self::ListenerRecovered { .. } => hears,
        }
    }
}

impl fmt::Display for Disturbance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stalled { for_ns } => write!(f, "stood still for {}", short(*for_ns)),
            Self::Suspended { for_ns } => write!(f, "its host slept for {}", short(*for_ns)),
            Self::ClockJumped { by_ns } => {
                let way = if *by_ns < 0 { "back" } else { "forward" };
                write!(
                    f,
                    "the wall clock was set {way} by {}",
                    short(by_ns.unsigned_abs())
                )
            }
            Self::ControlHung { for_ns } => {
                write!(f, "its control plane hung for {}", short(*for_ns))
            }
            Self::DiskSlow { took_ns } => {
                let took = short(*took_ns);
                write!(f, "a write to the state folder takes more than {took}")
            }
            Self::DiskFailed { error } => {
                write!(f, "the state folder cannot be written to: {error}")
            }
            Self::DiskRecovered => f.write_str("the state folder can be written to again"),
            Self::ListenerFailed { listener, error } => {
                write!(f, "the listener {listener} accepts nothing: {error}")
            }
            Self::ListenerRecovered { listener } => {
                write!(f, "the listener {listener} accepts again")
            }
        }
    }
}
