//! The shares of a route's keys.

use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};

use http::{HeaderMap, HeaderName};
use ninefold_config::model::{self, BulkheadKey};
use ninefold_core::policy::InvalidPolicy;
use ninefold_core::policy::bulkhead::{
    Full, ShardToken, ShardedBulkhead, ShardedBulkheadConfig, ShardsView,
};
use ninefold_core::time::Timestamp;

use super::spell::{Spell, Turn};

/// The places of one route, for all threads. They belong to all generations that say the same of
/// them; what was refused to each of them alone.
#[derive(Debug)]
pub(crate) struct RouteBulkhead {
    places: Arc<ShardedBulkhead>,
    key: Key,
    hasher: RandomState,
    refused_key: AtomicU64,
    refused_all: AtomicU64,
    spell: Mutex<Spell>,
}

#[derive(Clone, Debug)]
enum Key {
    Client,
    Header(HeaderName),
}

/// A place, given back when this is dropped.
#[derive(Debug)]
pub(crate) struct Share {
    places: Arc<ShardedBulkhead>,
    token: Option<ShardToken>,
}

impl Drop for Share {
    fn drop(&mut self) {
        if let Some(token) = self.token.take() {
            self.places.release(token);
        }
    }
}

/// Whoever has one address of IPv6 has 2^64 of them.
fn network(client: IpAddr) -> u64 {
    match client.to_canonical() {
        IpAddr::V4(four) => u64::from(four.to_bits()),
        IpAddr::V6(six) => (six.to_bits() >> 64) as u64,
    }
}

impl RouteBulkhead {
    pub(crate) fn new(bulkhead: &model::Bulkhead) -> Result<Self, InvalidPolicy> {
        let places = ShardedBulkhead::new(ShardedBulkheadConfig {
            shards: bulkhead.shards,
            per_key: bulkhead.per_key,
            max_concurrent_calls: bulkhead.concurrency,
        })?;
        let key = match &bulkhead.key {
            BulkheadKey::Client => Key::Client,
            BulkheadKey::Header(name) => {
                HeaderName::try_from(name).map_or(Key::Client, Key::Header)
            }
        };
        Ok(Self {
            places: Arc::new(places),
            key,
            hasher: RandomState::new(),
            refused_key: AtomicU64::new(0),
            refused_all: AtomicU64::new(0),
            spell: Mutex::default(),
        })
    }

    /// The same places for another generation.
    pub(crate) fn shared(&self) -> Self {
        Self {
            places: Arc::clone(&self.places),
            key: self.key.clone(),
            hasher: self.hasher.clone(),
            refused_key: AtomicU64::new(0),
            refused_all: AtomicU64::new(0),
            spell: Mutex::default(),
        }
    }

    /// Whether both give the same places.
    pub(crate) fn is_shared_with(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.places, &other.places)
    }

    /// A place for a request of `client`, or whose doing it is that there is none. The hash is this
    /// process' own: nobody can choose whose shares are like his.
    pub(crate) fn take(&self, client: IpAddr, headers: &HeaderMap) -> Result<Share, Full> {
        let key = match &self.key {
            Key::Client => self.hasher.hash_one(network(client)),
            Key::Header(name) => self.hasher.hash_one(headers.get(name)),
        };
        match self.places.try_acquire(key) {
            Ok(token) => Ok(Share {
                places: Arc::clone(&self.places),
                token: Some(token),
            }),
            Err(full) => {
                let refused = match full {
                    Full::Key => &self.refused_key,
                    Full::All => &self.refused_all,
                };
                refused.fetch_add(1, Relaxed);
                Err(full)
            }
        }
    }

    /// Requests refused because their key had more than its share, and because all had.
    pub(crate) fn refused(&self) -> (u64, u64) {
        (
            self.refused_key.load(Relaxed),
            self.refused_all.load(Relaxed),
        )
    }

    /// What is taken, and how it is divided.
    pub(crate) fn view(&self) -> (ShardsView, ShardedBulkheadConfig) {
        (self.places.view(), self.places.config())
    }

    /// Whether it began to refuse, or has ended.
    pub(crate) fn look(&self, now: Timestamp) -> Option<Turn> {
        let (key, all) = self.refused();
        let mut spell = self.spell.lock().unwrap_or_else(PoisonError::into_inner);
        spell.look(now, key + all)
    }
}
