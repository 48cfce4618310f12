//! The handle to a policy whose calls may wait.

use std::sync::Arc;

use ninefold_core::policy::RequestMeta;
use ninefold_core::policy::classify::{ByResult, Classify};
use ninefold_core::policy::queue::Waiting;
use ninefold_core::time::Timestamp;

use super::{Acquire, Lobby};
#[cfg(feature = "tokio")]
use crate::clock::TokioTime;
use crate::clock::{DefaultTime, Time};
use crate::handle::conclude;
use crate::{ByError, Error};

/// A shared policy whose calls may wait, with its classifier.
#[derive(Debug)]
pub struct WaitingRoom<P: Waiting, T = DefaultTime, K = ByResult> {
    pub(crate) lobby: Arc<Lobby<P, T>>,
    pub(crate) classify: K,
}

#[cfg(feature = "tokio")]
impl<P: Waiting> WaitingRoom<P> {
    /// A policy with an empty waiting room, on tokio's timers.
    #[must_use]
    pub fn new(policy: P) -> Self {
        Self::on(TokioTime, policy)
    }
}

impl<P: Waiting, T: Time> WaitingRoom<P, T> {
    /// A policy with an empty waiting room, on other timers.
    #[must_use]
    pub fn on(time: T, policy: P) -> Self {
        Self {
            lobby: Arc::new(Lobby::new(policy, time)),
            classify: ByResult,
        }
    }
}

impl<P: Waiting, T: Time, K> WaitingRoom<P, T, K> {
    /// The same room with another idea of what a failure is.
    pub fn with_classify<L>(self, classify: L) -> WaitingRoom<P, T, L> {
        WaitingRoom {
            lobby: self.lobby,
            classify,
        }
    }

    /// The same room, which takes refusals of policies within for nothing that it should learn
    /// from: the classifier for pipelines.
    pub fn by_error(self) -> WaitingRoom<P, T, ByError<K>> {
        WaitingRoom {
            lobby: self.lobby,
            classify: ByError(self.classify),
        }
    }

    /// The policy.
    #[must_use]
    pub fn policy(&self) -> &P {
        self.lobby.policy()
    }

    /// Serves whoever can be served; to be called after a limit was raised.
    pub fn serve(&self) {
        self.lobby.serve();
    }

    /// Leave for one call, once it is its turn; to be settled by the caller.
    ///
    /// It resolves to [`Rejected`](crate::Rejected) if the call may not wait, or waited too long.
    pub fn acquire(&self, request: &RequestMeta) -> Acquire<P, T> {
        Acquire::new(Arc::clone(&self.lobby), *request, None)
    }

    /// As [`WaitingRoom::acquire`], for who knows what time it is and polls at once: no clock is read
    /// where nobody has to wait.
    pub fn acquire_at(&self, request: &RequestMeta, now: Timestamp) -> Acquire<P, T> {
        Acquire::new(Arc::clone(&self.lobby), *request, Some(now))
    }

    /// Calls once it is its turn, and tells the policy how that ended.
    ///
    /// # Errors
    ///
    /// [`Error::Rejected`] if the call may not wait, or waited too long; [`Error::Service`] if it
    /// fails.
    pub async fn call<V, E, F>(&self, call: impl FnOnce() -> F) -> Result<V, Error<E>>
    where
        F: Future<Output = Result<V, E>>,
        K: Classify<V, E>,
    {
        self.call_with(&RequestMeta::default(), call).await
    }

    /// As [`WaitingRoom::call`], for a policy that looks at the request.
    ///
    /// # Errors
    ///
    /// [`Error::Rejected`] if the call may not wait, or waited too long; [`Error::Service`] if it
    /// fails.
    pub async fn call_with<V, E, F>(
        &self,
        request: &RequestMeta,
        call: impl FnOnce() -> F,
    ) -> Result<V, Error<E>>
    where
        F: Future<Output = Result<V, E>>,
        K: Classify<V, E>,
    {
        let mut permit = self.acquire(request).await?;
        let result = call().await;
        conclude(&mut permit, &self.classify, self.lobby.clock(), &result);
        result.map_err(Error::Service)
    }
}

impl<P: Waiting, T, K: Clone> Clone for WaitingRoom<P, T, K> {
    fn clone(&self) -> Self {
        Self {
            lobby: Arc::clone(&self.lobby),
            classify: self.classify.clone(),
        }
    }
}
