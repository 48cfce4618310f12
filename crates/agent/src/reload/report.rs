//! What is asked for, and how it went.

use std::path::PathBuf;

use ninefold_config::Change;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A reload.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ReloadRequest {
    /// The file, as an absolute path; the one that runs if absent.
    pub file: Option<PathBuf>,
    /// Only say what would change.
    pub dry_run: bool,
    /// Milliseconds for which the successor is watched beside the present gateway; 0: not at all.
    /// At most 600,000.
    pub watch_ms: Option<u64>,
}

/// How a reload ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReloadOutcome {
    /// The file says what runs already.
    Unchanged,
    /// Nothing was done; the changes say what would be.
    DryRun,
    /// The new file holds. Services that changed follow one by one.
    Done,
    /// The file before holds.
    RolledBack,
}

/// What the two gateways answered while the successor was watched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Watched {
    /// Requests of the present gateway that ended.
    pub present: u64,
    /// Those of them that failed, or were slower than an objective allows.
    pub present_bad: u64,
    /// Requests of the successor that ended.
    pub successor: u64,
    /// Those of them that failed, or were slower than an objective allows.
    pub successor_bad: u64,
}

/// A reload, from the file to its outcome.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ReloadReport {
    /// How it ended.
    pub outcome: ReloadOutcome,
    /// The file.
    pub file: PathBuf,
    /// The hash of the configuration before.
    pub from: String,
    /// The hash of the file.
    pub to: String,
    /// What differs.
    pub changes: Vec<Change>,
    /// What was seen meanwhile; absent where nothing was watched.
    pub watched: Option<Watched>,
    /// Why it was rolled back.
    pub reason: Option<String>,
}
