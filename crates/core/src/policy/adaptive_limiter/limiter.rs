//! The limiter: counters that all threads write, and the control that one at a time runs.

use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::Duration;

use super::AdaptiveLimiterConfig;
use super::control::{Control, WINDOW_MAX};
use super::window::{Count, Orders, Seen, as_f64};
use crate::policy::ring::Padded;
use crate::policy::schedule::is_due;
use crate::policy::sketch::QuantileSketch;
use crate::policy::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use crate::policy::{
    Admission, Change, Evictable, InvalidPolicy, Now, Outcome, PolicyKind, Reason, Rejected,
    RequestMeta, Source,
};
use crate::time::{Timestamp, nanos};

/// All calls count; epochs begin after it.
const ALL: u32 = 0;
/// No call counts.
const NOBODY: u32 = u32::MAX;

/// A call under way: when it began, and in which epoch, which says whether a measurement counts it.
#[derive(Debug)]
pub struct LimiterToken {
    start: Timestamp,
    epoch: u32,
}

/// Finds by itself how many calls may be under way at once.
///
/// **Invariant:** no more calls are under way than the limit allowed when they began.
#[derive(Debug)]
pub struct AdaptiveLimiter {
    in_flight: Padded<AtomicU32>,
    limit: Padded<AtomicU32>,
    peak: AtomicU32,
    /// The epoch of calls that begin.
    epoch: AtomicU32,
    /// The epoch of calls that count, or one of the two constants.
    counted: AtomicU32,
    closes_at: AtomicU64,
    gives_up_at: AtomicU64,
    needed: AtomicU32,
    samples: Padded<AtomicU32>,
    drops: AtomicU32,
    latencies: QuantileSketch,
    control: Mutex<Control>,
    source: Source,
}

impl Default for AdaptiveLimiter {
    fn default() -> Self {
        Self::of(AdaptiveLimiterConfig::default())
    }
}

impl AdaptiveLimiter {
    /// A limiter that knows nothing yet.
    ///
    /// # Errors
    ///
    /// What [`AdaptiveLimiterConfig::validate`] says.
    pub fn new(config: AdaptiveLimiterConfig) -> Result<Self, InvalidPolicy> {
        config.validate()?;
        Ok(Self::of(config))
    }

    fn of(config: AdaptiveLimiterConfig) -> Self {
        Self {
            in_flight: Padded(AtomicU32::new(0)),
            limit: Padded(AtomicU32::new(config.initial_limit)),
            peak: AtomicU32::new(0),
            epoch: AtomicU32::new(1),
            counted: AtomicU32::new(ALL),
            closes_at: AtomicU64::new(0),
            gives_up_at: AtomicU64::new(u64::MAX),
            needed: AtomicU32::new(config.min_samples),
            samples: Padded(AtomicU32::new(0)),
            drops: AtomicU32::new(0),
            latencies: QuantileSketch::default(),
            control: Mutex::new(Control::new(config)),
            source: Source::default(),
        }
    }

    /// The same, telling `source` what it refuses, how the limit moves, and when it measures.
    #[must_use]
    pub fn with_source(self, source: Source) -> Self {
        Self { source, ..self }
    }

    /// The present configuration.
    pub fn config(&self) -> AdaptiveLimiterConfig {
        self.control().config
    }

    /// Follows another configuration from now on. What was learnt is kept.
    ///
    /// # Errors
    ///
    /// What [`AdaptiveLimiterConfig::validate`] says; then nothing changes.
    pub fn reconfigure(&self, config: AdaptiveLimiterConfig) -> Result<(), InvalidPolicy> {
        config.validate()?;
        let mut control = self.control();
        let orders = control.reconfigure(config);
        self.adopt(orders);
        Ok(())
    }

    /// Follows orders of another configuration, or of another limiter's. The control must be held.
    pub(super) fn adopt(&self, orders: Orders) {
        self.limit.0.store(orders.limit, Ordering::Relaxed);
        self.needed.store(orders.needed, Ordering::Relaxed);
        self.closes_at.store(0, Ordering::Release);
    }

