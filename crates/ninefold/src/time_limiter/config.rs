//! The knobs of a time limiter.

use ninefold_core::policy::{InvalidPolicy, PolicyKind};
use ninefold_core::units::Span;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The knobs of a [`TimeLimiter`](super::TimeLimiter).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TimeLimiterConfig {
    /// How long one attempt may take; 1 s by default, more than zero. The deadline of the request
    /// shortens it. Choose it above the slowest answer that is still useful, and such that all
    /// attempts of a retry fit into the deadline.
    pub timeout: Span,
}

impl Default for TimeLimiterConfig {
    fn default() -> Self {
        Self {
            timeout: Span::secs(1),
        }
    }
}

impl TimeLimiterConfig {
    /// Whether a limiter can follow it.
    ///
    /// # Errors
    ///
    /// [`InvalidPolicy`] if no time is left at all.
    pub fn validate(&self) -> Result<(), InvalidPolicy> {
        if self.timeout.0.is_zero() {
            return Err(InvalidPolicy {
                policy: PolicyKind::TimeLimiter,
                field: "timeout",
                value: self.timeout.to_string(),
                remedy: "allow more than no time",
            });
        }
        Ok(())
    }
}
