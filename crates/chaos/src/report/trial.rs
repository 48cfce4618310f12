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
    /// On whom the fault fell.
    pub targets: Vec<InstanceId>,
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
    /// Requests intended from the injection to the end of the settling time.
    pub requests: Requests,
    /// Of the answered ones, from their intended start; none with live traffic.
    pub latency: Option<Latency>,
    /// What reading back found; none where the claim declares no `lose`.
    pub lost: Option<Readback>,
}

impl TrialReport {
    pub(crate) fn new(number: u32, seed: u64) -> Self {
        Self {
            number,
            seed,
            fault: String::new(),
            targets: Vec::new(),
            verdict: Verdict::Inconclusive,
            reasons: Vec::new(),
            notes: Vec::new(),
            injected: None,
            detect: None,
            class: None,
            recover: None,
            requests: Requests::default(),
            latency: None,
            lost: None,
        }
    }

    /// The targets as text.
    #[must_use]
    pub fn on_whom(&self) -> String {
        let names: Vec<String> = self.targets.iter().map(ToString::to_string).collect();
        if names.is_empty() {
            "nobody".to_owned()
        } else {
            names.join(", ")
        }
    }
}
