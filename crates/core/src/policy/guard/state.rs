//! The guard itself.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::super::level::{Level, RANKS, Tally};
use super::super::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use super::super::{
    Admission, Change, Evictable, InvalidPolicy, Now, Outcome, PolicyKind, Reason, Rejected,
    RequestMeta, Source,
};
use super::machine::{Machine, Window};
use super::{GuardConfig, GuardState};
use crate::rng::SharedRng;
use crate::time::Timestamp;

/// Seed of the draws within a rank.
const SEED: u64 = 0x3e7a;

/// Breaks the loop that keeps an overload alive. See the [module](super).
#[derive(Debug)]
pub struct MetastabilityGuard {
    /// First attempts, by rank.
    tally: Tally<RANKS>,
    repeats: AtomicU32,
    good: AtomicU32,
    slow: AtomicU32,
    failed: AtomicU32,
    cancelled: AtomicU32,
    /// Whether it is metastable, for the way of a call.
    holds: AtomicBool,
    level: AtomicU32,
    window_ns: AtomicU64,
    memory: Mutex<Memory>,
    rng: SharedRng,
    source: Source,
}

#[derive(Debug)]
struct Memory {
    config: GuardConfig,
    machine: Machine,
}

impl Default for MetastabilityGuard {
    fn default() -> Self {
        Self::checked(GuardConfig::default())
    }
}

impl MetastabilityGuard {
    /// A guard of something that is well.
    ///
    /// # Errors
    ///
    /// What [`GuardConfig::validate`] says.
    pub fn new(config: GuardConfig) -> Result<Self, InvalidPolicy> {
        config.validate()?;
        Ok(Self::checked(config))
    }

    fn checked(config: GuardConfig) -> Self {
        Self {
            tally: Tally::default(),
            repeats: AtomicU32::new(0),
            good: AtomicU32::new(0),
            slow: AtomicU32::new(0),
            failed: AtomicU32::new(0),
            cancelled: AtomicU32::new(0),
            holds: AtomicBool::new(false),
            level: AtomicU32::new(Level::ALL.bits()),
            window_ns: AtomicU64::new(config.window.as_nanos()),
            memory: Mutex::new(Memory {
                config,
                machine: Machine::default(),
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

    /// Takes another configuration, and keeps state and memory.
    ///
    /// # Errors
    ///
    /// What [`GuardConfig::validate`] says; then nothing has changed.
    pub fn reconfigure(&self, config: GuardConfig) -> Result<(), InvalidPolicy> {
        config.validate()?;
        self.memory().config = config;
        self.window_ns
            .store(config.window.as_nanos(), Ordering::Relaxed);
        Ok(())
    }

    /// Its configuration.
    #[must_use]
    pub fn config(&self) -> GuardConfig {
        self.memory().config
    }

    /// How the service and its callers are.
    #[must_use]
    pub fn state(&self) -> GuardState {
        self.memory().machine.state
    }

    /// Whether calls may be repeated: retried, hedged, queued again. If not, every budget for that
    /// is to be treated as spent.
    #[inline]
    #[must_use]
    pub fn repeats_allowed(&self) -> bool {
        !self.holds.load(Ordering::Relaxed)
    }

    /// The share of first attempts that is shed, 0 to 1.
    #[must_use]
    pub fn shed_share(&self) -> f64 {
        self.memory().machine.shed
    }

    /// What of first attempts is let in at present.
    #[must_use]
    pub fn level(&self) -> Level {
        Level::of_bits(self.level.load(Ordering::Relaxed))
    }

    fn look(&self, now: Timestamp) {
        let window = Duration::from_nanos(self.window_ns.load(Ordering::Relaxed));
        if self.tally.is_over(now, window) {
            self.turn(now, window);
        }
    }

    #[cold]
    fn turn(&self, now: Timestamp, window: Duration) {
        let mut moved = None;
        self.tally.close(
            now,
            window,
            || false,
            |counts| {
                let mut memory = self.memory();
                let before = memory.machine;
                let config = memory.config;
                let machine = &mut memory.machine;
                machine.turn(&self.counted(counts), &config);
                let counts = counts.map(f64::from);
                let total: f64 = counts.iter().sum();
                if machine.shed <= 0.0 {
                    self.level.store(Level::ALL.bits(), Ordering::Relaxed);
                } else if total >= 1.0 {
                    let level = Level::for_room(&counts, total * (1.0 - machine.shed));
                    self.level.store(level.bits(), Ordering::Relaxed);
                }
                let holds = machine.state == GuardState::Metastable;
                self.holds.store(holds, Ordering::Relaxed);
                moved = Some((before, *machine));
            },
        );
        let Some((before, after)) = moved else {
            return;
        };
        if before.state != after.state {
            self.source.emit(Self::KIND, || Change::State {
                from: before.state.as_str(),
                to: after.state.as_str(),
            });
        }
        if (before.shed - after.shed).abs() > f64::EPSILON {
            self.source.emit(Self::KIND, || Change::Level {
                what: "shed_share",
                from: before.shed,
                to: after.shed,
            });
        }
    }

    /// What was counted, and counts anew.
    fn counted(&self, counts: &[u32; RANKS]) -> Window {
        let take = |count: &AtomicU32| count.swap(0, Ordering::Relaxed);
        Window {
            requests: counts.iter().fold(0, |sum, n| sum.saturating_add(*n)),
            repeats: take(&self.repeats),
            good: take(&self.good),
            slow: take(&self.slow),
            failed: take(&self.failed),
            cancelled: take(&self.cancelled),
        }
    }

    #[cold]
    fn refused(&self, rejected: Rejected) -> Rejected {
        self.source.emit(Self::KIND, || Change::Rejected(rejected));
        rejected
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Evictable for MetastabilityGuard {
    fn is_idle(&self, now: Timestamp) -> bool {
        self.is_healthy(now)
    }

    fn is_healthy(&self, _now: Timestamp) -> bool {
        self.state() == GuardState::Stable
    }
}

impl Admission for MetastabilityGuard {
    type Token = ();

    const KIND: PolicyKind = PolicyKind::MetastabilityGuard;

    #[inline]
    fn try_acquire(&self, request: &RequestMeta, now: impl Now) -> Result<(), Rejected> {
        if request.attempt == 0 {
            self.tally.count(Level::rank(request));
        } else {
            self.repeats.fetch_add(1, Ordering::Relaxed);
        }
        if self.repeats_allowed() {
            return Ok(());
        }
        // If all is refused, nothing ends, and nobody else looks at the clock.
        self.look(now.now());
        if request.attempt > 0 && !self.repeats_allowed() {
            let rejected = Rejected::new(Self::KIND, Reason::BudgetExhausted);
            return Err(self.refused(rejected.for_good()));
        }
        if self.level().admits(request, || self.rng.next_u64()) {
            Ok(())
        } else {
            Err(self.refused(Rejected::new(Self::KIND, Reason::Shed).for_good()))
        }
    }

    #[inline]
    fn settle(&self, (): (), outcome: Outcome, now: impl Now) {
        let count = match outcome {
            // Work whose answer was a caller's own mistake was not in vain.
            Outcome::Success | Outcome::Ignored => &self.good,
            Outcome::Slow => &self.slow,
            Outcome::Failure => &self.failed,
        };
        count.fetch_add(1, Ordering::Relaxed);
        self.look(now.now());
    }

    #[inline]
    fn cancel(&self, (): ()) {
        self.cancelled.fetch_add(1, Ordering::Relaxed);
    }
}