    /// The limit at present.
    pub fn limit(&self) -> u32 {
        self.limit.0.load(Ordering::Relaxed)
    }

    /// Calls under way.
    pub fn in_flight(&self) -> u32 {
        self.in_flight.0.load(Ordering::Relaxed)
    }

    /// The latency of the service when it is idle, as far as it is known.
    pub fn baseline(&self) -> Option<Duration> {
        let nanos = self.control().baseline()?;
        Some(Duration::from_secs_f64(nanos / 1e9))
    }

    pub(super) fn control(&self) -> MutexGuard<'_, Control> {
        self.control.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn release(&self) {
        self.in_flight.0.fetch_sub(1, Ordering::Relaxed);
    }

    #[inline]
    fn is_over(&self, now: u64) -> bool {
        let ended = self.samples.0.load(Ordering::Relaxed) + self.drops.load(Ordering::Relaxed);
        let enough = ended >= self.needed.load(Ordering::Relaxed)
            || now >= self.gives_up_at.load(Ordering::Relaxed);
        let at = self.closes_at.load(Ordering::Acquire);
        enough && is_due(at, now, nanos(WINDOW_MAX))
    }

    /// Ends the window, unless someone else is at it.
    #[cold]
    fn close(&self, now: Timestamp) {
        let mut control = match self.control.try_lock() {
            Ok(control) => control,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return,
        };
        if !self.is_over(now.as_nanos()) {
            return;
        }
        let quantile = control.config.quantile.as_f64();
        let seen = Seen {
            rtt: self.latencies.quantile(quantile).map(as_f64),
            samples: self.samples.0.load(Ordering::Relaxed),
            drops: self.drops.load(Ordering::Relaxed),
            peak: self.peak.load(Ordering::Relaxed),
        };
        let state_before = control.state();
        let orders = control.close(seen, now);
        let state = control.state();
        let limit_before = self.follow(orders, now);
        drop(control);
        if state != state_before {
            self.source.emit(Self::KIND, || Change::State {
                from: state_before,
                to: state,
            });
        }
        if orders.limit != limit_before {
            self.source.emit(Self::KIND, || Change::Level {
                what: "limit",
                from: f64::from(limit_before),
                to: f64::from(orders.limit),
            });
        }
    }

    fn next_epoch(&self) -> u32 {
        let epoch = self.epoch.load(Ordering::Relaxed).wrapping_add(1);
        let epoch = if epoch == NOBODY { ALL + 1 } else { epoch };
        self.epoch.store(epoch, Ordering::Relaxed);
        epoch
    }

    /// Carries orders out and returns the limit before.
    fn follow(&self, orders: Orders, now: Timestamp) -> u32 {
        match orders.count {
            Count::All => self.counted.store(ALL, Ordering::Relaxed),
            Count::Nobody => self.counted.store(NOBODY, Ordering::Relaxed),
            Count::Beginners => {
                let epoch = self.next_epoch();
                self.counted.store(epoch, Ordering::Relaxed);
            }
            Count::Stragglers => {
                self.next_epoch();
            }
        }
        if orders.count != Count::Stragglers {
            // What is counted just now may be lost, which no window notices.
            self.samples.0.store(0, Ordering::Relaxed);
            self.drops.store(0, Ordering::Relaxed);
            self.latencies.clear();
        }
        self.peak
            .store(self.in_flight.0.load(Ordering::Relaxed), Ordering::Relaxed);
        self.needed.store(orders.needed, Ordering::Relaxed);
        let closes_at = now + orders.window;
        let gives_up_at = now + orders.patience;
        self.gives_up_at
            .store(gives_up_at.as_nanos(), Ordering::Relaxed);
        self.closes_at
            .store(closes_at.as_nanos(), Ordering::Release);
        self.limit.0.swap(orders.limit, Ordering::Relaxed)
    }
}

