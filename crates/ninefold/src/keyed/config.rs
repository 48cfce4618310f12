//! The knobs of a table of policies.

use ninefold_core::policy::{InvalidPolicy, PolicyKind};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The most keys that may have a policy.
const KEYS_MAX: u32 = 16_000_000;

/// The knobs of a [`Keyed`](super::Keyed).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct KeyedConfig {
    /// How many keys may have a policy of their own; 10,000 by default, 1 to 16,000,000. Choose it
    /// above the number of keys that are busy at once, and such that as many policies fit into the
    /// memory.
    pub keys: u32,
}

impl Default for KeyedConfig {
    fn default() -> Self {
        Self { keys: 10_000 }
    }
}

impl KeyedConfig {
    /// Whether it can be followed.
    ///
    /// # Errors
    ///
    /// [`InvalidPolicy`] for no keys or very many.
    pub fn validate(&self) -> Result<(), InvalidPolicy> {
        if (1..=KEYS_MAX).contains(&self.keys) {
            return Ok(());
        }
        Err(InvalidPolicy {
            policy: PolicyKind::Keyed,
            field: "keys",
            value: self.keys.to_string(),
            remedy: "allow 1 to 16,000,000 keys",
        })
    }
}
