//! What a waiting room is like.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::{InvalidPolicy, PolicyKind};
use super::CodelConfig;
use crate::units::Span;

/// How many may wait in one room at most, whatever the configuration says.
pub const WAITERS_MAX: u32 = 65_536;

/// Who is served first among waiters of equal weight.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Order {
    /// Who came first.
    Fifo,
    /// Who came last.
    Lifo,
    /// Who came first; while the queue stands, who came last.
    #[default]
    AdaptiveLifo,
}

/// What a [`Queue`](super::Queue) is like. The default is a server's: the more critical first,
/// adaptive order, controlled delay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct QueueConfig {
    /// How many may wait: 1 to 65,536; 1,000. What a burst brings beyond the places, not more: with
    /// controlled delay the queue is bounded by time long before.
    pub capacity: u32,
    /// How long a call waits at most; `1s`. With controlled delay, seldom reached.
    pub max_wait: Span,
    /// Who is served first among equals; `adaptive-lifo`, which needs `codel`.
    pub order: Order,
    /// Whether the more critical always goes first, and displaces the less critical when the room
    /// is full; `true`.
    pub by_criticality: bool,
    /// When a queue counts as standing; `null` lets everybody wait for `max_wait`.
    pub codel: Option<CodelConfig>,
}

impl Default for QueueConfig {
    fn default() -> Self {
        Self {
            capacity: 1_000,
            max_wait: Span::secs(1),
            order: Order::AdaptiveLifo,
            by_criticality: true,
            codel: Some(CodelConfig::default()),
        }
    }
}

impl QueueConfig {
    /// Checks it on behalf of `policy`.
    ///
    /// # Errors
    ///
    /// Says which field makes no sense, and what would.
    pub fn validate(&self, policy: PolicyKind) -> Result<(), InvalidPolicy> {
        let invalid = |field, value, remedy| {
            Err(InvalidPolicy {
                policy,
                field,
                value,
                remedy,
            })
        };
        if !(1..=WAITERS_MAX).contains(&self.capacity) {
            return invalid(
                "capacity",
                self.capacity.to_string(),
                "let 1 to 65536 calls wait",
            );
        }
        match self.codel {
            Some(codel) => codel.validate(policy),
            None if self.order == Order::AdaptiveLifo => invalid(
                "order",
                "adaptive-lifo".to_owned(),
                "set `codel`, which says when the queue stands, or take fifo or lifo",
            ),
            None => Ok(()),
        }
    }
}
