//! How often requests may come on a route.

use std::hash::{BuildHasher as _, DefaultHasher, Hash, Hasher as _, RandomState};
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use http::{HeaderMap, HeaderName};
use ninefold::clock::PreciseClock;
use ninefold::{Keyed, KeyedConfig};
use ninefold_config::model::{LimitBy, RateLimit};
use ninefold_core::policy::{
    Admission as _, InvalidPolicy, Now as _, RateLimiter, RateLimiterConfig, RequestMeta,
};
use ninefold_core::time::nanos;

use crate::fleet::RateEntry;

/// Clients that are looked at, to find those that owe most for another process.
const LOOKED_AT_MAX: usize = 200_000;

/// The limit of one route, for all threads. It knows a bounded number of clients: one who has used
/// up his share is not forgotten, and those who find no room share one limit.
#[derive(Debug)]
pub(crate) struct RouteLimit {
    limiters: Keyed<u64, RateLimiter>,
    by: By,
    /// What keys are told by; nobody outside knows it.
    seed: AtomicU64,
    refused: AtomicU64,
}

/// Whoever has one address of IPv6 has 2^64 of them.
fn network(client: IpAddr) -> u64 {
    match client.to_canonical() {
        IpAddr::V4(four) => u64::from(four.to_bits()),
        IpAddr::V6(six) => (six.to_bits() >> 64) as u64,
    }
}

#[derive(Clone, Debug)]
enum By {
    Client,
    All,
    Header(HeaderName),
}

impl RouteLimit {
    pub(crate) fn new(limit: &RateLimit) -> Result<Self, InvalidPolicy> {
        let config = RateLimiterConfig {
            rate: limit.rate,
            burst: limit.burst,
            ..RateLimiterConfig::default()
        };
        let overflow = RateLimiter::new(config)?;
        let keys = KeyedConfig { keys: limit.keys };
        // As valid as the one for all others.
        let limiters = Keyed::new(keys, move |_: &u64| {
            RateLimiter::new(config).unwrap_or_default()
        })?;
        let by = match &limit.by {
            LimitBy::Client => By::Client,
            LimitBy::All => By::All,
            LimitBy::Header(name) => HeaderName::try_from(name).map_or(By::All, By::Header),
        };
        Ok(Self {
            limiters: limiters.with_overflow(overflow),
            by,
            seed: AtomicU64::new(RandomState::new().hash_one(0)),
            refused: AtomicU64::new(0),
        })
    }

    /// The same limit for another generation; each counts its own refusals.
    pub(crate) fn shared(&self) -> Self {
        Self {
            limiters: self.limiters.clone(),
            by: self.by.clone(),
            seed: AtomicU64::new(self.seed.load(Relaxed)),
            refused: AtomicU64::new(0),
        }
    }

    /// Lets a request of `client` pass, or says how long it should wait.
    pub(crate) fn check(&self, client: IpAddr, headers: &HeaderMap) -> Result<(), Duration> {
        let key = match &self.by {
            By::All => 0,
            By::Client => self.key(network(client)),
            By::Header(name) => self.key(headers.get(name)),
        };
        let Ok(limiter) = self.limiters.get(&key) else {
            // Not with one for all others.
            return Ok(());
        };
        match limiter.try_acquire(&RequestMeta::default(), PreciseClock) {
            Ok(()) => Ok(()),
            Err(rejected) => {
                self.refused.fetch_add(1, Relaxed);
                Err(rejected.retry_after.unwrap_or(Duration::from_secs(1)))
            }
        }
    }

    fn key(&self, of: impl Hash) -> u64 {
        let mut hasher = DefaultHasher::new();
        hasher.write_u64(self.seed.load(Relaxed));
        of.hash(&mut hasher);
        hasher.finish()
    }

    /// What its clients used, of at most so many: those that used most. Nothing if none did.
    pub(crate) fn owed(&self, keys: usize) -> Option<RateEntry> {
        let now = PreciseClock.now();
        let owed = |limiter: &RateLimiter| nanos(limiter.owed(now));
        let overflow = self.limiters.overflow().map_or(0, |one| owed(one));
        let mut all = Vec::new();
        if self.limiters.len() <= LOOKED_AT_MAX {
            let known = self.limiters.all().into_iter();
            all.extend(known.map(|(key, limiter)| (key, owed(&limiter))));
            all.retain(|(_, owed)| *owed > 0);
            all.sort_unstable_by_key(|(_, owed)| std::cmp::Reverse(*owed));
            all.truncate(keys);
        }
        let says = overflow > 0 || !all.is_empty();
        says.then(|| RateEntry {
            seed: self.seed.load(Relaxed),
            owed: all,
            overflow,
        })
    }

    /// Its clients owe what they owed in another process. For a limit that nobody has asked yet.
    pub(crate) fn owe(&self, known: &RateEntry) {
        self.seed.store(known.seed, Relaxed);
        let now = PreciseClock.now();
        for (key, owed) in &known.owed {
            if let Ok(limiter) = self.limiters.get(key) {
                limiter.owe(Duration::from_nanos(*owed), now);
            }
        }
        if let Some(overflow) = self.limiters.overflow() {
            overflow.owe(Duration::from_nanos(known.overflow), now);
        }
    }

    /// Requests that were refused.
    pub(crate) fn refused(&self) -> u64 {
        self.refused.load(Relaxed)
    }
}
