//! The knobs of a dimmer.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::control::{GAIN_REMEDY, Gains};
use super::super::{InvalidPolicy, PolicyKind};
use crate::units::{Ratio, Span};

/// What of the response times is held against the target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Measure {
    /// Their mean.
    Mean,
    /// The one that this share of all is not above.
    Quantile(Ratio),
}

/// The knobs of a [`Dimmer`](super::Dimmer).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct DimmerConfig {
    /// The response time to keep; `500ms`.
    pub target: Span,
    /// What of the response times; the 95th percentile.
    pub measure: Measure,
    /// How often the share moves; `500ms`, and not below `1ms`. Not shorter than `target`.
    pub period: Span,
    /// How strongly; 0.2, 0.1 and 0.
    pub gains: Gains,
    /// Of requests that always get the optional part, below 100 %; `0%`.
    pub min_share: Ratio,
    /// Answers without which a period goes on, at least 1; 10.
    pub min_samples: u32,
}

impl Default for DimmerConfig {
    fn default() -> Self {
        Self {
            target: Span::millis(500),
            measure: Measure::Quantile(Ratio::percent(95)),
            period: Span::millis(500),
            gains: Gains {
                proportional: 0.2,
                integral: 0.1,
                derivative: 0.0,
            },
            min_share: Ratio::percent(0),
            min_samples: 10,
        }
    }
}

impl DimmerConfig {
    /// Checks it.
    ///
    /// # Errors
    ///
    /// Says which field makes no sense, and what would.
    pub fn validate(&self) -> Result<(), InvalidPolicy> {
        let wrong = if self.target.0.is_zero() {
            (
                "target",
                self.target.to_string(),
                "take a time above zero, such as 500ms",
            )
        } else if self.measure == Measure::Quantile(Ratio::percent(0)) {
            (
                "measure",
                "0%".to_owned(),
                "take a quantile above 0%, such as 95%",
            )
        } else if self.period < Span::millis(1) {
            (
                "period",
                self.period.to_string(),
                "take at least 1ms, such as 500ms",
            )
        } else if let Some((field, value)) = self.gains.wrong() {
            (field, value.to_string(), GAIN_REMEDY)
        } else if self.min_share == Ratio::ONE {
            (
                "min_share",
                self.min_share.to_string(),
                "take less than 100%, or do without a dimmer",
            )
        } else if self.min_samples == 0 {
            (
                "min_samples",
                self.min_samples.to_string(),
                "take at least one, such as 10",
            )
        } else {
            return Ok(());
        };
        let (field, value, remedy) = wrong;
        Err(InvalidPolicy {
            policy: PolicyKind::Dimmer,
            field,
            value,
            remedy,
        })
    }
}
