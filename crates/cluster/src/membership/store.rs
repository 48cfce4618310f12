use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use ninefold_core::time::Timestamp;

use super::chunks::Chunks;
use super::node::NodeId;
use super::table::Index;
use super::wire::{Entry, KEY_MAX, VALUE_MAX};

/// Keys of one member at most, those that were taken away included.
pub const ENTRIES_MAX: usize = 128;
/// What an entry takes besides its key and its value at most, in bytes.
pub(super) const AROUND_ENTRY: usize = 44;
/// How long a key that was taken away is remembered.
const TAKEN_AWAY_MS: u64 = 600_000;

/// Why a key was not set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SetError {
    /// Nothing has changed.
    #[error("the key has {0} bytes, and may have {KEY_MAX}")]
    Key(usize),
    /// Nothing has changed.
    #[error("the value has {0} bytes, and may have {VALUE_MAX}")]
    Value(usize),
    /// Nothing has changed.
    #[error("a node may have {ENTRIES_MAX} keys")]
    Full,
}

#[derive(Clone, Debug)]
struct Stored {
    version: u64,
    value: Option<Arc<[u8]>>,
    ttl_ms: u64,
    until: Option<Timestamp>,
    sum: u32,
}

impl Stored {
    /// As its owner said it, or as it has become here.
    fn entry(&self, (id, nonce): (NodeId, u64), key: &Arc<str>) -> Entry {
        Entry {
            owner: id,
            nonce,
            version: self.version,
            key: Arc::clone(key),
            value: self.value.clone(),
            ttl_ms: self.ttl_ms,
            sum: self.sum,
        }
    }
}

#[derive(Clone, Debug, Default)]
struct Owned {
    nonce: u64,
    /// Everything up to this version is known.
    known: u64,
    entries: BTreeMap<Arc<str>, Stored>,
}

/// Metadata of all members by versions, reconciled as in Scuttlebutt (van Renesse et al., LADIS'08): each owner
/// numbers its changes, and whoever knows them up to a number asks for those above.
#[derive(Clone, Debug, Default)]
pub(super) struct Store {
    /// By owner. Shared by clones as the members of the table are.
    owned: Chunks<Option<Arc<Owned>>>,
    /// Before that nothing of others is to be taken away.
    earliest: Option<Timestamp>,
}

impl Store {
    /// What an owner says, to be changed.
    fn owned(&mut self, owner: Index) -> Option<&mut Owned> {
        let at = usize::try_from(owner.0).ok()?;
        while self.owned.len() <= at {
            self.owned.push(None);
        }
        let owned = self.owned.get_mut(at)?.get_or_insert_default();
        Some(Arc::make_mut(owned))
    }

