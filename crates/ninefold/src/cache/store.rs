//! What is kept.

use std::borrow::Borrow;
use std::hash::Hash;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use ninefold_core::policy::{Change, PolicyKind, Source};
use ninefold_core::time::Timestamp;

use super::CacheConfig;
use super::freshness::{Freshness, freshness};
use super::knobs::Knobs;
use crate::table::Shards;

/// How many answers may go to make room for one.
const EVICTIONS_MAX: usize = 1_024;

/// Invalidations are remembered by so many groups of keys. A power of two.
const EPOCHS: usize = 256;

type Weigh<K, V> = Arc<dyn Fn(&K, &V) -> u64 + Send + Sync>;
type TtlOf<K, V> = Arc<dyn Fn(&K, &V) -> Option<Duration> + Send + Sync>;

/// What the user says of answers.
pub(super) struct Rules<K, V> {
    pub(super) weigh: Option<Weigh<K, V>>,
    /// `None` from it: not to be kept.
    pub(super) ttl_of: Option<TtlOf<K, V>>,
    pub(super) source: Source,
}

pub(super) struct Store<K, V> {
    shards: Shards<K, Entry<V>>,
    weight: AtomicU64,
    epochs: Box<[AtomicU64]>,
    pub(super) knobs: Knobs,
    pub(super) rules: Rules<K, V>,
}

struct Entry<V> {
    value: V,
    stored: Timestamp,
    ttl: Option<Duration>,
    weight: u64,
    /// Since the hand of the clock came by.
    used: AtomicBool,
    /// Whether somebody fetches a new one.
    revalidated: Arc<AtomicBool>,
}

/// The right to fetch a new answer, which one caller at a time has. Dropped, another may.
#[derive(Debug)]
pub(super) struct Claim(Arc<AtomicBool>);

impl Drop for Claim {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

/// What was found for a key.
pub(super) enum Found<V> {
    Fresh(V),
    /// Still good, with the right to fetch a new one if nobody has it.
    Stale(V, Option<Claim>),
    /// Good only if a new one cannot be had.
    IfError(V),
    Nothing,
}

/// A key with its hash, and how often it had been invalidated when it was looked up.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) hash: u64,
    epoch: u64,
}

impl<K: Eq + Hash, V: Clone> Store<K, V> {
    pub(super) fn new(config: CacheConfig, rules: Rules<K, V>) -> Self {
        Self {
            shards: Shards::default(),
            weight: AtomicU64::new(0),
            epochs: (0..EPOCHS).map(|_| AtomicU64::new(0)).collect(),
            knobs: Knobs::new(config),
            rules,
        }
    }

    pub(super) fn place<Q: Hash + ?Sized>(&self, key: &Q) -> Place {
        let hash = self.shards.hash(key);
        let epoch = self.epoch(hash).load(Ordering::Acquire);
        Place { hash, epoch }
    }

    pub(super) fn look<Q>(&self, place: Place, key: &Q, now: Timestamp) -> Found<V>
    where
        K: Borrow<Q>,
        Q: Eq + ?Sized,
    {
        let table = self.shards.read(place.hash);
        let Some(entry) = table.get(place.hash, key) else {
            return Found::Nothing;
        };
        // Written only if it changes, so that readers do not take the cache line from each other.
        if !entry.used.load(Ordering::Relaxed) {
            entry.used.store(true, Ordering::Relaxed);
        }
        match entry.freshness(now, &self.knobs) {
            Freshness::Fresh => Found::Fresh(entry.value.clone()),
            Freshness::WhileRevalidating => {
                let claimed = !entry.revalidated.swap(true, Ordering::Acquire);
                let claim = claimed.then(|| Claim(Arc::clone(&entry.revalidated)));
                Found::Stale(entry.value.clone(), claim)
            }
            Freshness::IfError => Found::IfError(entry.value.clone()),
            Freshness::Gone => Found::Nothing,
        }
    }

