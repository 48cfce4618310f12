//! The decision.

use std::sync::{Mutex, PoisonError, TryLockError};
use std::time::Duration;

use super::HedgeConfig;
use crate::policy::schedule::is_due;
use crate::policy::sketch::{QuantileSketch, quantile_of, quantiles_count};
use crate::policy::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use crate::policy::{Change, InvalidPolicy, Now, PolicyKind, Source};
use crate::time::{Timestamp, nanos};

/// No delay is known.
const UNKNOWN: u64 = u64::MAX;
/// How often the delay is calculated anew in half a window.
const REFRESHES: u64 = 16;
/// No refresh is further ahead, in nanoseconds: a 32nd of the longest window.
const AHEAD_MAX: u64 = 3_600_000_000_000 / 2 / REFRESHES;

/// What only whoever calculates the delay needs.
#[derive(Debug)]
struct Schedule {
    config: HedgeConfig,
    turns_at: Timestamp,
}

/// Knows how long calls take, and so when one is late.
#[derive(Debug)]
pub struct HedgePolicy {
    windows: [QuantileSketch; 2],
    /// Which window latencies are counted in.
    current: AtomicU32,
    delay_ns: AtomicU64,
    /// When the delay is to be calculated anew.
    stale_at: AtomicU64,
    max_hedges: AtomicU32,
    schedule: Mutex<Schedule>,
    source: Source,
}

impl Default for HedgePolicy {
    fn default() -> Self {
        Self::of(HedgeConfig::default())
    }
}

impl HedgePolicy {
    /// A policy that knows nothing yet.
    ///
    /// # Errors
    ///
    /// What [`HedgeConfig::validate`] says.
    pub fn new(config: HedgeConfig) -> Result<Self, InvalidPolicy> {
        config.validate()?;
        Ok(Self::of(config))
    }

    fn of(config: HedgeConfig) -> Self {
        Self {
            windows: [QuantileSketch::default(), QuantileSketch::default()],
            current: AtomicU32::new(0),
            delay_ns: AtomicU64::new(UNKNOWN),
            stale_at: AtomicU64::new(0),
            max_hedges: AtomicU32::new(config.max_hedges),
            schedule: Mutex::new(Schedule {
                config,
                turns_at: Timestamp::ZERO,
            }),
            source: Source::default(),
        }
    }

    /// The same, telling `source` when the delay changes: the level `delay_seconds`.
    #[must_use]
    pub fn with_source(self, source: Source) -> Self {
        Self { source, ..self }
    }

    /// The present configuration.
    pub fn config(&self) -> HedgeConfig {
        self.schedule
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .config
    }

    /// Follows another configuration from now on. Latencies are kept.
    ///
    /// # Errors
    ///
    /// What [`HedgeConfig::validate`] says; then nothing changes.
    pub fn reconfigure(&self, config: HedgeConfig) -> Result<(), InvalidPolicy> {
        config.validate()?;
        let mut schedule = self.schedule.lock().unwrap_or_else(PoisonError::into_inner);
        schedule.config = config;
        self.max_hedges.store(config.max_hedges, Ordering::Relaxed);
        self.stale_at.store(0, Ordering::Release);
        Ok(())
    }

    /// How long to wait for an answer before the next hedge, given how many were sent. Nothing if
    /// there must be no more, or if it is not known yet.
    #[inline]
    pub fn delay(&self, hedges: u32, now: impl Now) -> Option<Duration> {
        if hedges >= self.max_hedges.load(Ordering::Relaxed) {
            return None;
        }
        self.refresh(now.now());
        match self.delay_ns.load(Ordering::Relaxed) {
            UNKNOWN => None,
            delay => Some(Duration::from_nanos(delay)),
        }
    }

    /// An attempt took so long, or was cancelled after so long.
    #[inline]
    pub fn record(&self, latency: Duration, now: impl Now) {
        self.refresh(now.now());
        let [even, odd] = &self.windows;
        let current = self.current.load(Ordering::Relaxed);
        let window = if current == 0 { even } else { odd };
        window.record(latency);
    }

    /// Latencies that are known at present.
    pub fn samples(&self) -> u64 {
        let [even, odd] = &self.windows;
        quantiles_count([even, odd])
    }

    #[inline]
    fn refresh(&self, now: Timestamp) {
        if self.is_stale(now) {
            self.refresh_at(now);
        }
    }

    /// Whether it is time, or the clock stepped back so far that it would not be for long.
    #[inline]
    fn is_stale(&self, now: Timestamp) -> bool {
        let stale_at = self.stale_at.load(Ordering::Acquire);
        is_due(stale_at, now.as_nanos(), AHEAD_MAX)
    }

    /// Calculates the delay anew, unless someone else is at it.
    #[cold]
    fn refresh_at(&self, now: Timestamp) {
        let mut schedule = match self.schedule.try_lock() {
            Ok(schedule) => schedule,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return,
        };
        if !self.is_stale(now) {
            return;
        }
        let config = schedule.config;
        self.turn(&mut schedule, now);
        let [even, odd] = &self.windows;
        let known = quantiles_count([even, odd]) >= u64::from(config.min_samples.max(1));
        let delay = known
            .then(|| quantile_of([even, odd], config.quantile.as_f64()))
            .flatten()
            .map_or(UNKNOWN, |delay| {
                nanos(delay.clamp(config.min_delay.0, config.max_delay.0))
            });
        let before = self.delay_ns.swap(delay, Ordering::Relaxed);
        // Before the first delay is known, it is looked for more often.
        let every = if known {
            config.window.as_nanos() / 2 / REFRESHES
        } else {
            config.window.as_nanos() / 2 / REFRESHES / REFRESHES
        };
        self.stale_at
            .store(now.as_nanos().saturating_add(every), Ordering::Release);
        drop(schedule);
        if before != delay && before != UNKNOWN && delay != UNKNOWN {
            self.source.emit(PolicyKind::Hedge, || Change::Level {
                what: "delay_seconds",
                from: Duration::from_nanos(before).as_secs_f64(),
                to: Duration::from_nanos(delay).as_secs_f64(),
            });
        }
    }

    /// Begins to count in the older window, emptied, when half of the time is over. Both are
    /// emptied after a pause longer than the window.
    fn turn(&self, schedule: &mut Schedule, now: Timestamp) {
        let half = schedule.config.window.0 / 2;
        let [even, odd] = &self.windows;
        if now < schedule.turns_at {
            // At most half a window ahead: further, the clock stepped back.
            schedule.turns_at = schedule.turns_at.min(now + half);
            return;
        }
        let pause = now.since(schedule.turns_at) >= half;
        let next = 1 - self.current.load(Ordering::Relaxed).min(1);
        if schedule.turns_at > Timestamp::ZERO {
            if pause || next == 0 {
                even.clear();
            }
            if pause || next == 1 {
                odd.clear();
            }
            self.current.store(next, Ordering::Relaxed);
        }
        schedule.turns_at = now + half;
    }
}
