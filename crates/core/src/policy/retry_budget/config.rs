//! The knobs.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::policy::{InvalidPolicy, PolicyKind};
use crate::units::{Rate, Ratio};

/// How much may be tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RetryBudgetConfig {
    /// Repetitions for each first attempt of the last 10 s. 10 % by default, as in the SRE book, so
    /// the load on a service that fails entirely is 1.1 times the usual one.
    pub ratio: Ratio,
    /// Repetitions that are allowed where `ratio` allows fewer, averaged over 10 s. 10/s by default,
    /// which matters below 100 calls a second. With many clients of one service divide it by their
    /// number.
    pub floor: Rate,
}

impl Default for RetryBudgetConfig {
    fn default() -> Self {
        Self {
            ratio: Ratio::percent(10),
            floor: Rate::per_second(10),
        }
    }
}

impl RetryBudgetConfig {
    /// The highest floor. Beyond it a budget would be no limit.
    pub const FLOOR_MAX: Rate = Rate::per_second(1_000_000);

    /// Whether a budget can follow it.
    ///
    /// # Errors
    ///
    /// A floor above [`Self::FLOOR_MAX`].
    pub fn validate(&self) -> Result<(), InvalidPolicy> {
        if self.floor > Self::FLOOR_MAX {
            return Err(InvalidPolicy {
                policy: PolicyKind::RetryBudget,
                field: "floor",
                value: self.floor.to_string(),
                remedy: "at most 1000000/s",
            });
        }
        Ok(())
    }
}
