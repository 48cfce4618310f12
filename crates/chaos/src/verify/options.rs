//! What the caller decides.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ninefold_config::model;
use tokio::sync::watch;

use super::choose::Asked;
use crate::process::Process;

/// Trials of one claim at most.
pub(super) const TRIALS_MAX: u32 = 10_000;

/// Where the requests come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Traffic {
    /// The built-in open-loop load.
    #[default]
    Load,
    /// What passes anyway, as the gateway counts it. Claims that declare `lose` are UNTESTED then.
    Live,
}

/// How `verify` runs.
#[derive(Clone, Debug)]
pub struct VerifyOptions {
    /// The file with the claims.
    pub file: Arc<model::File>,
    /// The node's state folder. The ledger is `chaos/ledger` in it, the lock `chaos/lock`.
    pub state: PathBuf,
    /// Trials of each claim, 1 to 10,000.
    pub trials: u32,
    /// Decides the targets.
    pub seed: u64,
    /// The claims to try, by name; empty: all.
    pub claims: Vec<String>,
    /// Where the requests come from.
    pub traffic: Traffic,
    /// A command that ends in [`crate::reaper::main`]; the ledger's folder is appended.
    pub reaper: Vec<OsString>,
    /// Requests a second instead of each claim's `load.rate`; more than 0, at most 20,000.
    pub rate: Option<f64>,
    /// How long the preflight waits for a system that is not ready, such as one just started.
    /// Default 30 s.
    pub patience: Duration,
    /// An `up` that the caller started for this run. It is stopped in order before `verify`
    /// returns a report, and by the reaper if the caller is killed. Where `verify` returns an error
    /// the caller stops it.
    pub owned_up: Option<Process>,
    /// Of how many nodes that is; none where it is one that is alone.
    pub owned_nodes: Option<u32>,
    /// Becomes true when the run shall end (Ctrl-C): the fault is rolled back, the residue is
    /// checked, and what was not finished is INCONCLUSIVE. A dropped sender means never.
    pub stop: watch::Receiver<bool>,
}

impl VerifyOptions {
    /// Options with the defaults: one trial of each claim, seed 0, built-in load, never stopped.
    #[must_use]
    pub fn new(file: Arc<model::File>, state: PathBuf, reaper: Vec<OsString>) -> Self {
        let (_never, stop) = watch::channel(false);
        Self {
            file,
            state,
            trials: 1,
            seed: 0,
            claims: Vec::new(),
            traffic: Traffic::Load,
            reaper,
            rate: None,
            patience: Duration::from_secs(30),
            owned_up: None,
            owned_nodes: None,
            stop,
        }
    }

    pub(super) fn asked(&self) -> Asked<'_> {
        Asked {
            file: &self.file,
            claims: &self.claims,
            trials: self.trials,
            rate: self.rate,
        }
    }

    /// The ledger's folder in a node's state folder: what `reaper::recover` wants.
    #[must_use]
    pub fn ledger_folder(state: &std::path::Path) -> PathBuf {
        state.join("chaos").join("ledger")
    }
}
