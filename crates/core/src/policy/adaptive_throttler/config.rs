//! The knobs.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::windows::{SLOT_SECS, SLOTS};
use crate::policy::{InvalidPolicy, PolicyKind};
use crate::units::{Ratio, Span};

/// How readily a client holds calls back.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AdaptiveThrottlerConfig {
    /// K: how many times as many calls are sent as are accepted. 2 by default; between 1 and 100.
    /// Calls are held back when less than 1/K of them is accepted.
    pub multiplier: f64,
    /// How far back calls count. 60s by default; between 8s and 2m, in steps of 4s. The time to
    /// recover from a full outage is about twice as long.
    pub window: Span,
    /// The largest share that is held back. 90 % by default; below 100 %, or recovery would never
    /// be seen.
    pub max_rejection: Ratio,
    /// Answers of a criticality within the window before any of its calls is held back. 20 by
    /// default.
    pub min_samples: u32,
}

impl Default for AdaptiveThrottlerConfig {
    fn default() -> Self {
        Self {
            multiplier: 2.0,
            window: Span::secs(60),
            max_rejection: Ratio::percent(90),
            min_samples: 20,
        }
    }
}

impl AdaptiveThrottlerConfig {
    /// The shortest window: two slots.
    pub const WINDOW_MIN: Span = Span::secs(2 * SLOT_SECS);
    /// The longest window: all slots.
    pub const WINDOW_MAX: Span = Span::secs(SLOTS as u64 * SLOT_SECS);

    /// Whether a throttler can follow it.
    ///
    /// # Errors
    ///
    /// Whatever is out of range.
    pub fn validate(&self) -> Result<(), InvalidPolicy> {
        let refuse = |field, value, remedy| {
            Err(InvalidPolicy {
                policy: PolicyKind::AdaptiveThrottler,
                field,
                value,
                remedy,
            })
        };
        if !(1.0..=100.0).contains(&self.multiplier) {
            let value = self.multiplier.to_string();
            return refuse("multiplier", value, "between 1 and 100");
        }
        if !(Self::WINDOW_MIN..=Self::WINDOW_MAX).contains(&self.window) {
            return refuse("window", self.window.to_string(), "between 8s and 2m");
        }
        if self.max_rejection >= Ratio::ONE {
            let value = self.max_rejection.to_string();
            return refuse(
                "max_rejection",
                value,
                "below 100%, or recovery is never seen",
            );
        }
        Ok(())
    }

    /// The window in slots.
    pub(super) fn slots(&self) -> u32 {
        let slots = self.window.0.as_secs().div_ceil(SLOT_SECS);
        u32::try_from(slots).unwrap_or(2)
    }
}
