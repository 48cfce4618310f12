//! The share to refuse, by a controller on the delay of the queue.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::super::control::Pid;
use super::super::level::{Level, RANKS, Tally};
use super::super::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use super::super::{Change, PolicyKind, RequestMeta, Source};
use super::{PidConfig, Shedding};
use crate::rng::SharedRng;
use crate::time::{Timestamp, nanos};

/// An error beyond this is not taken for more: a queue that exploded says no more than one that
/// grows.
const ERROR_MAX: f64 = 2.0;

/// For about how long it is remembered who came, in seconds.
const MEMORY_S: f64 = 1.0;

/// Seed of the draws within a rank.
const SEED: u64 = 0x5ed;

#[derive(Debug)]
pub(super) struct Steering {
    on: AtomicBool,
    level: AtomicU32,
    tally: Tally<RANKS>,
    memory: Mutex<Memory>,
    rng: SharedRng,
}

#[derive(Debug)]
struct Memory {
    config: PidConfig,
    pid: Pid,
    share: f64,
    /// Who came of late.
    seen: [f64; RANKS],
}

impl Steering {
    pub(super) fn new(shedding: Shedding) -> Self {
        let config = match shedding {
            Shedding::Pid(config) => Some(config),
            Shedding::Codel(_) => None,
        };
        Self {
            on: AtomicBool::new(config.is_some()),
            level: AtomicU32::new(Level::ALL.bits()),
            tally: Tally::default(),
            memory: Mutex::new(Memory {
                config: config.unwrap_or_default(),
                pid: Pid::new(0.0),
                share: 0.0,
                seen: [0.0; RANKS],
            }),
            rng: SharedRng::new(SEED),
        }
    }

    pub(super) fn adopt(&self, shedding: Shedding) {
        match shedding {
            Shedding::Pid(config) => {
                self.memory().config = config;
                self.on.store(true, Ordering::Relaxed);
            }
            Shedding::Codel(_) => {
                self.on.store(false, Ordering::Relaxed);
                let mut memory = self.memory();
                memory.pid = Pid::new(0.0);
                memory.share = 0.0;
                self.level.store(Level::ALL.bits(), Ordering::Relaxed);
            }
        }
    }

    pub(super) fn level(&self) -> Level {
        Level::of_bits(self.level.load(Ordering::Relaxed))
    }

    pub(super) fn share(&self) -> f64 {
        self.memory().share
    }

    /// Counts a call, and says whether it may go on.
    #[inline]
    pub(super) fn admits(&self, request: &RequestMeta) -> bool {
        if !self.on.load(Ordering::Relaxed) {
            return true;
        }
        self.tally.count(Level::rank(request));
        self.level().admits(request, || self.rng.next_u64())
    }

    /// Whether something is refused at present, so that the way back needs time to be looked at.
    #[inline]
    pub(super) fn refuses(&self) -> bool {
        self.level.load(Ordering::Relaxed) != Level::ALL.bits()
    }

    /// The queue delays by `delay`. Acts once a period.
    pub(super) fn observe(&self, delay: Duration, now: Timestamp, source: &Source) {
        if !self.on.load(Ordering::Relaxed) {
            return;
        }
        let period = self.memory().config.period.0;
        if !self.tally.is_over(now, period) {
            return;
        }
        let mut moved = None;
        self.tally.close(
            now,
            period,
            || false,
            |counts| {
                let mut memory = self.memory();
                let before = memory.share;
                let level = memory.act(delay, counts);
                self.level.store(level.bits(), Ordering::Relaxed);
                moved = Some((before, memory.share));
            },
        );
        if let Some((from, to)) = moved.filter(|(from, to)| (from - to).abs() > f64::EPSILON) {
            source.emit(PolicyKind::LoadShedder, || Change::Level {
                what: "shed_share",
                from,
                to,
            });
        }
    }

    fn memory(&self) -> std::sync::MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Memory {
    #[expect(
        clippy::cast_precision_loss,
        reason = "nanoseconds of a delay, relative to the target"
    )]
    fn act(&mut self, delay: Duration, counts: &[u32; RANKS]) -> Level {
        let kept = (1.0 - self.config.period.0.as_secs_f64() / MEMORY_S).max(0.5);
        for (seen, count) in self.seen.iter_mut().zip(counts) {
            *seen = seen.mul_add(kept, f64::from(*count));
        }
        let target = nanos(self.config.target.0).max(1) as f64;
        let error = (nanos(delay) as f64 / target - 1.0).min(ERROR_MAX);
        // The logarithm of what is let in: a step is then the same part of it at any overload.
        let most = -(1.0 - self.config.max_shed.as_f64()).ln();
        let cut = self.pid.step(&self.config.gains, error, 0.0, most);
        self.share = -(-cut).exp_m1();
        let total: f64 = self.seen.iter().sum();
        Level::for_room(&self.seen, total * (1.0 - self.share))
    }
}
