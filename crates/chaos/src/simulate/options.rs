//! What the caller decides.

use std::sync::Arc;
use std::time::Duration;

use ninefold_config::model::{File, ServiceKind};

use crate::verify::Asked;

/// Nodes of a simulated cluster at most.
pub const SIMULATED_NODES_MAX: u32 = 10_000;
/// Nodes where nothing else says how many there are.
const NODES_DEFAULT: u32 = 3;

/// How claims are simulated.
#[derive(Clone, Debug)]
pub struct SimulateOptions {
    /// The file with the claims.
    pub file: Arc<File>,
    /// How many nodes there are, 1 to [`SIMULATED_NODES_MAX`].
    pub nodes: u32,
    /// Trials of each claim, 1 to 10,000.
    pub trials: u32,
    /// Decides whom faults hit, and all that happens.
    pub seed: u64,
    /// The claims to try, by name; empty: all.
    pub claims: Vec<String>,
    /// Requests a second instead of each claim's `load.rate`; more than 0, at most 20,000.
    pub rate: Option<f64>,
    /// What an instance takes for an answer, in the mean.
    pub answer: Duration,
}

impl SimulateOptions {
    /// Options with the defaults: one trial of each claim, seed 0, answers after 5 ms, and as many nodes as the file
    /// declares, or one a zone, or three.
    #[must_use]
    pub fn new(file: Arc<File>) -> Self {
        let zones = u32::try_from(file.cluster.zones.len()).unwrap_or(u32::MAX);
        let nodes = file
            .cluster
            .nodes
            .unwrap_or_else(|| zones.max(NODES_DEFAULT));
        Self {
            nodes,
            trials: 1,
            seed: 0,
            claims: Vec::new(),
            rate: None,
            answer: Duration::from_millis(5),
            file,
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

    /// What the figures rest on, beside what the file declares.
    pub(super) fn assumptions(&self) -> String {
        let (answer, zones) = (self.answer, self.file.cluster.zones.len());
        let regions = match self.file.cluster.regions.len() {
            0 | 1 => "",
            _ => ", 17 ms between regions",
        };
        let replicas: u32 = self.file.services.values().map(replicas).sum();
        format!(
            "in virtual time: {} nodes in {} zones, {replicas} instances; answers take {answer:?} in the mean, packets 0.25 ms in a \
             zone, 0.8 ms between zones{regions}. Hosts that fail say nothing, and start again as soon as all others know: what \
             yours take to start comes on top of `recover`. Each request is one of the claim's route, with nothing behind it, and \
             goes where p2c draws, whatever `balance` says",
            self.nodes,
            zones.max(1)
        )
    }
}

fn replicas(service: &ninefold_config::model::Service) -> u32 {
    match &service.kind {
        ServiceKind::Supervised(supervised) => supervised.replicas,
        ServiceKind::External(_) => 0,
    }
}