    /// A change by the owner itself.
    pub(super) fn set(
        &mut self,
        (owner, id, nonce): (Index, NodeId, u64),
        key: &str,
        value: Option<&[u8]>,
        ttl: Duration,
        now: Timestamp,
    ) -> Result<Entry, SetError> {
        if key.len() > KEY_MAX {
            return Err(SetError::Key(key.len()));
        }
        if let Some(value) = value.filter(|value| value.len() > VALUE_MAX) {
            return Err(SetError::Value(value.len()));
        }
        let owned = self.owned(owner).ok_or(SetError::Full)?;
        if owned.entries.len() >= ENTRIES_MAX && !owned.entries.contains_key(key) {
            return Err(SetError::Full);
        }
        owned.nonce = nonce;
        owned.known += 1;
        let ttl_ms = match value {
            Some(_) => u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX),
            None => TAKEN_AWAY_MS,
        };
        let entry = Entry {
            owner: id,
            nonce,
            version: owned.known,
            key: key.into(),
            value: value.map(Into::into),
            ttl_ms,
            sum: Entry::sum(id, owned.known, key, value, ttl_ms),
        };
        owned
            .entries
            .insert(Arc::clone(&entry.key), stored(&entry, now));
        Ok(entry)
    }

    /// The owner goes on under another nonce, with all it has said.
    pub(super) fn become_process(&mut self, owner: Index, nonce: u64) {
        if let Some(owned) = self.owned(owner) {
            owned.nonce = nonce;
        }
    }

    /// What others say. `whole` if nothing between it and what is known was left out. Whether it is new, and
    /// whether its value is.
    pub(super) fn take(
        &mut self,
        owner: Index,
        entry: &Entry,
        whole: bool,
        now: Timestamp,
    ) -> (bool, bool) {
        let Some(owned) = self.owned(owner) else {
            return (false, false);
        };
        if owned.nonce != entry.nonce {
            *owned = Owned {
                nonce: entry.nonce,
                ..Owned::default()
            };
        }
        if whole || entry.version == owned.known.saturating_add(1) {
            owned.known = owned.known.max(entry.version);
        }
        let before = owned.entries.get(&entry.key);
        if before.is_some_and(|before| before.version >= entry.version)
            || (before.is_none() && owned.entries.len() >= ENTRIES_MAX)
        {
            return (false, false);
        }
        let changed = before.and_then(|before| before.value.as_ref()) != entry.value.as_ref();
        let stored = stored(entry, now);
        let until = stored.until;
        owned.entries.insert(Arc::clone(&entry.key), stored);
        self.earliest = self.earliest.into_iter().chain(until).min();
        (true, changed)
    }

    /// Up to which version an owner is known.
    pub(super) fn known(&self, owner: Index, nonce: u64) -> u64 {
        self.of(owner, nonce).map_or(0, |owned| owned.known)
    }

    /// What is known of a process above a version, in the order of versions.
    pub(super) fn above(
        &self,
        (owner, id, nonce): (Index, NodeId, u64),
        version: u64,
    ) -> Vec<Entry> {
        let Some(owned) = self.of(owner, nonce) else {
            return Vec::new();
        };
        let newer = owned
            .entries
            .iter()
            .filter(|(_, stored)| stored.version > version && stored.version <= owned.known);
        let entries = newer.map(|(key, stored)| stored.entry((id, nonce), key));
        let mut entries: Vec<Entry> = entries.collect();
        entries.sort_unstable_by_key(|entry| entry.version);
        entries
    }

    /// Looks whether what is kept of a process is still what its owner has said. If not, what is not is forgotten, and
    /// with it that more was known: so it is asked for again.
    pub(super) fn is_broken(&mut self, (owner, id, nonce): (Index, NodeId, u64)) -> bool {
        let Some(owned) = self.of(owner, nonce) else {
            return false;
        };
        let entries = owned.entries.iter();
        let broken = entries.filter(|(key, stored)| !stored.entry((id, nonce), key).is_whole());
        let broken: Vec<(Arc<str>, u64)> = broken
            .map(|(key, stored)| (Arc::clone(key), stored.version))
            .collect();
        if broken.is_empty() {
            return false;
        }
        if let Some(owned) = self.owned(owner) {
            for (key, version) in &broken {
                owned.entries.remove(key);
                owned.known = owned.known.min(version.saturating_sub(1));
            }
        }
        true
    }

    /// Turns a bit of something that is kept, as a memory that fails does.
    #[cfg(test)]
    pub(super) fn turn_a_bit(&mut self, owner: Index) {
        let owned = self.owned(owner).unwrap();
        let stored = owned.entries.values_mut().find(|one| one.value.is_some());
        let value = &mut stored.unwrap().value;
        let mut bytes = value.as_ref().unwrap().to_vec();
        bytes[0] ^= 1;
        *value = Some(bytes.into());
    }

    /// Bytes of what is known of a process above a version, about.
    pub(super) fn size_above(&self, owner: Index, nonce: u64, version: u64) -> u64 {
        let entries = self.of(owner, nonce).into_iter().flat_map(|o| &o.entries);
        let newer = entries.filter(|(_, stored)| stored.version > version);
        let size = |(key, stored): (&Arc<str>, &Stored)| {
            let value = stored.value.as_ref().map_or(0, |value| value.len());
            u64::try_from(AROUND_ENTRY + key.len() + value).unwrap_or(u64::MAX)
        };
        newer.map(size).sum()
    }

    /// What a process of a member has said under a key.
    pub(super) fn get(&self, owner: Index, nonce: u64, key: &str) -> Option<&Arc<[u8]>> {
        self.of(owner, nonce)?.entries.get(key)?.value.as_ref()
    }

    /// All that a process of a member has said. What the one before said is void, not the beginning of it: who saw it
    /// would see it vanish with the first word of the new one.
    pub(super) fn all(
        &self,
        owner: Index,
        nonce: u64,
    ) -> impl Iterator<Item = (&Arc<str>, &Arc<[u8]>)> {
        let owned = self.of(owner, nonce);
        let entries = owned.into_iter().flat_map(|owned| &owned.entries);
        entries.filter_map(|(key, stored)| Some((key, stored.value.as_ref()?)))
    }

    fn of(&self, owner: Index, nonce: u64) -> Option<&Owned> {
        let owned = self.owned.get(usize::try_from(owner.0).ok()?)?.as_deref();
        owned.filter(|owned| owned.nonce == nonce)
    }

    pub(super) fn forget(&mut self, owner: Index) {
        let at = usize::try_from(owner.0).ok();
        if let Some(owned) = at.and_then(|at| self.owned.get_mut(at)) {
            *owned = None;
        }
    }

    /// Takes away what was not renewed in time; what it was.
    pub(super) fn expire(&mut self, me: Index, now: Timestamp) -> Vec<(Index, Arc<str>)> {
        let mut gone = Vec::new();
        if self.earliest.is_none_or(|earliest| now < earliest) {
            return gone;
        }
        self.earliest = None;
        let all = (0..self.owned.len()).filter_map(|at| u32::try_from(at).ok().map(Index));
        for owner in all.filter(|owner| *owner != me) {
            let at = usize::try_from(owner.0).ok();
            let owned = at.and_then(|at| self.owned.get(at)?.as_deref());
            let Some(due) = owned.and_then(Owned::due) else {
                continue;
            };
            let next = if due > now {
                Some(due)
            } else {
                let owned = self.owned(owner);
                owned.and_then(|owned| owned.expire(now, |key| gone.push((owner, key))))
            };
            self.earliest = self.earliest.into_iter().chain(next).min();
        }
        gone
    }
}

impl Owned {
    /// When the next of it is to be taken away.
    fn due(&self) -> Option<Timestamp> {
        self.entries
            .values()
            .filter_map(|stored| stored.until)
            .min()
    }

    /// Takes away what is over, and says what of it was there; when the next of it is.
    fn expire(&mut self, now: Timestamp, mut gone: impl FnMut(Arc<str>)) -> Option<Timestamp> {
        self.entries.retain(|key, stored| {
            let stays = stored.until.is_none_or(|until| now < until);
            if !stays && stored.value.is_some() {
                gone(Arc::clone(key));
            }
            stays
        });
        self.due()
    }
}

fn stored(entry: &Entry, now: Timestamp) -> Stored {
    let until = (entry.ttl_ms > 0).then(|| now + Duration::from_millis(entry.ttl_ms));
    Stored {
        version: entry.version,
        value: entry.value.clone(),
        ttl_ms: entry.ttl_ms,
        until,
        sum: entry.sum,
    }
}
