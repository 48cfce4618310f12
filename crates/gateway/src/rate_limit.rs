//! How often requests may come on a route.

use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use http::{HeaderMap, HeaderName};
use ninefold::clock::PreciseClock;
use ninefold::{Keyed, KeyedConfig};
use ninefold_config::model::{LimitBy, RateLimit};
use ninefold_core::policy::{
    Admission as _, InvalidPolicy, RateLimiter, RateLimiterConfig, RequestMeta,
};

/// The limit of one route, for all threads. It knows a bounded number of clients: one who has used
/// up his share is not forgotten, and those who find no room share one limit.
#[derive(Debug)]
pub(crate) struct RouteLimit {
    limiters: Keyed<u64, RateLimiter>,
    by: By,
    hasher: RandomState,
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
            hasher: RandomState::new(),
            refused: AtomicU64::new(0),
        })
    }

    /// The same limit for another generation; each counts its own refusals.
    pub(crate) fn shared(&self) -> Self {
        Self {
            limiters: self.limiters.clone(),
            by: self.by.clone(),
            hasher: self.hasher.clone(),
            refused: AtomicU64::new(0),
        }
    }

    /// Lets a request of `client` pass, or says how long it should wait.
    pub(crate) fn check(&self, client: IpAddr, headers: &HeaderMap) -> Result<(), Duration> {
        let key = match &self.by {
            By::All => 0,
            By::Client => self.hasher.hash_one(network(client)),
            By::Header(name) => self.hasher.hash_one(headers.get(name)),
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

    /// Requests that were refused.
    pub(crate) fn refused(&self) -> u64 {
        self.refused.load(Relaxed)
    }
}
