//! Chaos itself.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ninefold_core::policy::{Change, InvalidPolicy, PolicyKind, Reason, Rejected, Source};

use super::plan::{Plan, Then, plan};
use super::{ChaosConfig, Inject, NoOutcome};
use crate::Error;
#[cfg(feature = "tokio")]
use crate::clock::TokioTime;
use crate::clock::{DefaultTime, Time};

/// Injects faults, latency and answers. Clones share the configuration and the count of calls.
#[derive(Clone)]
pub struct Chaos<T = DefaultTime, O = NoOutcome> {
    shared: Arc<Shared>,
    time: T,
    outcome: O,
}

#[derive(Debug)]
struct Shared {
    enabled: AtomicBool,
    /// The number of the next call.
    next: AtomicU64,
    /// Looked at only while it is enabled.
    config: Mutex<ChaosConfig>,
    source: Source,
}

/// What chaos makes of one call.
pub(super) enum Fate<R> {
    /// It is made.
    Call,
    /// It is not.
    Answer(R),
}

#[cfg(feature = "tokio")]
impl Chaos {
    /// Chaos on tokio's timers.
    ///
    /// # Errors
    ///
    /// [`InvalidPolicy`] if the configuration makes no sense.
    pub fn new(config: ChaosConfig) -> Result<Self, InvalidPolicy> {
        Self::on(TokioTime, config)
    }
}

#[cfg(feature = "tokio")]
impl Default for Chaos {
    fn default() -> Self {
        Self {
            shared: Arc::new(Shared::new(ChaosConfig::default(), Source::default())),
            time: TokioTime,
            outcome: NoOutcome,
        }
    }
}

impl<T> Chaos<T> {
    /// Chaos on any timers.
    ///
    /// # Errors
    ///
    /// [`InvalidPolicy`] if the configuration makes no sense.
    pub fn on(time: T, config: ChaosConfig) -> Result<Self, InvalidPolicy> {
        config.validate()?;
        Ok(Self {
            shared: Arc::new(Shared::new(config, Source::default())),
            time,
            outcome: NoOutcome,
        })
    }
}

impl<T, O> Chaos<T, O> {
    /// The same on other timers, such as a [`VirtualTime`](crate::clock::VirtualTime) in tests.
    pub fn with_time<U>(self, time: U) -> Chaos<U, O> {
        Chaos {
            shared: self.shared,
            time,
            outcome: self.outcome,
        }
    }

    /// The same with answers for the calls that [`ChaosConfig::outcome`] draws, by their number:
    /// `Fn(u64) -> Result<T, E>`.
    pub fn with_outcome<P>(self, outcome: P) -> Chaos<T, P> {
        Chaos {
            shared: self.shared,
            time: self.time,
            outcome,
        }
    }

    /// The same with a name and a listener. Clones made before keep their own.
    #[must_use]
    pub fn with_source(self, source: Source) -> Self {
        let shared = Arc::new(Shared::new(self.config(), source));
        Self { shared, ..self }
    }

    /// The configuration as it is now.
    #[must_use]
    pub fn config(&self) -> ChaosConfig {
        *self.shared.lock()
    }

    /// Follows another configuration from now on. Calls are counted on, unless the seed is another.
    ///
    /// # Errors
    ///
    /// [`InvalidPolicy`] if it makes no sense; nothing is changed then.
    pub fn reconfigure(&self, config: ChaosConfig) -> Result<(), InvalidPolicy> {
        config.validate()?;
        let mut current = self.shared.lock();
        if current.seed != config.seed {
            self.shared.next.store(0, Ordering::Relaxed);
        }
        *current = config;
        drop(current);
        self.shared.enabled.store(config.enabled, Ordering::Relaxed);
        Ok(())
    }

    /// Switches injection on or off and leaves everything else as it is.
    pub fn enable(&self, enabled: bool) {
        self.shared.lock().enabled = enabled;
        self.shared.enabled.store(enabled, Ordering::Relaxed);
    }

    /// The plan for the next call and its number, if anything is to be done to it.
    pub(super) fn next(&self) -> Option<(Plan, u64)> {
        if !self.shared.enabled.load(Ordering::Relaxed) {
            return None;
        }
        // The number and the seed of one configuration.
        let config = self.shared.lock();
        let number = self.shared.next.fetch_add(1, Ordering::Relaxed);
        let plan = plan(&config, number);
        drop(config);
        (plan.delay.is_some() || plan.then != Then::Call).then_some((plan, number))
    }

    /// What becomes of the call `number` after its delay. Tells what is injected.
    pub(super) fn fate<R, E>(&self, plan: Plan, number: u64) -> Fate<Result<R, E>>
    where
        O: Inject<R, E>,
        E: From<Rejected>,
    {
        if plan.delay.is_some() {
            self.shared.emit("latency");
        }
        match plan.then {
            Then::Call => Fate::Call,
            Then::Fault => {
                self.shared.emit("fault");
                Fate::Answer(Err(
                    Rejected::new(PolicyKind::Chaos, Reason::Injected).into()
                ))
            }
            Then::Outcome => match self.outcome.outcome(number) {
                None => Fate::Call,
                Some(answer) => {
                    self.shared.emit("outcome");
                    Fate::Answer(answer)
                }
            },
        }
    }
}

impl<T: Time, O> Chaos<T, O> {
    /// Calls, or does something else to whoever called.
    ///
    /// # Errors
    ///
    /// [`Error::Rejected`] with [`Reason::Injected`] for a fault that was injected,
    /// [`Error::Service`] if the call failed or such an answer was injected.
    pub async fn call<R, E, F>(&self, call: impl FnOnce() -> F) -> Result<R, Error<E>>
    where
        F: Future<Output = Result<R, E>>,
        O: Inject<R, Error<E>>,
    {
        match self.disturb().await {
            Some(answer) => answer,
            None => call().await.map_err(Error::Service),
        }
    }

    /// Delays the next call and says what it is answered instead of being made.
    pub(crate) async fn disturb<R, E>(&self) -> Option<Result<R, E>>
    where
        O: Inject<R, E>,
        E: From<Rejected>,
    {
        let (plan, number) = self.next()?;
        let fate = self.fate(plan, number);
        if let Some(delay) = plan.delay {
            self.time.sleep_until(self.time.now() + delay).await;
        }
        match fate {
            Fate::Call => None,
            Fate::Answer(answer) => Some(answer),
        }
    }

    #[cfg(feature = "tower")]
    pub(super) fn sleep(&self, plan: Plan) -> Option<T::Sleep> {
        let delay = plan.delay?;
        Some(self.time.sleep_until(self.time.now() + delay))
    }
}

impl Shared {
    const fn new(config: ChaosConfig, source: Source) -> Self {
        Self {
            enabled: AtomicBool::new(config.enabled),
            next: AtomicU64::new(0),
            config: Mutex::new(config),
            source,
        }
    }

    fn emit(&self, what: &'static str) {
        self.source
            .emit(PolicyKind::Chaos, || Change::Injected(what));
    }

    fn lock(&self) -> MutexGuard<'_, ChaosConfig> {
        self.config.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T, O> fmt::Debug for Chaos<T, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chaos")
            .field("shared", &self.shared)
            .finish_non_exhaustive()
    }
}
