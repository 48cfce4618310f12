//! The documents of an instance's folder.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::PathBuf;

use ninefold_core::hash::fnv1a;
use ninefold_core::id::InstanceId;
use ninefold_core::status::Release;
use ninefold_core::taxonomy::ExitCause;
use ninefold_core::time::Timestamp;
use serde::{Deserialize, Serialize};

use crate::process::ProcessId;

/// `spec.json`: what a keeper starts, with every placeholder filled in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Spec {
    /// Which instance.
    pub(crate) instance: InstanceId,
    /// Program and arguments.
    pub(crate) argv: Vec<String>,
    /// Added to the environment that the keeper inherits.
    pub(crate) env: BTreeMap<String, String>,
    /// Removed from it.
    pub(crate) unset: BTreeSet<String>,
    /// The working directory.
    pub(crate) directory: PathBuf,
    /// To run as.
    pub(crate) user: Option<String>,
    /// What the file says of all replicas alike.
    #[serde(default)]
    pub(crate) release: Option<Release>,
    /// Where it is asked to listen.
    pub(crate) address: SocketAddr,
    /// Captured output on disk at most, in bytes.
    pub(crate) log_bytes: u64,
    /// The signal that asks it to stop.
    pub(crate) stop_signal: i32,
    /// From that signal to SIGKILL, in milliseconds.
    pub(crate) grace_ms: u64,
}

impl Spec {
    /// A hash of what would make another process: argv, environment, directory, user, and the version that is said.
    pub(crate) fn hash(&self) -> String {
        let what = (&self.argv, &self.env, &self.directory, &self.user);
        let mut text = serde_json::to_vec(&what).unwrap_or_default();
        // Without one it is the hash of those that knew no versions, whose processes go on.
        if let Some(version) = self.release.as_ref().and_then(|one| one.version.as_ref()) {
            text.extend(version.as_bytes());
        }
        format!("{:016x}", fnv1a(&text))
    }
}

/// `run.json`: the process that runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RunRecord {
    /// Which instance.
    pub(crate) instance: InstanceId,
    /// The service's process.
    pub(crate) process: ProcessId,
    /// Its keeper.
    pub(crate) keeper: ProcessId,
    /// `/proc/sys/kernel/random/boot_id`: pids of another boot mean nothing.
    pub(crate) boot_id: String,
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// [`Spec::hash`].
    pub(crate) spec: String,
    /// [`Spec::release`].
    #[serde(default)]
    pub(crate) release: Option<Release>,
    /// When it was started (wall clock).
    pub(crate) started: Timestamp,
}

/// `exit.json`: how it ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ExitRecord {
    /// The process that ended.
    pub(crate) process: ProcessId,
    /// How.
    pub(crate) cause: ExitCause,
    /// When (wall clock).
    pub(crate) ended_at_ns: Timestamp,
}

/// One line that a keeper writes to its standard output.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum KeeperLine {
    /// The service's process runs. `unrecorded` says why `run.json` could not be written.
    Spawned {
        run: RunRecord,
        unrecorded: Option<String>,
    },
    /// It could not be started.
    Failed { error: String },
    /// It ended.
    Exited(ExitRecord),
}
