//! The dimmer itself.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::super::control::Pid;
use super::super::level::Tally;
use super::super::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use super::super::{
    Admission, Change, Evictable, InvalidPolicy, Now, Outcome, PolicyKind, QuantileSketch, Reason,
    Rejected, RequestMeta, Source,
};
use super::{DimmerConfig, Measure};
use crate::rng::SharedRng;
use crate::time::{Timestamp, nanos};

/// Seed of the draws.
const SEED: u64 = 0xd1e;

/// Under load, answers without the extras. See the [module](super).
#[derive(Debug)]
pub struct Dimmer {
    /// The share as a threshold for 32 random bits.
    share: AtomicU32,
    window: Tally<0>,
    times: QuantileSketch,
    samples: AtomicU32,
    sum_ns: AtomicU64,
    period_ns: AtomicU64,
    memory: Mutex<Memory>,
    rng: SharedRng,
    source: Source,
}

#[derive(Debug)]
pub(super) struct Memory {
    config: DimmerConfig,
    pub(super) pid: Pid,
    pub(super) share: f64,
}

impl Default for Dimmer {
    fn default() -> Self {
        Self::checked(DimmerConfig::default())
    }
}

impl Dimmer {
    /// A dimmer at full light.
    ///
    /// # Errors
    ///
    /// What [`DimmerConfig::validate`] says.
    pub fn new(config: DimmerConfig) -> Result<Self, InvalidPolicy> {
        config.validate()?;
        Ok(Self::checked(config))
    }

    fn checked(config: DimmerConfig) -> Self {
        Self {
            share: AtomicU32::new(u32::MAX),
            window: Tally::default(),
            times: QuantileSketch::default(),
            samples: AtomicU32::new(0),
            sum_ns: AtomicU64::new(0),
            period_ns: AtomicU64::new(config.period.as_nanos()),
            memory: Mutex::new(Memory {
                config,
                pid: Pid::new(1.0),
                share: 1.0,
            }),
            rng: SharedRng::new(SEED),
            source: Source::default(),
        }
    }

    /// The same, with a name and a listener.
    #[must_use]
    pub fn with_source(self, source: Source) -> Self {
        Self { source, ..self }
    }

    /// The same, with draws that follow from `seed`.
    #[must_use]
    pub fn with_seed(self, seed: u64) -> Self {
        Self {
            rng: SharedRng::new(seed),
            ..self
        }
    }

    /// Takes another configuration, and keeps the share.
    ///
    /// # Errors
    ///
    /// What [`DimmerConfig::validate`] says; then nothing has changed.
    pub fn reconfigure(&self, config: DimmerConfig) -> Result<(), InvalidPolicy> {
        config.validate()?;
        self.memory().config = config;
        self.period_ns
            .store(config.period.as_nanos(), Ordering::Relaxed);
        Ok(())
    }

    /// Its configuration.
    #[must_use]
    pub fn config(&self) -> DimmerConfig {
        self.memory().config
    }

    /// The share of requests that get the optional part, 0 to 1.
    #[must_use]
    pub fn share(&self) -> f64 {
        self.memory().share
    }

    /// Whether this request gets the optional part. To be asked once a request.
    #[inline]
    #[must_use]
    pub fn serve_optional(&self) -> bool {
        let share = self.share.load(Ordering::Relaxed);
        share == u32::MAX || self.rng.next_u64() >> 32 < u64::from(share)
    }

    /// A request was answered at `now` and `took` so long, with the optional part or without.
    pub fn observe(&self, took: Duration, now: Timestamp) {
        self.times.record(took);
        self.sum_ns.fetch_add(nanos(took), Ordering::Relaxed);
        self.samples.fetch_add(1, Ordering::Relaxed);
        let period = Duration::from_nanos(self.period_ns.load(Ordering::Relaxed));
        if self.window.is_over(now, period) {
            self.act(now, period);
        }
    }

    #[cold]
    fn act(&self, now: Timestamp, period: Duration) {
        let mut moved = None;
        self.window.close(
            now,
            period,
            || false,
            |_| {
                let mut memory = self.memory();
                let before = memory.share;
                if let Some(measured) = self.measure(&memory.config) {
                    memory.step(measured);
                    self.show(memory.share);
                }
                moved = Some((before, memory.share));
            },
        );
        if let Some((from, to)) = moved.filter(|(from, to)| (from - to).abs() > f64::EPSILON) {
            self.source.emit(Self::KIND, || Change::Level {
                what: "optional_share",
                from,
                to,
            });
        }
    }

    /// Lets requests see a share.
    pub(super) fn show(&self, share: f64) {
        self.share.store(threshold(share), Ordering::Relaxed);
    }

    /// Of the response times since the last step, and forgets them; nothing if they are too few.
    fn measure(&self, config: &DimmerConfig) -> Option<Duration> {
        if self.samples.load(Ordering::Relaxed) < config.min_samples {
            return None;
        }
        let samples = self.samples.swap(0, Ordering::Relaxed);
        let sum = self.sum_ns.swap(0, Ordering::Relaxed);
        let measured = match config.measure {
            Measure::Mean => Some(Duration::from_nanos(sum / u64::from(samples.max(1)))),
            Measure::Quantile(quantile) => self.times.quantile(quantile.as_f64()),
        };
        self.times.clear();
        measured
    }

    pub(super) fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Memory {
    fn step(&mut self, measured: Duration) {
        let error = 1.0 - measured.as_secs_f64() / self.config.target.0.as_secs_f64();
        let low = self.config.min_share.as_f64();
        self.share = self.pid.step(&self.config.gains, error.max(-1.0), low, 1.0);
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a share is between 0 and 1, and the cast saturates"
)]
fn threshold(share: f64) -> u32 {
    (share * f64::from(u32::MAX)).round() as u32
}

impl Evictable for Dimmer {
    fn is_idle(&self, now: Timestamp) -> bool {
        self.is_healthy(now)
    }

    fn is_healthy(&self, _now: Timestamp) -> bool {
        self.share.load(Ordering::Relaxed) == u32::MAX
    }
}

/// For calls that are optional as a whole.
impl Admission for Dimmer {
    type Token = ();

    const KIND: PolicyKind = PolicyKind::Dimmer;

    #[inline]
    fn try_acquire(&self, _: &RequestMeta, _: impl Now) -> Result<(), Rejected> {
        if self.serve_optional() {
            return Ok(());
        }
        let rejected = Rejected::new(Self::KIND, Reason::Dimmed).for_good();
        self.source.emit(Self::KIND, || Change::Rejected(rejected));
        Err(rejected)
    }

    #[inline]
    fn settle(&self, (): (), _: Outcome, _: impl Now) {}

    #[inline]
    fn cancel(&self, (): ()) {}
}
