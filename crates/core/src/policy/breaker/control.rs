//! The changes of state, and the levers. They are rare and take the lock; listeners are told when
//! it is free again.

use std::sync::PoisonError;
use std::time::Duration;

use super::circuit_breaker::CircuitBreaker;
use super::config::CircuitBreakerConfig;
use super::state::{State, Word};
use crate::policy::sync::MutexGuard;
use crate::policy::{Change, InvalidPolicy, PolicyKind};
use crate::rng::Rng;
use crate::time::Timestamp;

/// What only changes of state look at.
#[derive(Debug)]
pub(super) struct Control {
    config: CircuitBreakerConfig,
    /// How often in a row the trials failed; whatever trips begins anew.
    reopened: i32,
}

impl Control {
    pub(super) const fn new(config: CircuitBreakerConfig) -> Self {
        Self {
            config,
            reopened: 0,
        }
    }

    pub(super) const fn reopened(&self) -> i32 {
        self.reopened
    }

    /// Another one had opened so often in a row, and has so long left. Says how much of it may be.
    pub(super) fn resume(&mut self, left: Duration, reopened: u32) -> Duration {
        self.reopened = i32::try_from(reopened).unwrap_or(i32::MAX);
        left.min(self.config.open_wait_max.0)
    }

    /// How long it stays open this time.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        clippy::cast_sign_loss,
        reason = "never negative, saturates, and a wait may be off by its 2^-53"
    )]
    fn wait_ns(&self, mut rng: Rng) -> u64 {
        let first = self.config.open_wait.as_nanos() as f64;
        let grown = first * self.config.open_wait_factor.powi(self.reopened);
        let wait = grown.min(self.config.open_wait_max.as_nanos() as f64);
        let shortened = wait * (1.0 - self.config.open_wait_jitter.as_f64() * rng.unit());
        (shortened as u64).max(1)
    }
}

impl CircuitBreaker {
    /// The configuration.
    #[must_use]
    pub fn config(&self) -> CircuitBreakerConfig {
        self.control().config.clone()
    }

    /// Closed → open: the window says so. Where only metrics are wanted nothing follows.
    #[cold]
    pub(super) fn trip(&self, from: Word, now: Timestamp) {
        if from.is_closed() {
            self.open(from, now, |_| 0);
        }
    }

    /// Half open → open: the trials say so.
    pub(super) fn reopen(&self, from: Word, now: Timestamp) {
        self.open(from, now, |reopened| reopened.saturating_add(1));
    }

    fn open(&self, from: Word, now: Timestamp, reopened: impl FnOnce(i32) -> i32) {
        self.shift(from, State::Open, |control, _| {
            control.reopened = reopened(control.reopened);
            let rng = Rng::new(self.seed ^ now.as_nanos());
            self.hot.begin_open(now, control.wait_ns(rng));
        });
    }

    /// Open → half open: the wait is over. The caller has the first place.
    pub(super) fn half_open(&self, from: Word, now: Timestamp) -> Option<Word> {
        self.shift(from, State::HalfOpen, |_, word| {
            self.trials.begin(word.generation());
            self.hot.begin_half_open(now);
        })
    }

    /// Half open → closed: the trials say so.
    pub(super) fn close(&self, from: Word) {
        self.shift(from, State::Closed, |_, _| {});
    }

    /// Refuses every call until another lever is pulled.
    pub fn force_open(&self) {
        self.pull(State::ForcedOpen, false);
    }

    /// Closes it, whatever it was, with an empty window and the first wait again. A breaker that is
    /// closed stays as it is.
    pub fn force_close(&self) {
        self.pull(State::Closed, false);
    }

    /// Admits every call and counts none, until another lever is pulled.
    pub fn disable(&self) {
        self.pull(State::Disabled, false);
    }

    /// Admits every call and counts it, but does nothing about it, until another lever is pulled.
    pub fn metrics_only(&self) {
        self.pull(State::MetricsOnly, false);
    }

    /// As new: closed, with an empty window and the first wait again, also if it was closed before.
    pub fn reset(&self) {
        self.pull(State::Closed, true);
    }

    fn pull(&self, to: State, anew: bool) {
        let from = {
            let _held = self.control();
            let from = self.hot.word();
            if from.state() == to && !anew {
                return;
            }
            self.publish(from.next(to));
            from.state()
        };
        self.tell(from, to);
    }

    /// Changes the state, if it still is `from`. Whoever loses the race gets `None`.
    fn shift(
        &self,
        from: Word,
        to: State,
        prepare: impl FnOnce(&mut Control, Word),
    ) -> Option<Word> {
        let next = {
            let mut control = self.control();
            if self.hot.word() != from {
                return None;
            }
            let next = from.next(to);
            prepare(&mut control, next);
            self.publish(next);
            next
        };
        self.tell(from.state(), to);
        Some(next)
    }

    /// Empties the window, then lets calls see the new generation.
    pub(super) fn publish(&self, word: Word) {
        self.window.count.begin(word.generation());
        self.hot.publish(word);
    }

    fn tell(&self, from: State, to: State) {
        if from != to {
            self.source
                .emit(PolicyKind::CircuitBreaker, || Change::State {
                    from: from.as_str(),
                    to: to.as_str(),
                });
        }
    }

    /// Takes another configuration, and keeps the state, the trials, the current wait and what the
    /// window holds: of a window that becomes smaller the latest results, of one that changes its
    /// kind none. Where the window changes its size, calls under way are not counted.
    ///
    /// # Errors
    ///
    /// [`InvalidPolicy`] if it makes no sense; then nothing has changed.
    pub fn reconfigure(&self, config: CircuitBreakerConfig) -> Result<(), InvalidPolicy> {
        config.validate()?;
        let mut control = self.control();
        let (from, to) = (control.config.sliding_window, config.sliding_window);
        let word = self.hot.word();
        if from == to {
            self.hot.set(&config);
            self.window.look_again();
        } else {
            // Another generation, so that calls that still count in the old layout are found out.
            // In a state that counts nothing there are none, and the trials keep theirs.
            let counts = matches!(word.state(), State::Closed | State::MetricsOnly);
            let next = if counts {
                word.next(word.state())
            } else {
                word
            };
            self.window
                .relay((from, word.generation()), (to, next.generation()));
            self.hot.set(&config);
            self.hot.publish(next);
        }
        control.config = config;
        drop(control);
        Ok(())
    }

    /// The lock. A panic of another holder cannot leave it half changed in a way that matters:
    /// nothing but arithmetic happens under it.
    pub(super) fn control(&self) -> MutexGuard<'_, Control> {
        self.control.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