    /// An answer of any age, and the age.
    pub(super) fn peek<Q>(&self, key: &Q, now: Timestamp) -> Option<(V, Duration)>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        let hash = self.shards.hash(key);
        let table = self.shards.read(hash);
        let entry = table.get(hash, key)?;
        Some((entry.value.clone(), now.since(entry.stored)))
    }

    /// Keeps an answer, unless its key was invalidated since `place` was taken.
    pub(super) fn put(&self, place: Place, key: K, value: V, now: Timestamp) {
        let ttl = match &self.rules.ttl_of {
            None => None,
            Some(ttl_of) => match ttl_of(&key, &value) {
                None => return self.forget(place.hash, &key),
                Some(ttl) => Some(ttl),
            },
        };
        let weigh = self.rules.weigh.as_ref();
        let weight = weigh.map_or(0, |weigh| weigh(&key, &value));
        let known = self.shards.read(place.hash).get(place.hash, &key).is_some();
        if !self.make_room(!known, weight, now) {
            return self.forget(place.hash, &key);
        }
        let entry = Entry {
            value,
            stored: now,
            ttl,
            weight,
            used: AtomicBool::new(false),
            revalidated: Arc::default(),
        };
        let mut table = self.shards.write(place.hash);
        let current = self.epoch(place.hash).load(Ordering::Acquire) == place.epoch;
        // Known before and evicted meanwhile: a place is needed after all.
        let gone = known && table.get(place.hash, &key).is_none();
        if !current || (gone && !self.shards.reserve(self.knobs.entries())) {
            drop(table);
            self.shards.release(usize::from(!known));
            self.lose_weight(weight);
            return;
        }
        let old = table.insert(place.hash, key, entry);
        drop(table);
        if let Some(old) = old {
            self.shards.release(usize::from(!known));
            self.lose_weight(old.weight);
        }
    }

    /// Forgets the answer of a key; one that is being fetched now will not be kept.
    pub(super) fn invalidate<Q>(&self, key: &Q)
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        let hash = self.shards.hash(key);
        self.epoch(hash).fetch_add(1, Ordering::AcqRel);
        self.forget(hash, key);
    }

    pub(super) fn clear(&self) {
        for epoch in &self.epochs {
            epoch.fetch_add(1, Ordering::AcqRel);
        }
        self.shards.clear(|entry| self.lose_weight(entry.weight));
    }

    pub(super) fn len(&self) -> usize {
        self.shards.len()
    }

    pub(super) fn weight(&self) -> u64 {
        self.weight.load(Ordering::Relaxed)
    }

    pub(super) fn emit(&self, what: &'static str) {
        let source = &self.rules.source;
        source.emit(PolicyKind::Cache, || Change::Substituted(what));
    }

    fn forget<Q>(&self, hash: u64, key: &Q)
    where
        K: Borrow<Q>,
        Q: Eq + ?Sized,
    {
        let removed = self.shards.write(hash).remove(hash, key);
        if let Some((_, entry)) = removed {
            self.shards.release(1);
            self.lose_weight(entry.weight);
        }
    }

    /// Reserves a place, if one is needed, and the weight; others go for them.
    fn make_room(&self, place: bool, weight: u64, now: Timestamp) -> bool {
        if weight > self.knobs.weight() {
            return false;
        }
        let mut placed = !place;
        for _ in 0..EVICTIONS_MAX {
            placed = placed || self.shards.reserve(self.knobs.entries());
            if placed && self.gain_weight(weight) {
                return true;
            }
            if !self.evict(now) {
                break;
            }
        }
        self.shards.release(usize::from(place && placed));
        false
    }

    fn evict(&self, now: Timestamp) -> bool {
        let may = |entry: &Entry<V>| {
            !entry.used.swap(false, Ordering::Relaxed)
                || entry.freshness(now, &self.knobs) == Freshness::Gone
        };
        let evicted = self.shards.evict(may);
        // All of those were used lately; then it is one of them.
        let evicted = evicted.or_else(|| self.shards.evict(|_| true));
        if let Some((_, entry)) = &evicted {
            self.lose_weight(entry.weight);
        }
        evicted.is_some()
    }

    fn gain_weight(&self, weight: u64) -> bool {
        let max = self.knobs.weight();
        let gain = |now: u64| now.checked_add(weight).filter(|sum| *sum <= max);
        let gained = self
            .weight
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, gain);
        gained.is_ok()
    }

    fn lose_weight(&self, weight: u64) {
        self.weight.fetch_sub(weight, Ordering::Relaxed);
    }

    #[expect(
        clippy::indexing_slicing,
        clippy::cast_possible_truncation,
        reason = "the remainder is below their number"
    )]
    fn epoch(&self, hash: u64) -> &AtomicU64 {
        &self.epochs[(hash as usize) % EPOCHS]
    }
}

impl<V> Entry<V> {
    fn freshness(&self, now: Timestamp, knobs: &Knobs) -> Freshness {
        freshness(now.since(self.stored), self.ttl, &knobs.get())
    }
}
