//! The prioritizer itself.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::super::level::{Level, RANKS, Tally};
use super::super::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use super::super::{
    Admission, Change, Evictable, InvalidPolicy, Now, Outcome, PolicyKind, Reason, Rejected,
    RequestMeta, Source,
};
use super::PrioritizerConfig;
use super::streak::Streak;
use crate::rng::SharedRng;
use crate::time::{Timestamp, nanos};

/// Seed of the draws within a rank.
const SEED: u64 = 0xda90;

/// Under overload, the important and always the same users first. See the [module](super).
#[derive(Debug)]
pub struct Prioritizer {
    level: AtomicU32,
    tally: Tally<RANKS>,
    /// Requests begun in this window, and their time in the queue, in nanoseconds.
    begun: AtomicU32,
    queued_ns: AtomicU64,
    streak: AtomicU32,
    window_ns: AtomicU64,
    window_requests: AtomicU32,
    config: Mutex<PrioritizerConfig>,
    rng: SharedRng,
    source: Source,
}

impl Default for Prioritizer {
    fn default() -> Self {
        Self::checked(PrioritizerConfig::default())
    }
}

impl Prioritizer {
    /// A prioritizer that lets all in.
    ///
    /// # Errors
    ///
    /// What [`PrioritizerConfig::validate`] says.
    pub fn new(config: PrioritizerConfig) -> Result<Self, InvalidPolicy> {
        config.validate()?;
        Ok(Self::checked(config))
    }

    fn checked(config: PrioritizerConfig) -> Self {
        Self {
            level: AtomicU32::new(Level::ALL.bits()),
            tally: Tally::default(),
            begun: AtomicU32::new(0),
            queued_ns: AtomicU64::new(0),
            streak: AtomicU32::new(Streak::default().bits()),
            window_ns: AtomicU64::new(config.window.as_nanos()),
            window_requests: AtomicU32::new(config.window_requests),
            config: Mutex::new(config),
            rng: SharedRng::new(SEED),
            source: Source::default(),
        }
    }

    /// The same, with a name and a listener.
    #[must_use]
    pub fn with_source(self, source: Source) -> Self {
        Self { source, ..self }
    }

    /// The same, with draws within a rank that follow from `seed`.
    #[must_use]
    pub fn with_seed(self, seed: u64) -> Self {
        Self {
            rng: SharedRng::new(seed),
            ..self
        }
    }

    /// Takes another configuration, and keeps the level.
    ///
    /// # Errors
    ///
    /// What [`PrioritizerConfig::validate`] says; then nothing has changed.
    pub fn reconfigure(&self, config: PrioritizerConfig) -> Result<(), InvalidPolicy> {
        config.validate()?;
        *self.config.lock().unwrap_or_else(PoisonError::into_inner) = config;
        self.window_ns
            .store(config.window.as_nanos(), Ordering::Relaxed);
        self.window_requests
            .store(config.window_requests, Ordering::Relaxed);
        Ok(())
    }

    /// Its configuration.
    #[must_use]
    pub fn config(&self) -> PrioritizerConfig {
        *self.config.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is let in at present; to be sent to callers with every answer.
    #[must_use]
    pub fn level(&self) -> Level {
        Level::of_bits(self.level.load(Ordering::Relaxed))
    }

    /// Work on a request began at `now`, after it had `queued` since it arrived.
    pub fn observe(&self, queued: Duration, now: Timestamp) {
        self.queued_ns.fetch_add(nanos(queued), Ordering::Relaxed);
        self.begun.fetch_add(1, Ordering::Relaxed);
        if self.is_full() || self.tally.is_over(now, self.window()) {
            self.close(now);
        }
    }

    /// Whether enough has begun to end the window early.
    fn is_full(&self) -> bool {
        self.begun.load(Ordering::Relaxed) >= self.window_requests.load(Ordering::Relaxed)
    }

    fn window(&self) -> Duration {
        Duration::from_nanos(self.window_ns.load(Ordering::Relaxed))
    }

    #[cold]
    fn close(&self, now: Timestamp) {
        let mut moved = None;
        let window = self.window();
        self.tally.close(
            now,
            window,
            || self.is_full(),
            |counts| {
                let begun = self.begun.swap(0, Ordering::Relaxed);
                let queued = self.queued_ns.swap(0, Ordering::Relaxed);
                let config = self.config();
                let average = Duration::from_nanos(queued / u64::from(begun.max(1)));
                let streak = Streak::of_bits(self.streak.load(Ordering::Relaxed))
                    .and(average > config.queueing_max.0);
                self.streak.store(streak.bits(), Ordering::Relaxed);
                let before = self.level();
                let after = adjust(before, counts, begun, streak, &config);
                self.level.store(after.bits(), Ordering::Relaxed);
                moved = (before != after).then_some((before, after));
            },
        );
        if let Some((from, to)) = moved {
            self.source.emit(Self::KIND, || Change::Level {
                what: "level",
                from: from.as_f64(),
                to: to.as_f64(),
            });
        }
    }

    #[cold]
    fn refused(&self) -> Rejected {
        let rejected = Rejected::new(Self::KIND, Reason::Shed);
        self.source.emit(Self::KIND, || Change::Rejected(rejected));
        rejected
    }
}

/// The level for the next window, from what came in this one, and how much of it was begun.
pub(super) fn adjust(
    level: Level,
    counts: &[u32; RANKS],
    begun: u32,
    streak: Streak,
    config: &PrioritizerConfig,
) -> Level {
    let counts = counts.map(f64::from);
    let admitted = level.admitted_of(&counts);
    if streak.is_overload() {
        if counts.iter().sum::<f64>() < 1.0 {
            return level;
        }
        let room = admitted * (1.0 - config.decrease.as_f64());
        return Level::for_room(&counts, streak.bound(room, admitted, begun));
    }
    if level == Level::ALL {
        return level;
    }
    // One more at least, or little traffic would never be let in again.
    let more = (admitted * streak.increase(config)).max(1.0);
    Level::for_room(&counts, admitted + more)
}

impl Evictable for Prioritizer {
    fn is_idle(&self, _now: Timestamp) -> bool {
        self.level() == Level::ALL
    }

    fn is_healthy(&self, _now: Timestamp) -> bool {
        self.level() == Level::ALL
    }
}

impl Admission for Prioritizer {
    type Token = ();

    const KIND: PolicyKind = PolicyKind::Prioritizer;

    #[inline]
    fn try_acquire(&self, request: &RequestMeta, now: impl Now) -> Result<(), Rejected> {
        self.tally.count(Level::rank(request));
        let level = self.level();
        if level == Level::ALL {
            return Ok(());
        }
        // If all is refused, nothing begins, and nobody else looks at the clock.
        let now = now.now();
        if self.tally.is_over(now, self.window()) {
            self.close(now);
        }
        if level.admits(request, || self.rng.next_u64()) {
            Ok(())
        } else {
            Err(self.refused())
        }
    }

    #[inline]
    fn settle(&self, (): (), _: Outcome, _: impl Now) {}

    #[inline]
    fn cancel(&self, (): ()) {}
}
