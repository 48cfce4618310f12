//! The caches of the routes.

use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::HeaderMap;
use ninefold_config::model;
use ninefold_core::time::Timestamp;
use tokio::sync::watch;

use super::flight::{Flight, Join, Leader, WAITING_MAX, Waiter};
use super::shard::Shard;
use super::{Asked, Entry, Rules, State};

/// A lock for so many bytes, and how many locks there are at most.
const SHARD_BYTES: u64 = 4 << 20;
const SHARDS_MAX: u64 = 16;

/// How long nobody waits for another's answer after one that could not be kept.
const PASS_FOR: Duration = Duration::from_secs(10);

/// The cache of one route, for all threads. A lock is held for a look, never while anything is
/// waited for.
#[derive(Debug)]
pub(crate) struct RouteCache {
    shards: Box<[Mutex<Shard>]>,
    shard_bytes: usize,
    hasher: RandomState,
    pub(crate) rules: Rules,
    /// The largest body that is kept.
    pub(crate) body_max: usize,
}

/// What is there for a request.
#[derive(Debug)]
pub(crate) enum Found {
    /// To be used, and renewed meanwhile if it is not fresh.
    Use(Arc<Entry>, State),
    /// To be confirmed, or used where no new one can be had.
    Last(Arc<Entry>, State),
    /// Nothing, and nobody is to be waited for.
    Pass,
    /// Nothing.
    Nothing,
}

impl RouteCache {
    pub(crate) fn new(cache: &model::Cache) -> Self {
        let shards = (cache.size.0 / SHARD_BYTES).clamp(1, SHARDS_MAX);
        let shard_bytes = usize::try_from(cache.size.0 / shards).unwrap_or(usize::MAX);
        let body_max = usize::try_from(cache.body_size.0).unwrap_or(usize::MAX);
        Self {
            shards: (0..shards).map(|_| Mutex::default()).collect(),
            // One answer does not take the place of most others.
            body_max: body_max.min(shard_bytes / 2),
            shard_bytes,
            hasher: RandomState::new(),
            rules: Rules {
                fresh: cache.fresh.0,
                behind: cache.stale_while_revalidate.0,
                on_error: cache.stale_if_error.0,
            },
        }
    }

    fn shard(&self, key: &str) -> Option<MutexGuard<'_, Shard>> {
        let hash = self.hasher.hash_one(key);
        let count = self.shards.len() as u64;
        let at = usize::try_from(hash % count.max(1)).unwrap_or(0);
        // What panics half way leaves at worst an answer that is not found again.
        let shard = self.shards.get(at)?;
        Some(shard.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// What is there for a request with these headers.
    pub(crate) fn look(&self, asked: &Asked, request: &HeaderMap, now: Timestamp) -> Found {
        let Some(mut shard) = self.shard(&asked.key) else {
            return Found::Pass;
        };
        let found = shard.look(&asked.key, request, now);
        match found.filter(|entry| entry.is_for(asked)) {
            Some(entry) => match entry.state_for(asked, now) {
                state @ (State::Fresh | State::Behind) => Found::Use(entry, state),
                state @ (State::OnError | State::Over) => Found::Last(entry, state),
            },
            // Answers to somebody are seldom for others.
            None if asked.personal || shard.passes(&asked.key, now) => Found::Pass,
            None => Found::Nothing,
        }
    }

    /// Fetches an answer for all who ask for it, or waits for whoever does.
    pub(crate) fn join(self: &Arc<Self>, key: &Arc<str>) -> Join {
        let Some(mut shard) = self.shard(key) else {
            return Join::Full;
        };
        if let Some(flight) = shard.flights.get_mut(key) {
            if flight.joined >= WAITING_MAX {
                return Join::Full;
            }
            flight.joined += 1;
            return Join::Wait(Waiter(flight.over.clone()));
        }
        let (sender, over) = watch::channel(());
        shard
            .flights
            .insert(Arc::clone(key), Flight { over, joined: 0 });
        Join::Lead(Leader {
            cache: Arc::clone(self),
            key: Arc::clone(key),
            _over: sender,
        })
    }

    /// The right to renew an answer, unless somebody does so already or it failed just now.
    pub(crate) fn renew(self: &Arc<Self>, entry: &Entry, now: Timestamp) -> Option<Leader> {
        let shard = self.shard(&entry.key)?;
        let busy = shard.flights.contains_key(&entry.key);
        drop(shard);
        if busy || !entry.may_be_renewed(now) {
            return None;
        }
        match self.join(&entry.key) {
            Join::Lead(leader) => Some(leader),
            Join::Wait(_) | Join::Full => None,
        }
    }

    pub(super) fn land(&self, key: &str) {
        if let Some(mut shard) = self.shard(key) {
            shard.flights.remove(key);
        }
    }

    /// Keeps an answer.
    pub(crate) fn insert(&self, entry: &Arc<Entry>) {
        if let Some(mut shard) = self.shard(&entry.key) {
            shard.insert(Arc::clone(entry), self.shard_bytes);
        }
    }

    /// The answer for a key could not be kept: those before it are no longer true, and nobody is to
    /// wait for the next one.
    pub(crate) fn pass(&self, key: &Arc<str>, now: Timestamp) {
        if let Some(mut shard) = self.shard(key) {
            shard.forget(key);
            shard.pass(key, now + PASS_FOR);
        }
    }

    fn forget(&self, key: &str) {
        if let Some(mut shard) = self.shard(key) {
            shard.forget(key);
        }
    }

    /// Bytes and answers that are kept.
    pub(crate) fn held(&self) -> (u64, u64) {
        let mut held = (0, 0);
        for shard in &self.shards {
            let shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
            held.0 += shard.bytes as u64;
            held.1 += shard.entries() as u64;
        }
        held
    }
}

/// The caches of all routes.
#[derive(Debug)]
pub(crate) struct Caches {
    by_route: Vec<Option<Arc<RouteCache>>>,
    any: bool,
}

impl Caches {
    pub(crate) fn new(by_route: Vec<Option<Arc<RouteCache>>>) -> Self {
        Self {
            any: by_route.iter().any(Option::is_some),
            by_route,
        }
    }

    /// That of a route.
    pub(crate) fn of(&self, route: usize) -> Option<&Arc<RouteCache>> {
        self.by_route.get(route)?.as_ref()
    }

    /// Whether there is any.
    pub(crate) const fn any(&self) -> bool {
        self.any
    }

    /// Something was changed: what was kept of it, on whatever route, is no longer true.
    pub(crate) fn forget(&self, key: &str) {
        for cache in self.by_route.iter().flatten() {
            cache.forget(key);
        }
    }
}
