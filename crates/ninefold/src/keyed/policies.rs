//! The policies by key.

use std::hash::Hash;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering, fence};

use ninefold_core::policy::{Change, Evictable, PolicyKind, Reason, Rejected, Source};
use ninefold_core::time::Timestamp;

use super::KeyedConfig;
use crate::table::Shards;

/// How often room is looked for: more than once if the limit was lowered, or if others take the room
/// that was found.
const EVICTIONS_MAX: usize = 64;

pub(super) type Make<K, P> = Arc<dyn Fn(&K) -> P + Send + Sync>;

pub(super) struct Policies<K, P> {
    shards: Shards<K, Entry<P>>,
    keys: AtomicU32,
    pub(super) make: Make<K, P>,
    /// For all keys that find no room.
    pub(super) overflow: Option<Arc<P>>,
    pub(super) source: Source,
}

struct Entry<P> {
    policy: Arc<P>,
    /// Since the hand of the clock came by.
    used: AtomicBool,
}

impl<K, P> Policies<K, P> {
    pub(super) fn config(&self) -> KeyedConfig {
        KeyedConfig {
            keys: self.keys.load(Ordering::Relaxed),
        }
    }

    pub(super) fn set(&self, config: KeyedConfig) {
        self.keys.store(config.keys, Ordering::Relaxed);
    }
}

impl<K: Eq + Hash, P: Evictable> Policies<K, P> {
    pub(super) fn new(
        config: KeyedConfig,
        make: Make<K, P>,
        overflow: Option<Arc<P>>,
        source: Source,
    ) -> Self {
        Self {
            shards: Shards::default(),
            keys: AtomicU32::new(config.keys),
            make,
            overflow,
            source,
        }
    }

    /// The policy of `key`, made if need be. The time is asked for only if another one must go.
    pub(super) fn get(&self, key: &K, now: impl FnOnce() -> Timestamp) -> Result<Arc<P>, Rejected>
    where
        K: Clone,
    {
        let hash = self.shards.hash(key);
        if let Some(entry) = self.shards.read(hash).get(hash, key) {
            return Ok(entry.take());
        }
        self.add(hash, key.clone(), now)
    }

    #[cold]
    fn add(&self, hash: u64, key: K, now: impl FnOnce() -> Timestamp) -> Result<Arc<P>, Rejected> {
        let max = self.keys.load(Ordering::Relaxed) as usize;
        let mut made = None;
        let mut at = None;
        let mut now = Some(now);
        for _ in 0..EVICTIONS_MAX {
            if self.shards.len() >= max {
                at = at.or_else(|| now.take().map(|now| now()));
                let evicted = at.is_some_and(|at| self.evict(at));
                // Somebody else may have found room for the same key.
                if let Some(entry) = self.shards.read(hash).get(hash, &key) {
                    return Ok(entry.take());
                }
                if !evicted {
                    break;
                }
                continue;
            }
            // Without a lock: it is the user's code.
            let policy = made.get_or_insert_with(|| Arc::new((self.make)(&key)));
            let mut table = self.shards.write(hash);
            if let Some(entry) = table.get(hash, &key) {
                return Ok(entry.take());
            }
            // Under the key's lock, so that no place is reserved twice for one key.
            if self.shards.reserve(max) {
                let policy = Arc::clone(policy);
                let entry = Entry {
                    policy: Arc::clone(&policy),
                    used: AtomicBool::new(false),
                };
                table.insert(hash, key, entry);
                return Ok(policy);
            }
        }
        self.without_room()
    }

    fn without_room(&self) -> Result<Arc<P>, Rejected> {
        if let Some(overflow) = &self.overflow {
            let change = || Change::Substituted("overflow");
            self.source.emit(PolicyKind::Keyed, change);
            return Ok(Arc::clone(overflow));
        }
        let why = Rejected::new(PolicyKind::Keyed, Reason::KeysFull);
        self.source
            .emit(PolicyKind::Keyed, || Change::Rejected(why));
        Err(why)
    }

    /// Forgets a policy that may go, if one is found.
    fn evict(&self, now: Timestamp) -> bool {
        let unused = |entry: &Entry<P>| !entry.used.swap(false, Ordering::Relaxed);
        let shards = &self.shards;
        shards
            .evict(|entry| entry.may_go(now) && unused(entry))
            // All of those were used lately; then it is one of them.
            .or_else(|| shards.evict(|entry| entry.may_go(now)))
            .is_some()
    }

    pub(super) fn remove(&self, key: &K) -> Option<Arc<P>> {
        let hash = self.shards.hash(key);
        let (_, entry) = self.shards.write(hash).remove(hash, key)?;
        self.shards.release(1);
        Some(entry.policy)
    }

    pub(super) fn len(&self) -> usize {
        self.shards.len()
    }

    pub(super) fn all(&self) -> Vec<(K, Arc<P>)>
    where
        K: Clone,
    {
        let mut all = Vec::with_capacity(self.len());
        for table in self.shards.tables() {
            let entries = table.iter();
            all.extend(entries.map(|(key, entry)| (key.clone(), Arc::clone(&entry.policy))));
        }
        all
    }
}

impl<P> Entry<P> {
    fn take(&self) -> Arc<P> {
        // Written only if it changes, so that readers do not take the cache line from each other.
        if !self.used.load(Ordering::Relaxed) {
            self.used.store(true, Ordering::Relaxed);
        }
        Arc::clone(&self.policy)
    }

    /// Whether nobody has it, and nobody would miss what it knows. Under the table's lock, from
    /// which alone others could get it.
    fn may_go(&self, now: Timestamp) -> bool
    where
        P: Evictable,
    {
        if Arc::strong_count(&self.policy) > 1 {
            return false;
        }
        // What those who had it did to it, before they let it go.
        fence(Ordering::Acquire);
        self.policy.is_idle(now) && self.policy.is_healthy(now)
    }
}
