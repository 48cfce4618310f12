//! The configuration, where every call looks at it.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use ninefold_core::units::Span;

use super::CacheConfig;

#[derive(Debug)]
pub(super) struct Knobs {
    ttl: AtomicU64,
    stale_while_revalidate: AtomicU64,
    stale_if_error: AtomicU64,
    entries: AtomicU32,
    /// `u64::MAX` for no limit.
    weight: AtomicU64,
}

impl Knobs {
    pub(super) fn new(config: CacheConfig) -> Self {
        let knobs = Self {
            ttl: AtomicU64::new(0),
            stale_while_revalidate: AtomicU64::new(0),
            stale_if_error: AtomicU64::new(0),
            entries: AtomicU32::new(0),
            weight: AtomicU64::new(0),
        };
        knobs.set(config);
        knobs
    }

    pub(super) fn set(&self, config: CacheConfig) {
        let order = Ordering::Relaxed;
        self.ttl.store(config.ttl.as_nanos(), order);
        let revalidate = config.stale_while_revalidate.as_nanos();
        self.stale_while_revalidate.store(revalidate, order);
        let error = config.stale_if_error.as_nanos();
        self.stale_if_error.store(error, order);
        self.entries.store(config.entries, order);
        self.weight.store(config.weight.unwrap_or(u64::MAX), order);
    }

    pub(super) fn get(&self) -> CacheConfig {
        let span = |ns: &AtomicU64| Span(Duration::from_nanos(ns.load(Ordering::Relaxed)));
        CacheConfig {
            ttl: span(&self.ttl),
            stale_while_revalidate: span(&self.stale_while_revalidate),
            stale_if_error: span(&self.stale_if_error),
            entries: self.entries.load(Ordering::Relaxed),
            weight: Some(self.weight()).filter(|weight| *weight != u64::MAX),
        }
    }

    pub(super) fn entries(&self) -> usize {
        self.entries.load(Ordering::Relaxed) as usize
    }

    pub(super) fn weight(&self) -> u64 {
        self.weight.load(Ordering::Relaxed)
    }
}