/// A limit below the first one is kept as long as calls come, and for as long as it takes until the
/// baseline would be measured anew.
impl Evictable for AdaptiveLimiter {
    fn is_idle(&self, _now: Timestamp) -> bool {
        self.in_flight() == 0
    }

    fn is_healthy(&self, now: Timestamp) -> bool {
        let config = self.config();
        let window = Timestamp::from_nanos(self.closes_at.load(Ordering::Acquire));
        self.limit() >= config.initial_limit || now.since(window) >= config.measure_after.0
    }
}

impl Admission for AdaptiveLimiter {
    type Token = LimiterToken;

    const KIND: PolicyKind = PolicyKind::AdaptiveLimiter;

    #[inline]
    fn try_acquire(&self, _: &RequestMeta, now: impl Now) -> Result<LimiterToken, Rejected> {
        let limit = self.limit.0.load(Ordering::Relaxed);
        let mut in_flight = self.in_flight.0.load(Ordering::Relaxed);
        loop {
            if in_flight >= limit {
                let rejected = Rejected::new(Self::KIND, Reason::LimitReached);
                self.source.emit(Self::KIND, || Change::Rejected(rejected));
                return Err(rejected);
            }
            match self.in_flight.0.compare_exchange_weak(
                in_flight,
                in_flight + 1,
                Ordering::Relaxed,
                Ordering::Relaxed,
            ) {
                Ok(_) => break,
                Err(other) => in_flight = other,
            }
        }
        if in_flight + 1 > self.peak.load(Ordering::Relaxed) {
            self.peak.fetch_max(in_flight + 1, Ordering::Relaxed);
        }
        Ok(LimiterToken {
            start: now.now(),
            epoch: self.epoch.load(Ordering::Relaxed),
        })
    }

    /// A success counts with its latency, however slow. A failure counts as a sign of overload,
    /// without its latency: a refusal is quick. What is ignored does not count.
    #[inline]
    fn settle(&self, token: LimiterToken, outcome: Outcome, now: impl Now) {
        self.release();
        if outcome == Outcome::Ignored {
            return;
        }
        let now = now.now();
        let counted = self.counted.load(Ordering::Relaxed);
        // A call that ends before it began, as the clock has it, says nothing.
        if (counted == ALL || counted == token.epoch) && now >= token.start {
            if outcome == Outcome::Failure {
                self.drops.fetch_add(1, Ordering::Relaxed);
            } else {
                self.latencies.record(now.since(token.start));
                self.samples.0.fetch_add(1, Ordering::Relaxed);
            }
        }
        if self.is_over(now.as_nanos()) {
            self.close(now);
        }
    }

    #[inline]
    fn cancel(&self, _: LimiterToken) {
        self.release();
    }
}

#[cfg(test)]
#[cfg(loom)]
mod loom_tests {
    use loom::sync::Arc;
    use loom::thread;

    use super::*;

    #[test]
    fn the_last_place_is_given_once_and_comes_back() {
        loom::model(|| {
            let limiter = Arc::new(AdaptiveLimiter::of(AdaptiveLimiterConfig {
                initial_limit: 1,
                ..AdaptiveLimiterConfig::default()
            }));
            let call = RequestMeta::default();
            let now = Timestamp::from_secs(1);
            let other = {
                let limiter = Arc::clone(&limiter);
                thread::spawn(move || limiter.try_acquire(&call, now).ok())
            };
            let mine = limiter.try_acquire(&call, now).ok();
            let theirs = other.join().unwrap();
            assert_ne!(mine.is_some(), theirs.is_some());
            let token = mine.or(theirs).unwrap();
            let another = {
                let limiter = Arc::clone(&limiter);
                thread::spawn(move || limiter.cancel(token))
            };
            let late = limiter.try_acquire(&call, now).ok();
            another.join().unwrap();
            assert_eq!(limiter.in_flight(), u32::from(late.is_some()));
        });
    }
}
