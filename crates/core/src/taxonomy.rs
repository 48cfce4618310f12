//! The failure classes, and what leads to one.
//!
//! The classes are those of Cristian (omission, timing, value), Schlichting and Schneider
//! (crash-stop), and Huang et al., "Gray Failure" (HotOS'17). `Unknown` is a class too: the
//! classifier never guesses.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How something failed.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum FailureClass {
    /// It exited and does nothing any more.
    CrashStop,
    /// It exits again and again: each restart is a new incarnation that soon dies.
    CrashRecovery,
    /// It lives, but some of what is sent to it or by it is lost: refused, reset, dropped.
    Omission,
    /// It lives and its network works, but answers are late or never come: a hang, a stall.
    Timing,
    /// It answers in time and wrongly.
    Byzantine,
    /// Several fail together for one reason: a zone, a version, a configuration.
    Correlated,
    /// Its health checks pass and its callers fail.
    Gray,
    /// Something is wrong, and the evidence does not say what.
    Unknown,
}

impl FailureClass {
    /// Every class, in the order of the taxonomy.
    pub const ALL: [Self; 8] = [
        Self::CrashStop,
        Self::CrashRecovery,
        Self::Omission,
        Self::Timing,
        Self::Byzantine,
        Self::Correlated,
        Self::Gray,
        Self::Unknown,
    ];

    /// The name used in metrics, JSON and text.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::CrashStop => "crash-stop",
            Self::CrashRecovery => "crash-recovery",
            Self::Omission => "omission",
            Self::Timing => "timing",
            Self::Byzantine => "byzantine",
            Self::Correlated => "correlated",
            Self::Gray => "gray",
            Self::Unknown => "unknown",
        }
    }
}

impl fmt::Display for FailureClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Why a process is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ExitCause {
    /// It returned this status.
    Code(i32),
    /// This signal ended it.
    Signal(i32),
    /// It is gone, and who could have told how is gone too (its keeper was killed with it).
    Lost,
}

impl fmt::Display for ExitCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => write!(f, "exit status {code}"),
            Self::Signal(signal) => match signal_name(*signal) {
                Some(name) => write!(f, "killed by {name}"),
                None => write!(f, "killed by signal {signal}"),
            },
            Self::Lost => f.write_str("gone, cause not seen"),
        }
    }
}

/// The name of a signal on Linux (`signal(7)`, x86 and ARM numbers).
#[must_use]
pub const fn signal_name(signal: i32) -> Option<&'static str> {
    Some(match signal {
        1 => "SIGHUP",
        2 => "SIGINT",
        3 => "SIGQUIT",
        4 => "SIGILL",
        5 => "SIGTRAP",
        6 => "SIGABRT",
        7 => "SIGBUS",
        8 => "SIGFPE",
        9 => "SIGKILL",
        10 => "SIGUSR1",
        11 => "SIGSEGV",
        12 => "SIGUSR2",
        13 => "SIGPIPE",
        14 => "SIGALRM",
        15 => "SIGTERM",
        18 => "SIGCONT",
        19 => "SIGSTOP",
        24 => "SIGXCPU",
        25 => "SIGXFSZ",
        31 => "SIGSYS",
        _ => return None,
    })
}
