//! The knobs of a bulkhead.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::queue::{Order, QueueConfig, WAITERS_MAX};
use super::super::{InvalidPolicy, PolicyKind};
use crate::units::Span;

/// The knobs of a [`Bulkhead`](super::Bulkhead).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct BulkheadConfig {
    /// Calls under way at once, at least 1; 25.
    pub max_concurrent_calls: u32,
    /// How long a call waits for a place; `0s`, which refuses at once.
    pub max_wait: Span,
    /// How many may wait: 1 to 65,536; 100. Means nothing while `max_wait` is zero.
    pub max_waiting_calls: u32,
}

impl Default for BulkheadConfig {
    fn default() -> Self {
        Self {
            max_concurrent_calls: 25,
            max_wait: Span::millis(0),
            max_waiting_calls: 100,
        }
    }
}

impl BulkheadConfig {
    /// Checks it.
    ///
    /// # Errors
    ///
    /// Says which field makes no sense, and what would.
    pub fn validate(&self) -> Result<(), InvalidPolicy> {
        let invalid = |field, value: u32, remedy| {
            Err(InvalidPolicy {
                policy: PolicyKind::Bulkhead,
                field,
                value: value.to_string(),
                remedy,
            })
        };
        if self.max_concurrent_calls == 0 {
            return invalid("max_concurrent_calls", 0, "let at least one call through");
        }
        if !(1..=WAITERS_MAX).contains(&self.max_waiting_calls) {
            return invalid(
                "max_waiting_calls",
                self.max_waiting_calls,
                "let 1 to 65536 calls wait; to let none wait, set `max_wait` to 0s",
            );
        }
        Ok(())
    }

    /// The room for those who wait: first come, first served.
    pub(super) const fn queue(&self) -> QueueConfig {
        QueueConfig {
            capacity: self.max_waiting_calls,
            max_wait: self.max_wait,
            order: Order::Fifo,
            by_criticality: false,
            codel: None,
        }
    }
}
