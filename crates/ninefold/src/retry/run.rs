//! The policy, and the loop around a call.

use std::fmt;
use std::pin::Pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use ninefold_core::policy::{
    Advice, Change, InvalidPolicy, PolicyKind, Progress, Repeat, RequestMeta, RetryBudget,
    RetryConfig, Source, Stop,
};
use ninefold_core::rng::SharedRng;

use super::rule::LastError;
use super::{ByError, RetryRule};
use crate::Error;
#[cfg(feature = "tokio")]
use crate::clock::TokioTime;
use crate::clock::{DefaultTime, Time};

/// What is shared by all clones and services of one retry.
struct Shared {
    config: RwLock<RetryConfig>,
    /// Of the configuration, for those who ask at each attempt.
    max_attempts: AtomicU32,
    budget: Arc<RetryBudget>,
    source: Source,
    rng: SharedRng,
}

/// Tries again, within reason. Clones share one configuration and one budget.
pub struct Retry<T = DefaultTime, R = ByError> {
    pub(super) time: T,
    pub(super) rule: R,
    shared: Arc<Shared>,
}

#[cfg(feature = "tokio")]
impl Retry {
    /// On tokio's timers, with a budget of its own.
    ///
    /// # Errors
    ///
    /// [`InvalidPolicy`] if the configuration makes no sense.
    pub fn new(config: RetryConfig) -> Result<Self, InvalidPolicy> {
        Self::on(TokioTime, config)
    }
}

#[cfg(feature = "tokio")]
impl Default for Retry {
    fn default() -> Self {
        Self::build(RetryConfig::default(), TokioTime)
    }
}

impl<T: Time> Retry<T> {
    /// On other timers, with a budget of its own.
    ///
    /// # Errors
    ///
    /// [`InvalidPolicy`] if the configuration makes no sense.
    pub fn on(time: T, config: RetryConfig) -> Result<Self, InvalidPolicy> {
        config.validate()?;
        Ok(Self::build(config, time))
    }

    fn build(config: RetryConfig, time: T) -> Self {
        let seed = time.now().as_nanos();
        Self {
            time,
            rule: ByError,
            shared: Arc::new(Shared {
                max_attempts: AtomicU32::new(config.max_attempts),
                config: RwLock::new(config),
                budget: Arc::default(),
                source: Source::default(),
                rng: SharedRng::new(seed),
            }),
        }
    }
}

impl<T, R> Retry<T, R> {
    /// With the budget of a dependency, shared with its hedge and its other retries.
    #[must_use]
    pub fn with_budget(self, budget: Arc<RetryBudget>) -> Self {
        self.rebuilt(|shared| Shared { budget, ..shared })
    }

    /// With a name and a listener.
    #[must_use]
    pub fn with_source(self, source: Source) -> Self {
        self.rebuilt(|shared| Shared { source, ..shared })
    }

    /// With a seed for its jitter, so that a test can be repeated.
    #[must_use]
    pub fn with_seed(self, seed: u64) -> Self {
        self.rebuilt(|shared| Shared {
            rng: SharedRng::new(seed),
            ..shared
        })
    }

    /// On other timers.
    pub fn with_time<U>(self, time: U) -> Retry<U, R> {
        Retry {
            time,
            rule: self.rule,
            shared: self.shared,
        }
    }

    /// With another idea of what may end differently another time.
    pub fn with_rule<Q>(self, rule: Q) -> Retry<T, Q> {
        Retry {
            time: self.time,
            rule,
            shared: self.shared,
        }
    }

    /// The budget.
    #[must_use]
    pub fn budget(&self) -> &Arc<RetryBudget> {
        &self.shared.budget
    }

