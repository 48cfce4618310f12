//! The knobs.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::policy::{InvalidPolicy, PolicyKind};
use crate::units::{Ratio, Span};

/// When to ask a second one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct HedgeConfig {
    /// A call that is slower than this share of calls is hedged. 95 % by default, so about 5 % of
    /// calls are; between 50 % and 99.9 %.
    pub quantile: Ratio,
    /// No hedge sooner than this, even if calls are quicker. 1ms by default.
    pub min_delay: Span,
    /// No hedge later than this, even if calls are slower. 10s by default; not below `min_delay`.
    pub max_delay: Span,
    /// Hedges of one call. 1 by default, at most 10; 0 turns hedging off. Each waits the delay
    /// again.
    pub max_hedges: u32,
    /// Latencies within the window before anything is hedged. 100 by default: of fewer the 95th
    /// percentile is a guess.
    pub min_samples: u32,
    /// How far back latencies count. 60s by default; between 1s and 1h.
    pub window: Span,
}

impl Default for HedgeConfig {
    fn default() -> Self {
        Self {
            quantile: Ratio::percent(95),
            min_delay: Span::millis(1),
            max_delay: Span::secs(10),
            max_hedges: 1,
            min_samples: 100,
            window: Span::secs(60),
        }
    }
}

impl HedgeConfig {
    /// Hedges of one call at most.
    pub const HEDGES_MAX: u32 = 10;

    /// Whether a hedge can follow it.
    ///
    /// # Errors
    ///
    /// Whatever is out of range.
    pub fn validate(&self) -> Result<(), InvalidPolicy> {
        let refuse = |field, value, remedy| {
            Err(InvalidPolicy {
                policy: PolicyKind::Hedge,
                field,
                value,
                remedy,
            })
        };
        let quantiles = Ratio::percent(50)..=Ratio::from_parts_per_billion(999_000_000);
        if !quantiles.contains(&self.quantile) {
            let value = self.quantile.to_string();
            return refuse("quantile", value, "between 50% and 99.9%");
        }
        if self.max_delay < self.min_delay {
            let value = self.max_delay.to_string();
            return refuse("max_delay", value, "at least `min_delay`");
        }
        if self.max_hedges > Self::HEDGES_MAX {
            return refuse("max_hedges", self.max_hedges.to_string(), "at most 10");
        }
        if !(Span::secs(1)..=Span::secs(3_600)).contains(&self.window) {
            return refuse("window", self.window.to_string(), "between 1s and 1h");
        }
        Ok(())
    }
}
