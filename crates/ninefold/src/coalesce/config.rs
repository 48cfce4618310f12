//! The knobs of coalescing.

use ninefold_core::policy::{InvalidPolicy, PolicyKind};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The most keys that may be under way, and callers that may wait for one.
const LIMIT_MAX: u32 = 1_000_000;

/// What becomes of a call for which there is no room.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum WhenFull {
    /// It is made, for its caller alone.
    #[default]
    Alone,
    /// It is refused.
    Refuse,
}

/// The knobs of a [`Coalesce`](super::Coalesce).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CoalesceConfig {
    /// How many keys may be under way at once; 10,000 by default, 1 to 1,000,000.
    pub keys: u32,
    /// How many callers may wait for one key; 10,000 by default, 1 to 1,000,000.
    pub waiters: u32,
    /// What becomes of calls beyond these limits; `alone` by default. `refuse` where nothing further
    /// in bounds how many calls are made.
    pub when_full: WhenFull,
}

impl Default for CoalesceConfig {
    fn default() -> Self {
        Self {
            keys: 10_000,
            waiters: 10_000,
            when_full: WhenFull::Alone,
        }
    }
}

impl CoalesceConfig {
    /// Whether it can be followed.
    ///
    /// # Errors
    ///
    /// [`InvalidPolicy`] for limits out of range.
    pub fn validate(&self) -> Result<(), InvalidPolicy> {
        for (field, value) in [("keys", self.keys), ("waiters", self.waiters)] {
            if !(1..=LIMIT_MAX).contains(&value) {
                return Err(InvalidPolicy {
                    policy: PolicyKind::Coalesce,
                    field,
                    value: value.to_string(),
                    remedy: "allow 1 to 1,000,000",
                });
            }
        }
        Ok(())
    }
}
