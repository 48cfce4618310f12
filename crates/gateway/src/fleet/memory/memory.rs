//! The value that passes.

use std::collections::BTreeSet;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use super::entry::Entry;
use super::read::read;

/// Parts of a memory, at most: what is beyond is not remembered.
pub(super) const ENTRIES_MAX: usize = 20_000;

/// Clients, of all routes together, whose use of their rate is remembered: those that used most.
pub(super) const KEYS_MAX: usize = 50_000;

/// A memory of another version is none.
pub(super) const VERSION: u64 = 1;

/// What a gateway knows, for a successor in another process: by names and without clocks.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Memory {
    pub(super) entries: Vec<Entry>,
    /// What was there and could not be read.
    pub(super) left_out: Vec<String>,
}

impl Memory {
    /// The ids of injected faults.
    #[must_use]
    pub fn faults(&self) -> BTreeSet<String> {
        let id = |entry: &Entry| match entry {
            Entry::Fault(fault) => Some(fault.id.clone()),
            _ => None,
        };
        self.entries.iter().filter_map(id).collect()
    }

    /// What it says of injected faults: lets each go on for so long at most, or not at all. The control
    /// plane knows which were ended meanwhile, and when the others have to end.
    pub fn bound_faults(&mut self, limit: impl Fn(&str) -> Option<Duration>) {
        self.entries.retain_mut(|entry| match entry {
            Entry::Fault(fault) => limit(&fault.id).is_some_and(|limit| {
                fault.left = fault.left.min(limit);
                true
            }),
            _ => true,
        });
    }
}

impl Serialize for Memory {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Said<'a> {
            version: u64,
            entries: &'a [Entry],
        }
        let said = Said {
            version: VERSION,
            entries: &self.entries,
        };
        said.serialize(serializer)
    }
}

/// Whatever is there can be read, if only as nothing.
impl<'de> Deserialize<'de> for Memory {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Value::deserialize(deserializer).map(read)
    }
}
