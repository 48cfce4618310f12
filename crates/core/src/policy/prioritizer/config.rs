//! The knobs of a prioritizer.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::{InvalidPolicy, PolicyKind};
use crate::units::{Ratio, Span};

/// The knobs of a [`Prioritizer`](super::Prioritizer).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PrioritizerConfig {
    /// The average time in the queue that counts as overload; `20ms`.
    pub queueing_max: Span,
    /// How often the level moves at least; `1s`, and not below `1ms`.
    pub window: Span,
    /// So many requests begun end a window early, at least 1; 2,000.
    pub window_requests: u32,
    /// How much less is let in after a window of overload, above 0 %; `5%`. More if it lasts.
    pub decrease: Ratio,
    /// How much more is let in after any other, above 0 %; `1%`. Less than `decrease`, up to which
    /// it doubles with each such window in a row.
    pub increase: Ratio,
}

impl Default for PrioritizerConfig {
    fn default() -> Self {
        Self {
            queueing_max: Span::millis(20),
            window: Span::secs(1),
            window_requests: 2_000,
            decrease: Ratio::percent(5),
            increase: Ratio::percent(1),
        }
    }
}

impl PrioritizerConfig {
    /// Checks it.
    ///
    /// # Errors
    ///
    /// Says which field makes no sense, and what would.
    pub fn validate(&self) -> Result<(), InvalidPolicy> {
        let none = Ratio::percent(0);
        let wrong = if self.queueing_max.0.is_zero() {
            (
                "queueing_max",
                self.queueing_max.to_string(),
                "take a time above zero, such as 20ms",
            )
        } else if self.window < Span::millis(1) {
            (
                "window",
                self.window.to_string(),
                "take at least 1ms, such as 1s",
            )
        } else if self.window_requests == 0 {
            (
                "window_requests",
                self.window_requests.to_string(),
                "take at least one, such as 2000",
            )
        } else if self.decrease == none || self.decrease == Ratio::ONE {
            (
                "decrease",
                self.decrease.to_string(),
                "take more than 0% and less than 100%, such as 5%",
            )
        } else if self.increase == none || self.increase >= self.decrease {
            (
                "increase",
                self.increase.to_string(),
                "take more than 0% and less than `decrease`, such as 1%",
            )
        } else {
            return Ok(());
        };
        let (field, value, remedy) = wrong;
        Err(InvalidPolicy {
            policy: PolicyKind::Prioritizer,
            field,
            value,
            remedy,
        })
    }
}
