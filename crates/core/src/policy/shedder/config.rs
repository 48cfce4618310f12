//! The knobs of a load shedder.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::control::{GAIN_REMEDY, Gains};
use super::super::queue::{CodelConfig, Order, QueueConfig};
use super::super::{InvalidPolicy, PolicyKind};
use crate::units::{Ratio, Span};

/// The knobs of a [`LoadShedder`](super::LoadShedder).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LoadShedderConfig {
    /// Calls under way at once, at least 1; 100. What keeps the server busy, and not more.
    pub max_concurrent_calls: u32,
    /// Calls that wait for a place: 1 to 65,536; 1,000.
    pub max_waiting_calls: u32,
    /// The longest wait; `1s`.
    pub max_wait: Span,
    /// Who goes first among equals; `adaptive-lifo`. With a PID that is the same as `fifo`, as the
    /// queue never stands.
    pub order: Order,
    /// Whether the more critical goes first; `true`.
    pub by_criticality: bool,
    /// How it is decided whom to refuse; controlled delay.
    pub shedding: Shedding,
}

/// How it is decided whom to refuse.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "mode", rename_all = "kebab-case")]
pub enum Shedding {
    /// Who has waited too long, while the queue stands.
    Codel(CodelConfig),
    /// The least important, before they wait.
    Pid(PidConfig),
}

/// A controller on the delay of the queue.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PidConfig {
    /// The delay it steers to; `5ms`. Some multiple of the time between two places becoming free.
    pub target: Span,
    /// How often it acts; `20ms`.
    pub period: Span,
    /// How strongly, on the logarithm of what is let in; 0.1, 0.05 and 0.
    pub gains: Gains,
    /// The largest share it refuses, above 0 % and below 100 %; `99%`. By what is let in it learns
    /// that the overload is over.
    pub max_shed: Ratio,
}

impl Default for PidConfig {
    fn default() -> Self {
        Self {
            target: Span::millis(5),
            period: Span::millis(20),
            gains: Gains {
                proportional: 0.1,
                integral: 0.05,
                derivative: 0.0,
            },
            max_shed: Ratio::percent(99),
        }
    }
}

impl Default for LoadShedderConfig {
    fn default() -> Self {
        Self {
            max_concurrent_calls: 100,
            max_waiting_calls: 1_000,
            max_wait: Span::secs(1),
            order: Order::AdaptiveLifo,
            by_criticality: true,
            shedding: Shedding::Codel(CodelConfig::default()),
        }
    }
}

impl LoadShedderConfig {
    /// Checks it.
    ///
    /// # Errors
    ///
    /// Says which field makes no sense, and what would.
    pub fn validate(&self) -> Result<(), InvalidPolicy> {
        let invalid = |field, value: String, remedy| {
            Err(InvalidPolicy {
                policy: PolicyKind::LoadShedder,
                field,
                value,
                remedy,
            })
        };
        if self.max_concurrent_calls == 0 {
            let value = self.max_concurrent_calls.to_string();
            return invalid("max_concurrent_calls", value, "let at least one call in");
        }
        if let Err(error) = self.queue().validate(PolicyKind::LoadShedder) {
            return Err(match error.field {
                "capacity" => InvalidPolicy {
                    field: "max_waiting_calls",
                    ..error
                },
                _ => error,
            });
        }
        let Shedding::Pid(pid) = self.shedding else {
            return Ok(());
        };
        if pid.target.0.is_zero() {
            let value = pid.target.to_string();
            return invalid("target", value, "take a delay above zero, such as 5ms");
        }
        if pid.period < Span::millis(1) {
            let value = pid.period.to_string();
            return invalid("period", value, "take at least 1ms, such as 20ms");
        }
        if let Some((field, value)) = pid.gains.wrong() {
            return invalid(field, value.to_string(), GAIN_REMEDY);
        }
        if pid.max_shed == Ratio::percent(0) || pid.max_shed == Ratio::ONE {
            let value = pid.max_shed.to_string();
            return invalid("max_shed", value, "take more than 0% and less than 100%");
        }
        Ok(())
    }

    pub(super) const fn queue(&self) -> QueueConfig {
        let (codel, order) = match (self.shedding, self.order) {
            (Shedding::Codel(codel), order) => (Some(codel), order),
            (Shedding::Pid(_), Order::AdaptiveLifo) => (None, Order::Fifo),
            (Shedding::Pid(_), order) => (None, order),
        };
        QueueConfig {
            capacity: self.max_waiting_calls,
            max_wait: self.max_wait,
            order,
            by_criticality: self.by_criticality,
            codel,
        }
    }
}
