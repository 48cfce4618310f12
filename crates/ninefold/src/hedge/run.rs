//! The policy, and the race around a call.

use std::fmt;
use std::sync::Arc;

use ninefold_core::policy::classify::{ByResult, Classify};
use ninefold_core::policy::{
    Change, HedgeConfig, HedgePolicy, InvalidPolicy, PolicyKind, Repeat, RequestMeta, RetryBudget,
    Source,
};

use super::race::Race;
#[cfg(feature = "tokio")]
use crate::clock::TokioTime;
use crate::clock::{DefaultTime, Time};
use crate::retry::Retry;
use crate::{ByError, Error};

/// What is shared by all clones and services of one hedge.
pub(super) struct Shared {
    pub(super) policy: HedgePolicy,
    pub(super) budget: Arc<RetryBudget>,
    /// Whether first attempts are counted here, and not by a retry around.
    deposits: bool,
    source: Source,
}

impl Shared {
    pub(super) fn hedged(&self, number: u32) {
        self.source
            .emit(PolicyKind::Hedge, || Change::Attempt(number));
    }
}

/// Asks a second one when the first is slow. Clones share what they know.
pub struct Hedge<T = DefaultTime, K = ByResult> {
    pub(super) time: T,
    pub(super) classify: K,
    pub(super) shared: Arc<Shared>,
}

#[cfg(feature = "tokio")]
impl Hedge {
    /// On tokio's timers, with a budget of its own.
    ///
    /// # Errors
    ///
    /// [`InvalidPolicy`] if the configuration makes no sense.
    pub fn new(config: HedgeConfig) -> Result<Self, InvalidPolicy> {
        Self::on(TokioTime, config)
    }
}

#[cfg(feature = "tokio")]
impl Default for Hedge {
    fn default() -> Self {
        Self::build(HedgePolicy::default(), TokioTime)
    }
}

impl<T: Time> Hedge<T> {
    /// On other timers, with a budget of its own.
    ///
    /// # Errors
    ///
    /// [`InvalidPolicy`] if the configuration makes no sense.
    pub fn on(time: T, config: HedgeConfig) -> Result<Self, InvalidPolicy> {
        Ok(Self::build(HedgePolicy::new(config)?, time))
    }

    fn build(policy: HedgePolicy, time: T) -> Self {
        Self {
            time,
            classify: ByResult,
            shared: Arc::new(Shared {
                policy,
                budget: Arc::default(),
                deposits: true,
                source: Source::default(),
            }),
        }
    }
}

impl<T, K> Hedge<T, K> {
    /// With the budget of a dependency, for a hedge that no retry stands around.
    ///
    /// Before it is shared: what was learnt stays with the clones.
    #[must_use]
    pub fn with_budget(self, budget: Arc<RetryBudget>) -> Self {
        self.rebuilt(|shared| Shared {
            budget,
            deposits: true,
            ..shared
        })
    }

    /// With the budget of the retry that stands around it, which counts the first attempts.
    #[must_use]
    pub fn within<U, R>(self, retry: &Retry<U, R>) -> Self {
        let budget = Arc::clone(retry.budget());
        self.rebuilt(|shared| Shared {
            budget,
            deposits: false,
            ..shared
        })
    }

    /// With a name and a listener.
    #[must_use]
    pub fn with_source(self, source: Source) -> Self {
        self.rebuilt(|shared| Shared { source, ..shared })
    }

    /// On other timers.
    pub fn with_time<U>(self, time: U) -> Hedge<U, K> {
        Hedge {
            time,
            classify: self.classify,
            shared: self.shared,
        }
    }

    /// With another idea of what a failure is, which does not win a race.
    pub fn with_classify<L>(self, classify: L) -> Hedge<T, L> {
        Hedge {
            time: self.time,
            classify,
            shared: self.shared,
        }
    }

    /// The same hedge, around calls that other policies guard as well.
    pub fn by_error(self) -> Hedge<T, ByError<K>> {
        Hedge {
            time: self.time,
            classify: ByError(self.classify),
            shared: self.shared,
        }
    }

    /// The policy: its configuration and what it has learnt.
    #[must_use]
    pub fn policy(&self) -> &HedgePolicy {
        &self.shared.policy
    }

    /// The budget.
    #[must_use]
    pub fn budget(&self) -> &Arc<RetryBudget> {
        &self.shared.budget
    }

    fn rebuilt(self, change: impl FnOnce(Shared) -> Shared) -> Self {
        let shared = Arc::try_unwrap(self.shared).unwrap_or_else(|shared| Shared {
            policy: HedgePolicy::new(shared.policy.config()).unwrap_or_default(),
            budget: Arc::clone(&shared.budget),
            deposits: shared.deposits,
            source: shared.source.clone(),
        });
        Self {
            shared: Arc::new(change(shared)),
            ..self
        }
    }
}

impl<T: Time, K> Hedge<T, K> {
    /// Calls, and once more if that is slow. `call` is given the number of the attempt, from 0.
    ///
    /// # Errors
    ///
    /// The error of the last attempt that failed, if none succeeded.
    pub async fn call<V, E, F>(
        &self,
        repeat: Repeat,
        call: impl FnMut(u32) -> F,
    ) -> Result<V, Error<E>>
    where
        F: Future<Output = Result<V, E>>,
        K: Classify<V, E> + Clone,
    {
        let result = self.run(&RequestMeta::default(), repeat, call).await;
        result.map_err(Error::Service)
    }

    /// As [`Hedge::call`], around a call that may already fail by other policies.
    ///
    /// # Errors
    ///
    /// The error of the last attempt that failed, if none succeeded.
    pub async fn run<V, X, F>(
        &self,
        request: &RequestMeta,
        repeat: Repeat,
        mut call: impl FnMut(u32) -> F,
    ) -> Result<V, X>
    where
        F: Future<Output = Result<V, X>>,
        K: Classify<V, X> + Clone,
    {
        self.begin(request);
        let first = call(0);
        let start = (repeat == Repeat::Always).then_some(|number| Some(call(number)));
        Race::new(
            Arc::clone(&self.shared),
            self.time.clone(),
            self.classify.clone(),
            first,
            start,
        )
        .await
    }

    /// Counts a first attempt.
    pub(super) fn begin(&self, request: &RequestMeta) {
        if self.shared.deposits && request.attempt == 0 {
            self.shared.budget.deposit(&self.time);
        }
    }
}

impl<T: Clone, K: Clone> Clone for Hedge<T, K> {
    fn clone(&self) -> Self {
        Self {
            time: self.time.clone(),
            classify: self.classify.clone(),
            shared: Arc::clone(&self.shared),
        }
    }
}

impl<T: fmt::Debug, K: fmt::Debug> fmt::Debug for Hedge<T, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hedge")
            .field("policy", &self.shared.policy)
            .field("budget", &self.shared.budget)
            .field("time", &self.time)
            .field("classify", &self.classify)
            .finish_non_exhaustive()
    }
}
