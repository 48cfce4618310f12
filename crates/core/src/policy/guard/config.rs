//! The knobs of the guard.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::{InvalidPolicy, PolicyKind};
use crate::units::{Ratio, Span};

/// The knobs of a [`MetastabilityGuard`](super::MetastabilityGuard).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct GuardConfig {
    /// How often it looks; `1s`, and not below `1ms`. A few times the time limit of a call.
    pub window: Span,
    /// First attempts, and calls ended, without which a window says nothing, at least 1; 20.
    pub min_requests: u32,
    /// Attempts a request that are a loop: above 1 and up to 100; 1.5.
    pub amplification_max: f64,
    /// Of what ended; below is not well; `50%`. Less than `goodput_healthy`.
    pub goodput_low: Ratio,
    /// Of what ended; from here on is well; `90%`.
    pub goodput_healthy: Ratio,
    /// Windows in a row that make it metastable, at least 1; 3.
    pub trip_after: u32,
    /// Healthy windows in a row that end it, at least 1; 5.
    pub recover_after: u32,
    /// Of first attempts, by how much shedding moves a window, above 0 %; `20%`.
    pub shed_step: Ratio,
    /// Of first attempts, below 100 %; `90%`. By what is let in it learns that it is over.
    pub max_shed: Ratio,
}

impl Default for GuardConfig {
    fn default() -> Self {
        Self {
            window: Span::secs(1),
            min_requests: 20,
            amplification_max: 1.5,
            goodput_low: Ratio::percent(50),
            goodput_healthy: Ratio::percent(90),
            trip_after: 3,
            recover_after: 5,
            shed_step: Ratio::percent(20),
            max_shed: Ratio::percent(90),
        }
    }
}

impl GuardConfig {
    /// Checks it.
    ///
    /// # Errors
    ///
    /// Says which field makes no sense, and what would.
    pub fn validate(&self) -> Result<(), InvalidPolicy> {
        let ratios = [
            (
                "goodput_low",
                self.goodput_low,
                self.goodput_low < self.goodput_healthy,
                "take less than `goodput_healthy`",
            ),
            (
                "shed_step",
                self.shed_step,
                self.shed_step > Ratio::percent(0),
                "take more than 0%, such as 20%",
            ),
            (
                "max_shed",
                self.max_shed,
                self.max_shed < Ratio::ONE,
                "take less than 100%, such as 90%",
            ),
        ];
        let counts = [
            ("min_requests", self.min_requests),
            ("trip_after", self.trip_after),
            ("recover_after", self.recover_after),
        ];
        let wrong_ratio = ratios.into_iter().find(|(_, _, fits, _)| !fits);
        let wrong = if let Some((field, value, _, remedy)) = wrong_ratio {
            (field, value.to_string(), remedy)
        } else if let Some((field, _)) = counts.into_iter().find(|(_, count)| *count == 0) {
            (field, "0".to_owned(), "take at least one")
        } else if self.window < Span::millis(1) {
            (
                "window",
                self.window.to_string(),
                "take at least 1ms, such as 1s",
            )
        } else if !(self.amplification_max > 1.0 && self.amplification_max <= 100.0) {
            (
                "amplification_max",
                self.amplification_max.to_string(),
                "take more than 1 and at most 100, such as 1.5",
            )
        } else {
            return Ok(());
        };
        let (field, value, remedy) = wrong;
        Err(InvalidPolicy {
            policy: PolicyKind::MetastabilityGuard,
            field,
            value,
            remedy,
        })
    }
}
