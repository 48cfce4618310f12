//! The words that every call reads and hardly any writes.

use std::time::Duration;

use super::config::CircuitBreakerConfig;
use super::rules::Rules;
use super::state::Word;
use super::window::calls_of;
use crate::policy::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use crate::policy::sync::atomic::{AtomicU32, AtomicU64};
use crate::time::Timestamp;
use crate::units::{Ratio, Span};

/// One cache line: the state, and the knobs that are read on the way of a call. They are written
/// when the state or the configuration changes, with the lock of the breaker held; only the
/// beginnings are also moved by calls that find the clock stepped back.
#[derive(Debug)]
pub(super) struct Hot {
    word: AtomicU64,
    slow_ns: AtomicU64,
    /// How long it stays open this time.
    wait_ns: AtomicU64,
    half_open_ns: AtomicU64,
    /// When it became open. Not the same word as the next: who still sees it open must not take
    /// the beginning of the trials for that of another wait.
    open_since_ns: AtomicU64,
    half_open_since_ns: AtomicU64,
    /// 0 for a window by time.
    window_calls: AtomicU32,
    failure_rate: AtomicU32,
    slow_call_rate: AtomicU32,
    minimum_calls: AtomicU32,
    success_rate: AtomicU32,
    permitted_calls: AtomicU32,
}

/// A share fits: it is at most a thousand million parts.
fn parts(ratio: Ratio) -> u32 {
    u32::try_from(ratio.parts_per_billion()).unwrap_or(u32::MAX)
}

impl Hot {
    pub(super) fn new(config: &CircuitBreakerConfig) -> Self {
        let hot = Self {
            word: AtomicU64::new(Word::FIRST.bits()),
            slow_ns: AtomicU64::new(0),
            wait_ns: AtomicU64::new(0),
            half_open_ns: AtomicU64::new(0),
            open_since_ns: AtomicU64::new(0),
            half_open_since_ns: AtomicU64::new(0),
            window_calls: AtomicU32::new(0),
            failure_rate: AtomicU32::new(0),
            slow_call_rate: AtomicU32::new(0),
            minimum_calls: AtomicU32::new(0),
            success_rate: AtomicU32::new(0),
            permitted_calls: AtomicU32::new(0),
        };
        hot.set(config);
        hot
    }

    pub(super) fn set(&self, config: &CircuitBreakerConfig) {
        let slow_ns = config.slow_call_duration.map_or(u64::MAX, Span::as_nanos);
        let half_open_ns = config.max_wait_in_half_open.as_nanos();
        self.slow_ns.store(slow_ns, Relaxed);
        self.half_open_ns.store(half_open_ns, Relaxed);
        self.window_calls
            .store(calls_of(config.sliding_window), Relaxed);
        for (word, value) in [
            (&self.failure_rate, parts(config.failure_rate_threshold)),
            (&self.slow_call_rate, parts(config.slow_call_rate_threshold)),
            (&self.minimum_calls, config.minimum_calls),
            (&self.success_rate, parts(config.half_open_success_rate)),
            (&self.permitted_calls, config.permitted_calls_in_half_open),
        ] {
            word.store(value, Relaxed);
        }
    }

    #[inline]
    pub(super) fn word(&self) -> Word {
        Word::from_bits(self.word.load(Acquire))
    }

    pub(super) fn publish(&self, word: Word) {
        self.word.store(word.bits(), Release);
    }

    /// From how long on a call is slow; `u64::MAX` where nobody measures.
    #[inline]
    pub(super) fn slow_ns(&self) -> u64 {
        self.slow_ns.load(Relaxed)
    }

    #[inline]
    pub(super) fn window_calls(&self) -> u32 {
        self.window_calls.load(Relaxed)
    }

    pub(super) fn rules(&self) -> Rules {
        let read = |word: &AtomicU32| u64::from(word.load(Relaxed));
        Rules {
            failure_rate: read(&self.failure_rate),
            slow_call_rate: read(&self.slow_call_rate),
            minimum_calls: read(&self.minimum_calls),
            success_rate: read(&self.success_rate),
            permitted_calls: read(&self.permitted_calls),
        }
    }

    /// It is open from now on, for `wait_ns`.
    pub(super) fn begin_open(&self, now: Timestamp, wait_ns: u64) {
        self.wait_ns.store(wait_ns, Relaxed);
        self.open_since_ns.store(now.as_nanos(), Relaxed);
    }

    /// It is half open from now on.
    pub(super) fn begin_half_open(&self, now: Timestamp) {
        self.half_open_since_ns.store(now.as_nanos(), Relaxed);
    }

    /// What is left of being open.
    pub(super) fn open_left(&self, now: Timestamp) -> Duration {
        left(&self.open_since_ns, now, self.wait_ns.load(Relaxed))
    }

    /// What is left of being half open.
    pub(super) fn half_open_left(&self, now: Timestamp) -> Duration {
        left(
            &self.half_open_since_ns,
            now,
            self.half_open_ns.load(Relaxed),
        )
    }

    /// It is open and has not been asked for as long again as it waits.
    pub(super) fn open_is_stale(&self, now: Timestamp) -> bool {
        stale(&self.open_since_ns, now, self.wait_ns.load(Relaxed))
    }

    /// It is half open and has not been asked for as long again as it waits.
    pub(super) fn half_open_is_stale(&self, now: Timestamp) -> bool {
        let since = &self.half_open_since_ns;
        stale(since, now, self.half_open_ns.load(Relaxed))
    }

    /// A half-open state without a trial begins anew; what it has left.
    pub(super) fn restart_half_open(&self, now: Timestamp) -> Duration {
        let since_ns = &self.half_open_since_ns;
        move_since(since_ns, since_ns.load(Relaxed), now.as_nanos());
        Duration::from_nanos(self.half_open_ns.load(Relaxed))
    }
}

fn stale(since_ns: &AtomicU64, now: Timestamp, wait_ns: u64) -> bool {
    let passed = now.as_nanos().saturating_sub(since_ns.load(Relaxed));
    passed >= wait_ns.saturating_mul(2)
}

/// What is left of `limit_ns`.
///
/// A clock that steps back by less than that counts as no time at all. Where it steps back by
/// more, the state begins anew: nobody stays open for as long as a clock was wrong.
fn left(since: &AtomicU64, now: Timestamp, limit_ns: u64) -> Duration {
    let since_ns = since.load(Relaxed);
    let now_ns = now.as_nanos();
    if since_ns.saturating_sub(now_ns) > limit_ns {
        move_since(since, since_ns, now_ns);
    }
    Duration::from_nanos(limit_ns.saturating_sub(now_ns.saturating_sub(since_ns)))
}

/// If others moved it meanwhile, that will do.
fn move_since(since: &AtomicU64, from_ns: u64, to_ns: u64) {
    since
        .compare_exchange(from_ns, to_ns, Relaxed, Relaxed)
        .ok();
}
