//! The throttler.

use std::time::Duration;

use super::AdaptiveThrottlerConfig;
use super::windows::{ThrottleState, Windows, tick};
use crate::policy::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use crate::policy::{
    Admission, Change, Criticality, InvalidPolicy, Now, Outcome, PolicyKind, Reason, Rejected,
    RequestMeta, Source,
};
use crate::rng::SharedRng;
use crate::units::{Ratio, Span};

/// A call that was sent: when, and in which windows it counts.
#[derive(Debug)]
pub struct ThrottleToken {
    tick: u32,
    level: Criticality,
}

/// Refuses at the client what the server would refuse anyway.
#[derive(Debug)]
pub struct AdaptiveThrottler {
    levels: [Windows; Criticality::ALL.len()],
    multiplier: AtomicU64,
    window_ns: AtomicU64,
    max_rejection: AtomicU64,
    min_samples: AtomicU32,
    rng: SharedRng,
    source: Source,
}

impl Default for AdaptiveThrottler {
    fn default() -> Self {
        Self::of(&AdaptiveThrottlerConfig::default())
    }
}

impl AdaptiveThrottler {
    /// A throttler that has seen nothing and holds nothing back.
    ///
    /// # Errors
    ///
    /// What [`AdaptiveThrottlerConfig::validate`] says.
    pub fn new(config: AdaptiveThrottlerConfig) -> Result<Self, InvalidPolicy> {
        config.validate()?;
        Ok(Self::of(&config))
    }

    fn of(config: &AdaptiveThrottlerConfig) -> Self {
        Self {
            levels: std::array::from_fn(|_| Windows::new()),
            multiplier: AtomicU64::new(config.multiplier.to_bits()),
            window_ns: AtomicU64::new(config.window.as_nanos()),
            max_rejection: AtomicU64::new(config.max_rejection.parts_per_billion()),
            min_samples: AtomicU32::new(config.min_samples),
            rng: SharedRng::new(0),
            source: Source::default(),
        }
    }

    /// The same with another seed. Give each client its own, or they hold back the same calls.
    #[must_use]
    pub fn with_seed(self, seed: u64) -> Self {
        Self {
            rng: SharedRng::new(seed),
            ..self
        }
    }

    /// The same, telling `source` what it refuses and when it begins to.
    #[must_use]
    pub fn with_source(self, source: Source) -> Self {
        Self { source, ..self }
    }

    /// The present configuration.
    pub fn config(&self) -> AdaptiveThrottlerConfig {
        AdaptiveThrottlerConfig {
            multiplier: f64::from_bits(self.multiplier.load(Ordering::Relaxed)),
            window: Span(Duration::from_nanos(self.window_ns.load(Ordering::Relaxed))),
            max_rejection: Ratio::from_parts_per_billion(
                self.max_rejection.load(Ordering::Relaxed),
            ),
            min_samples: self.min_samples.load(Ordering::Relaxed),
        }
    }

    /// Follows another configuration. All counts are kept; another window is in full force with the
    /// next slot, four seconds later at most.
    ///
    /// # Errors
    ///
    /// What [`AdaptiveThrottlerConfig::validate`] says; then nothing changes.
    pub fn reconfigure(&self, config: AdaptiveThrottlerConfig) -> Result<(), InvalidPolicy> {
        config.validate()?;
        let relaxed = Ordering::Relaxed;
        self.multiplier.store(config.multiplier.to_bits(), relaxed);
        self.window_ns.store(config.window.as_nanos(), relaxed);
        self.max_rejection
            .store(config.max_rejection.parts_per_billion(), relaxed);
        self.min_samples.store(config.min_samples, relaxed);
        Ok(())
    }

    /// What the windows of a criticality hold.
    pub fn state(&self, level: Criticality, now: impl Now) -> ThrottleState {
        let slots = self.config().slots();
        self.windows(level).state(tick(now.now()), slots)
    }

    /// The probability with which the next call of a criticality is held back.
    pub fn rejection(&self, level: Criticality, now: impl Now) -> f64 {
        self.state(level, now).rejection(&self.config())
    }

    const fn windows(&self, level: Criticality) -> &Windows {
        let [sheddable, sheddable_plus, critical, critical_plus] = &self.levels;
        match level {
            Criticality::Sheddable => sheddable,
            Criticality::SheddablePlus => sheddable_plus,
            Criticality::Critical => critical,
            Criticality::CriticalPlus => critical_plus,
        }
    }

    /// Remembers whether a level is throttled, and tells if that is new.
    fn note(&self, windows: &Windows, throttles: bool) {
        if windows.throttling.load(Ordering::Relaxed) == throttles
            || windows.throttling.swap(throttles, Ordering::Relaxed) == throttles
        {
            return;
        }
        let (from, to) = if throttles {
            ("passing", "throttling")
        } else {
            ("throttling", "passing")
        };
        self.source.emit(Self::KIND, || Change::State { from, to });
    }
}

impl Admission for AdaptiveThrottler {
    type Token = ThrottleToken;

    const KIND: PolicyKind = PolicyKind::AdaptiveThrottler;

    fn try_acquire(&self, request: &RequestMeta, now: impl Now) -> Result<ThrottleToken, Rejected> {
        let config = self.config();
        let slots = config.slots();
        let level = request.criticality;
        let windows = self.windows(level);
        let now = tick(now.now());
        let before = windows.state(now, slots);
        let tick = windows.requests.add(now, slots, 1);
        let rejection = before.rejection(&config);
        self.note(windows, rejection > 0.0);
        if rejection > 0.0 && self.rng.unit() < rejection {
            let rejected = Rejected::new(Self::KIND, Reason::Throttled).for_good();
            self.source.emit(Self::KIND, || Change::Rejected(rejected));
            return Err(rejected);
        }
        Ok(ThrottleToken { tick, level })
    }

    /// The answer counts where its request does, or in the newest slot, so no clock is read.
    fn settle(&self, token: ThrottleToken, outcome: Outcome, _: impl Now) {
        let windows = self.windows(token.level);
        let slots = self.config().slots();
        match outcome {
            Outcome::Success | Outcome::Slow | Outcome::Ignored => {
                windows.accepts.add(token.tick, slots, 1);
            }
            Outcome::Failure => {
                windows.failures.add(token.tick, slots, 1);
            }
        }
    }

    fn cancel(&self, token: ThrottleToken) {
        self.windows(token.level).requests.take_back(token.tick, 1);
    }
}