    /// The configuration.
    #[must_use]
    pub fn config(&self) -> RetryConfig {
        *self
            .shared
            .config
            .read()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Another configuration from the next decision on, for all clones.
    ///
    /// # Errors
    ///
    /// [`InvalidPolicy`] if it makes no sense; then nothing changes.
    pub fn reconfigure(&self, config: RetryConfig) -> Result<(), InvalidPolicy> {
        config.validate()?;
        let shared = &self.shared;
        let mut current = shared
            .config
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        *current = config;
        shared
            .max_attempts
            .store(config.max_attempts, Ordering::Relaxed);
        Ok(())
    }

    /// Before it is shared, a part is exchanged. What was shared already keeps the old one.
    fn rebuilt(self, change: impl FnOnce(Shared) -> Shared) -> Self {
        let config = self.config();
        let shared = Arc::try_unwrap(self.shared).unwrap_or_else(|shared| Shared {
            config: RwLock::new(config),
            max_attempts: AtomicU32::new(config.max_attempts),
            budget: Arc::clone(&shared.budget),
            source: shared.source.clone(),
            rng: SharedRng::new(shared.rng.next_u64()),
        });
        Self {
            shared: Arc::new(change(shared)),
            ..self
        }
    }
}

impl<T: Time, R> Retry<T, R> {
    /// Calls, and again where that makes sense. `call` is given the number of the attempt, from 0.
    ///
    /// # Errors
    ///
    /// The error of the last attempt, or, if that was refused within, of the last that was made.
    pub async fn call<V, E, F>(
        &self,
        repeat: Repeat,
        mut call: impl FnMut(u32) -> F,
    ) -> Result<V, Error<E>>
    where
        F: Future<Output = Result<V, E>>,
        R: RetryRule<V, Error<E>>,
    {
        // Not by `run`: a future within a future would cost more than the policy.
        let mut progress = self.begin(&RequestMeta::default(), repeat);
        let mut last = LastError::none();
        loop {
            let result = call(progress.repetitions).await.map_err(Error::Service);
            match self.pause(result.as_ref(), &mut progress) {
                Some(pause) => {
                    last.keep(result, &self.rule);
                    pause.await;
                }
                None => return last.or(result, &self.rule),
            }
        }
    }

    /// As [`Retry::call`], with a deadline, and around a call that may already fail by other
    /// policies.
    ///
    /// # Errors
    ///
    /// The error of the last attempt, or, if that was refused within, of the last that was made.
    pub async fn run<V, X, F>(
        &self,
        request: &RequestMeta,
        repeat: Repeat,
        mut call: impl FnMut(u32) -> F,
    ) -> Result<V, X>
    where
        F: Future<Output = Result<V, X>>,
        R: RetryRule<V, X>,
    {
        let mut progress = self.begin(request, repeat);
        let mut last = LastError::none();
        loop {
            let result = call(progress.repetitions).await;
            match self.pause(result.as_ref(), &mut progress) {
                Some(pause) => {
                    last.keep(result, &self.rule);
                    pause.await;
                }
                None => return last.or(result, &self.rule),
            }
        }
    }

    /// The pause before the next attempt, if there is one.
    #[inline]
    fn pause<V, X>(
        &self,
        result: Result<&V, &X>,
        progress: &mut Progress,
    ) -> Option<Pin<Box<T::Sleep>>>
    where
        R: RetryRule<V, X>,
    {
        match self.rule.advise(result) {
            Advice::Accept => None,
            advice @ Advice::Again { .. } => self.wait(advice, progress),
        }
    }

    /// The wait in a box: few calls ever wait, and its place in all others would cost them more than
    /// the box costs those.
    #[cold]
    pub(super) fn wait(
        &self,
        advice: Advice,
        progress: &mut Progress,
    ) -> Option<Pin<Box<T::Sleep>>> {
        let wait = self.next(advice, progress).ok()?;
        Some(Box::pin(self.time.sleep_until(self.time.now() + wait)))
    }

    /// Counts a first attempt.
    #[inline]
    pub(super) fn begin(&self, request: &RequestMeta, repeat: Repeat) -> Progress {
        self.shared.budget.deposit(&self.time);
        Progress {
            repeat,
            deadline: request.deadline,
            ..Progress::default()
        }
    }

    /// The wait before the next attempt, which `progress` then counts.
    fn next(&self, advice: Advice, progress: &mut Progress) -> Result<Duration, Stop> {
        let (now, mut rng) = (self.time.now(), self.shared.rng.fork());
        let budget = Some(&*self.shared.budget);
        let wait = self
            .config()
            .next(advice, progress, now, budget, &mut rng)?;
        progress.repetitions += 1;
        progress.waited = Some(wait);
        self.shared
            .source
            .emit(PolicyKind::Retry, || Change::Attempt(progress.repetitions));
        Ok(wait)
    }

    /// Whether another attempt could follow, so that the request must be kept.
    #[cfg(feature = "tower")]
    pub(super) fn may_repeat(&self, progress: &Progress) -> bool {
        progress.may_go_on(self.shared.max_attempts.load(Ordering::Relaxed))
    }
}

impl<T: Clone, R: Clone> Clone for Retry<T, R> {
    fn clone(&self) -> Self {
        Self {
            time: self.time.clone(),
            rule: self.rule.clone(),
            shared: Arc::clone(&self.shared),
        }
    }
}

impl<T: fmt::Debug, R: fmt::Debug> fmt::Debug for Retry<T, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Retry")
            .field("config", &self.config())
            .field("budget", &self.shared.budget)
            .field("time", &self.time)
            .field("rule", &self.rule)
            .finish_non_exhaustive()
    }
}
