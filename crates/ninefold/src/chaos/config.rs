//! The knobs of chaos.

use ninefold_core::policy::{InvalidPolicy, PolicyKind};
use ninefold_core::units::{Ratio, Span};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The longest delay of one call.
const DELAY_MAX: Span = Span::secs(3_600);

/// The knobs of [`Chaos`](super::Chaos).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ChaosConfig {
    /// Whether anything is injected at all; off by default.
    pub enabled: bool,
    /// From which all draws follow: the same seed treats the same call, by its number, alike; 0 by
    /// default. Setting another one begins the numbers anew.
    pub seed: u64,
    /// The share of calls that fail without being made; 0 % by default.
    pub fault: Ratio,
    /// The share of calls that are delayed; 0 % by default. They may also fail, afterwards.
    pub latency: Ratio,
    /// How long at least; 100 ms by default, at most 1 h.
    pub delay: Span,
    /// How much longer at most, uniformly; 0 s by default, at most 1 h.
    pub jitter: Span,
    /// The share of calls, of those without a fault, that are not made and get an answer from
    /// [`Chaos::with_outcome`](super::Chaos::with_outcome); 0 % by default.
    pub outcome: Ratio,
}

impl Default for ChaosConfig {
    fn default() -> Self {
        Self {
            enabled: false,
            seed: 0,
            fault: Ratio::percent(0),
            latency: Ratio::percent(0),
            delay: Span::millis(100),
            jitter: Span::secs(0),
            outcome: Ratio::percent(0),
        }
    }
}

impl ChaosConfig {
    /// Whether it can be followed.
    ///
    /// # Errors
    ///
    /// [`InvalidPolicy`] for very long delays.
    pub fn validate(&self) -> Result<(), InvalidPolicy> {
        for (field, span) in [("delay", self.delay), ("jitter", self.jitter)] {
            if span > DELAY_MAX {
                return Err(InvalidPolicy {
                    policy: PolicyKind::Chaos,
                    field,
                    value: span.to_string(),
                    remedy: "delay by at most 1h",
                });
            }
        }
        Ok(())
    }
}
