//! The knobs of deadlines.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::{InvalidPolicy, PolicyKind};
use crate::units::Span;

/// The knobs of a [`Deadline`](super::Deadline).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct DeadlineConfig {
    /// A call with this much left, or less, is refused; `0s`.
    pub min_useful: Span,
    /// How long a call without a deadline may take; for ever.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_timeout: Option<Span>,
    /// How long any call may take, whatever it says; for ever. At least `default_timeout`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_timeout: Option<Span>,
}

impl Default for DeadlineConfig {
    fn default() -> Self {
        Self {
            min_useful: Span::millis(0),
            default_timeout: None,
            max_timeout: None,
        }
    }
}

impl DeadlineConfig {
    /// Checks it.
    ///
    /// # Errors
    ///
    /// Says which field makes no sense, and what would.
    pub fn validate(&self) -> Result<(), InvalidPolicy> {
        let invalid = |field, value: Span, remedy| {
            Err(InvalidPolicy {
                policy: PolicyKind::Deadline,
                field,
                value: value.to_string(),
                remedy,
            })
        };
        for (field, value) in [
            ("default_timeout", self.default_timeout),
            ("max_timeout", self.max_timeout),
        ] {
            if let Some(value) = value.filter(|value| *value <= self.min_useful) {
                return invalid(field, value, "take more than `min_useful`");
            }
        }
        match (self.default_timeout, self.max_timeout) {
            (Some(default), Some(max)) if default > max => {
                invalid("default_timeout", default, "take at most `max_timeout`")
            }
            _ => Ok(()),
        }
    }
}
