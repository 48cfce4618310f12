//! One trial.

use std::time::Duration;

use ninefold_core::id::InstanceId;
use ninefold_core::taxonomy::FailureClass;
use ninefold_core::time::Timestamp;

use super::{Readback, Requests};
use crate::Verdict;
use crate::load::Latency;

/// What one trial did and saw.
#[derive(Clone, Debug, PartialEq)]
pub struct TrialReport {
    /// Which trial of its claim, from 1.
    pub number: u32,
    /// Its seed: with it as `--seed` and one trial the same targets are hit.
    pub seed: u64,
    /// The fault's id; empty if none was announced.
    pub fault: String,
    /// On whom the fault fell; of nodes, all that they ran.
    pub targets: Vec<InstanceId>,
    /// The nodes that it fell on, if it was done to whole nodes.
    pub nodes: Vec<String>,
    /// What it shows.
    pub verdict: Verdict,
    /// Why, with figures; empty if proven.
    pub reasons: Vec<String>,
    /// What else should be known and decides nothing.
    pub notes: Vec<String>,
    /// The moment of injection.
    pub injected: Option<Timestamp>,
    /// From the injection to the first verdict of the detector.
    pub detect: Option<Duration>,
    /// What the detector called it.
    pub class: Option<FailureClass>,
    /// From the injection until every instance was ready again.
    pub recover: Option<Duration>,
    /// Of a fault of nodes, or of wrong answers: what was made of it.
    pub away: Away,
    /// Requests intended from the injection to the end of the settling time.
    pub requests: Requests,
    /// Of the answered ones, from their intended start; none with live traffic.
    pub latency: Option<Latency>,
    /// What reading back found; none where the claim declares no `lose`.
    pub lost: Option<Readback>,
}

/// What the other nodes made of a fault of nodes, or the detector of wrong answers. Times count from the
/// injection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Away {
    /// Until another node had convicted the last of them; of wrong answers, the detector.
    pub convicted: Option<Duration>,
    /// Until none of their instances was left in the rotation of the gateway that the load goes to; of wrong
    /// answers, until all of them were in quarantine.
    pub isolated: Option<Duration>,
    /// Requests intended after that which failed; none with live traffic.
    pub failed_after: Option<u64>,
    /// Of a partition: from its end until all nodes were there again and every instance was ready.
    pub rejoined: Option<Duration>,
}

impl TrialReport {
    pub(crate) fn new(number: u32, seed: u64) -> Self {
        Self {
            number,
            seed,
            fault: String::new(),
            targets: Vec::new(),
            nodes: Vec::new(),
            verdict: Verdict::Inconclusive,
            reasons: Vec::new(),
            notes: Vec::new(),
            injected: None,
            detect: None,
            class: None,
            recover: None,
            away: Away::default(),
            requests: Requests::default(),
            latency: None,
            lost: None,
        }
    }

    /// The targets as text.
    #[must_use]
    pub fn on_whom(&self) -> String {
        let instances = self.targets.iter().map(ToString::to_string);
        let names: Vec<String> = self.nodes.iter().cloned().chain(instances).collect();
        if names.is_empty() {
            "nobody".to_owned()
        } else {
            names.join(", ")
        }
    }
}
