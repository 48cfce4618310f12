//! The knobs of a cache.

use ninefold_core::policy::{InvalidPolicy, PolicyKind};
use ninefold_core::units::Span;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The most entries a cache may have.
const ENTRIES_MAX: u32 = 16_000_000;

/// The knobs of a [`Cache`](super::Cache).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CacheConfig {
    /// How long an answer is fresh; 10 s by default, more than zero. Then it is stale.
    pub ttl: Span,
    /// How long after `ttl` a stale answer is still given while one caller fetches a new one; 10 s
    /// by default, zero for never.
    pub stale_while_revalidate: Span,
    /// How long after `ttl` a stale answer is still given if a new one cannot be had; 1 m by
    /// default, zero for never. Less than `stale_while_revalidate` counts as that.
    pub stale_if_error: Span,
    /// How many answers are kept; 1,000 by default, 1 to 16,000,000.
    pub entries: u32,
    /// How much all answers together may weigh, as
    /// [`Cache::with_weight`](super::Cache::with_weight) weighs them; no limit by default. An answer
    /// that weighs more by itself is not kept.
    pub weight: Option<u64>,
}

impl Default for CacheConfig {
    fn default() -> Self {
        Self {
            ttl: Span::secs(10),
            stale_while_revalidate: Span::secs(10),
            stale_if_error: Span::secs(60),
            entries: 1_000,
            weight: None,
        }
    }
}

impl CacheConfig {
    /// Whether a cache can follow it.
    ///
    /// # Errors
    ///
    /// [`InvalidPolicy`] if nothing would ever be fresh, or nothing or very much be kept.
    pub fn validate(&self) -> Result<(), InvalidPolicy> {
        let invalid = |field, value: &dyn ToString, remedy| {
            Err(InvalidPolicy {
                policy: PolicyKind::Cache,
                field,
                value: value.to_string(),
                remedy,
            })
        };
        if self.ttl.0.is_zero() {
            return invalid("ttl", &self.ttl, "keep answers for more than no time");
        }
        if !(1..=ENTRIES_MAX).contains(&self.entries) {
            return invalid("entries", &self.entries, "keep 1 to 16,000,000 answers");
        }
        if self.weight == Some(0) {
            return invalid("weight", &0, "allow some weight, or leave it out");
        }
        Ok(())
    }
}
