//! Several tables with one limit.

use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::Table;

/// How many locks there are. A power of two.
const SHARDS: usize = 32;

/// How many entries are looked at to make room for one entry.
pub(crate) const EVICT_STEPS_MAX: usize = 64;

/// A lock on a cache line of its own, so that readers of one do not slow those of another.
#[repr(align(64))]
struct Shard<K, V>(RwLock<Table<K, V>>);

/// Tables that share keys by their hash, and one limit of entries.
pub(crate) struct Shards<K, V> {
    shards: [Shard<K, V>; SHARDS],
    hasher: RandomState,
    /// Entries that are there or for which room was reserved.
    places: AtomicUsize,
    /// Where room is looked for next.
    hand: AtomicUsize,
}

impl<K, V> Default for Shards<K, V> {
    fn default() -> Self {
        Self {
            shards: std::array::from_fn(|_| Shard(RwLock::default())),
            hasher: RandomState::new(),
            places: AtomicUsize::new(0),
            hand: AtomicUsize::new(0),
        }
    }
}

impl<K: Eq, V> Shards<K, V> {
    #[inline]
    pub(crate) fn hash<Q: Hash + ?Sized>(&self, key: &Q) -> u64 {
        self.hasher.hash_one(key)
    }

    #[inline]
    pub(crate) fn read(&self, hash: u64) -> RwLockReadGuard<'_, Table<K, V>> {
        let shard = self.shard(hash);
        shard.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn write(&self, hash: u64) -> RwLockWriteGuard<'_, Table<K, V>> {
        let shard = self.shard(hash);
        shard.0.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many entries there are.
    pub(crate) fn len(&self) -> usize {
        self.places.load(Ordering::Relaxed)
    }

    /// Reserves a place below `max`. An entry that is put in uses it up; otherwise it must be given
    /// back by [`Shards::release`], as must that of an entry that is taken out.
    pub(crate) fn reserve(&self, max: usize) -> bool {
        let below = |places: usize| (places < max).then_some(places + 1);
        let reserved = self
            .places
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, below);
        reserved.is_ok()
    }

    /// Gives places back.
    pub(crate) fn release(&self, places: usize) {
        self.places.fetch_sub(places, Ordering::Relaxed);
    }

    /// Takes out an entry that `may` go, of the first [`EVICT_STEPS_MAX`] the hand comes to. Its
    /// place is given back.
    pub(crate) fn evict(&self, mut may: impl FnMut(&V) -> bool) -> Option<(K, V)> {
        let mut steps = EVICT_STEPS_MAX;
        // Twice round: the first time may only clear the marks of what was used since.
        for _ in 0..=2 * SHARDS {
            let hand = self.hand.load(Ordering::Relaxed);
            let shard = self.shards.get(hand % SHARDS)?;
            let mut table = shard.0.write().unwrap_or_else(PoisonError::into_inner);
            let evicted = table.evict(&mut steps, &mut may);
            drop(table);
            if evicted.is_some() {
                self.release(1);
                return evicted;
            }
            if steps == 0 {
                return None;
            }
            self.hand.fetch_add(1, Ordering::Relaxed);
        }
        None
    }

    /// Each table in turn, for reading.
    pub(crate) fn tables(&self) -> impl Iterator<Item = RwLockReadGuard<'_, Table<K, V>>> {
        let shards = self.shards.iter();
        shards.map(|shard| shard.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Takes out all entries and gives their places back.
    pub(crate) fn clear(&self, mut gone: impl FnMut(&V)) {
        for shard in &self.shards {
            let mut table = shard.0.write().unwrap_or_else(PoisonError::into_inner);
            let taken = std::mem::take(&mut *table);
            drop(table);
            for (_, value) in taken.iter() {
                gone(value);
                self.release(1);
            }
        }
    }

    #[inline]
    #[expect(
        clippy::indexing_slicing,
        reason = "the remainder is below the number of shards"
    )]
    fn shard(&self, hash: u64) -> &Shard<K, V> {
        // The tables' own maps use the low bits and the highest seven.
        &self.shards[((hash >> 40) as usize) % SHARDS]
    }
}
