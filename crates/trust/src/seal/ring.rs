//! The keys that a node knows.

use serde::{Deserialize, Serialize};

use super::key::{GossipKey, KeyId};

/// Keys of a ring: the one before, the present one, the next one.
pub const KEYS_MAX: usize = 3;

/// The keys that a node opens with; it seals with the first, the primary.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<GossipKey>", into = "Vec<GossipKey>")]
pub struct KeyRing {
    primary: GossipKey,
    others: Vec<GossipKey>,
}

/// A ring was not changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RingError {
    /// There is no room.
    #[error("a ring has {KEYS_MAX} keys at most; remove one that nobody seals with any more")]
    Full,
    /// There is no such key.
    #[error("the key {0} is not in the ring; add it on every node first")]
    Unknown(KeyId),
    /// It is sealed with.
    #[error("the key {0} is the primary one; make another one primary first")]
    Primary(KeyId),
    /// A ring is never empty.
    #[error("a ring has at least one key")]
    Empty,
}

impl KeyRing {
    /// A ring of one key.
    #[must_use]
    pub const fn new(primary: GossipKey) -> Self {
        Self {
            primary,
            others: Vec::new(),
        }
    }

    /// The key that is sealed with.
    #[must_use]
    pub const fn primary(&self) -> &GossipKey {
        &self.primary
    }

    /// All keys, the primary one first.
    pub fn keys(&self) -> impl Iterator<Item = &GossipKey> {
        std::iter::once(&self.primary).chain(&self.others)
    }

    /// The key of that name.
    #[must_use]
    pub fn get(&self, id: KeyId) -> Option<&GossipKey> {
        self.keys().find(|key| key.id() == id)
    }

    /// Opens with one more key. One that is there already is fine.
    ///
    /// # Errors
    /// When the ring is full.
    pub fn add(&mut self, key: GossipKey) -> Result<(), RingError> {
        if self.get(key.id()).is_some() {
            return Ok(());
        }
        if self.keys().count() >= KEYS_MAX {
            return Err(RingError::Full);
        }
        self.others.push(key);
        Ok(())
    }

    /// Seals with a key that is there. Do it when all nodes have that key.
    ///
    /// # Errors
    /// When it is not there.
    pub fn make_primary(&mut self, id: KeyId) -> Result<(), RingError> {
        if self.primary.id() == id {
            return Ok(());
        }
        let next = self.others.iter_mut().find(|key| key.id() == id);
        let next = next.ok_or(RingError::Unknown(id))?;
        std::mem::swap(&mut self.primary, next);
        Ok(())
    }

    /// Opens with it no more. Do it when no node seals with it.
    ///
    /// # Errors
    /// When it is the primary one, or not there.
    pub fn remove(&mut self, id: KeyId) -> Result<(), RingError> {
        if self.primary.id() == id {
            return Err(RingError::Primary(id));
        }
        let at = self.others.iter().position(|key| key.id() == id);
        self.others.remove(at.ok_or(RingError::Unknown(id))?);
        Ok(())
    }
}

impl TryFrom<Vec<GossipKey>> for KeyRing {
    type Error = RingError;

    fn try_from(keys: Vec<GossipKey>) -> Result<Self, RingError> {
        let mut keys = keys.into_iter();
        let mut ring = Self::new(keys.next().ok_or(RingError::Empty)?);
        keys.try_for_each(|key| ring.add(key))?;
        Ok(ring)
    }
}

impl From<KeyRing> for Vec<GossipKey> {
    fn from(ring: KeyRing) -> Self {
        let mut keys = vec![ring.primary];
        keys.extend(ring.others);
        keys
    }
}
