//! The knobs.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::policy::{InvalidPolicy, PolicyKind};
use crate::units::{Rate, Span};

/// How many calls per time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RateLimiterConfig {
    /// Calls per time, in the long run. 100/s by default; between one in a thousand seconds and
    /// ten million a second.
    pub rate: Rate,
    /// Calls that may come at once after a pause. 10 by default, a tenth of a second's worth;
    /// between 1 and 16,777,215. A call whose cost is above it is never admitted.
    pub burst: u32,
    /// How far ahead a place may be reserved. 0s by default, so nobody waits; at most 1h.
    pub max_wait: Span,
}

impl Default for RateLimiterConfig {
    fn default() -> Self {
        Self {
            rate: Rate::per_second(100),
            burst: 10,
            max_wait: Span::secs(0),
        }
    }
}

impl RateLimiterConfig {
    /// The lowest rate. At it the interval between two calls still fits into its 40 bits.
    pub const RATE_MIN: Rate = Rate::millihertz(1);
    /// The highest rate. Above it counting costs more than most calls.
    pub const RATE_MAX: Rate = Rate::per_second(10_000_000);
    /// The largest burst: 24 bits.
    pub const BURST_MAX: u32 = (1 << 24) - 1;
    /// The longest wait.
    pub const WAIT_MAX: Span = Span::secs(3_600);

    /// Whether a limiter can follow it.
    ///
    /// # Errors
    ///
    /// Whatever is out of range.
    pub fn validate(&self) -> Result<(), InvalidPolicy> {
        let refuse = |field, value, remedy| {
            Err(InvalidPolicy {
                policy: PolicyKind::RateLimiter,
                field,
                value,
                remedy,
            })
        };
        if !(Self::RATE_MIN..=Self::RATE_MAX).contains(&self.rate) {
            let remedy = "between 0.001/s and 10000000/s";
            return refuse("rate", self.rate.to_string(), remedy);
        }
        if !(1..=Self::BURST_MAX).contains(&self.burst) {
            return refuse("burst", self.burst.to_string(), "between 1 and 16777215");
        }
        if self.max_wait > Self::WAIT_MAX {
            return refuse("max_wait", self.max_wait.to_string(), "at most 1h");
        }
        Ok(())
    }

    /// Time between two calls, rounded up to whole nanoseconds, so the rate is never exceeded.
    pub(super) fn interval(&self) -> Duration {
        let millihertz = self.rate.as_millihertz().max(1);
        Duration::from_nanos(1_000_000_000_000u64.div_ceil(millihertz))
    }
}
