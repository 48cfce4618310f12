//! One policy of a pipeline.

use ninefold_core::policy::classify::Classify;
use ninefold_core::policy::queue::Waiting;
use ninefold_core::policy::{Admission, Now, PolicyKind};

use super::Call;
use crate::Error;
use crate::clock::Time;
use crate::handle::{Handle, conclude};
use crate::hedge::Hedge;
use crate::retry::{Retry, RetryRule};
use crate::time_limiter::TimeLimiter;
use crate::waiting::WaitingRoom;

/// A policy that can be part of a [`Pipeline`](super::Pipeline).
pub trait Stage: Send + Sync {
    /// Which policy it is; its place follows from that.
    const KIND: PolicyKind;
}

/// A stage around calls that give `V` or fail with `E`.
///
/// All that goes through a pipeline may move between threads. What may not is guarded by each
/// policy's own `call`.
pub trait Around<V, E>: Stage {
    /// Makes a call, in the way of the policy: not at all, once, or several times. `attempt` is
    /// given what goes with the attempt.
    fn around<A, F>(
        &self,
        call: Call,
        attempt: A,
    ) -> impl Future<Output = Result<V, Error<E>>> + Send
    where
        A: Fn(Call) -> F + Send + Sync,
        F: Future<Output = Result<V, Error<E>>> + Send;
}

impl<P, C, K> Stage for Handle<P, C, K>
where
    P: Admission,
    C: Send + Sync,
    K: Send + Sync,
{
    const KIND: PolicyKind = P::KIND;
}

impl<V: Send, E: Send, P, C, K> Around<V, E> for Handle<P, C, K>
where
    P: Admission,
    C: Now + Send + Sync,
    K: Classify<V, Error<E>> + Send + Sync,
{
    async fn around<A, F>(&self, call: Call, attempt: A) -> Result<V, Error<E>>
    where
        A: Fn(Call) -> F + Send + Sync,
        F: Future<Output = Result<V, Error<E>>> + Send,
    {
        let permit = self.permit(&call.request)?;
        let result = attempt(call).await;
        conclude(permit, &self.classify, &self.clock, &result);
        result
    }
}

impl<P, T, K> Stage for WaitingRoom<P, T, K>
where
    P: Waiting,
    T: Time,
    K: Send + Sync,
{
    const KIND: PolicyKind = P::KIND;
}

impl<V: Send, E: Send, P, T, K> Around<V, E> for WaitingRoom<P, T, K>
where
    P: Waiting,
    T: Time,
    K: Classify<V, Error<E>> + Send + Sync,
{
    async fn around<A, F>(&self, call: Call, attempt: A) -> Result<V, Error<E>>
    where
        A: Fn(Call) -> F + Send + Sync,
        F: Future<Output = Result<V, Error<E>>> + Send,
    {
        let permit = self.acquire(&call.request).await?;
        let result = attempt(call).await;
        conclude(permit, &self.classify, self.lobby.clock(), &result);
        result
    }
}

impl<T, R> Stage for Retry<T, R>
where
    T: Time,
    R: Send + Sync,
{
    const KIND: PolicyKind = PolicyKind::Retry;
}

impl<V: Send, E: Send, T, R> Around<V, E> for Retry<T, R>
where
    T: Time,
    R: RetryRule<V, Error<E>> + Send + Sync,
{
    async fn around<A, F>(&self, call: Call, attempt: A) -> Result<V, Error<E>>
    where
        A: Fn(Call) -> F + Send + Sync,
        F: Future<Output = Result<V, Error<E>>> + Send,
    {
        self.run(&call.request, call.repeat, |number| {
            attempt(call.attempt(number))
        })
        .await
    }
}

impl<T, K> Stage for Hedge<T, K>
where
    T: Time,
    K: Send + Sync,
{
    const KIND: PolicyKind = PolicyKind::Hedge;
}

impl<V: Send, E: Send, T, K> Around<V, E> for Hedge<T, K>
where
    T: Time,
    K: Classify<V, Error<E>> + Clone + Send + Sync,
{
    async fn around<A, F>(&self, call: Call, attempt: A) -> Result<V, Error<E>>
    where
        A: Fn(Call) -> F + Send + Sync,
        F: Future<Output = Result<V, Error<E>>> + Send,
    {
        self.run(&call.request, call.repeat, |number| {
            attempt(call.attempt(call.request.attempt + number))
        })
        .await
    }
}

impl<T: Time> Stage for TimeLimiter<T> {
    const KIND: PolicyKind = PolicyKind::TimeLimiter;
}

impl<V: Send, E: Send, T: Time> Around<V, E> for TimeLimiter<T> {
    async fn around<A, F>(&self, call: Call, attempt: A) -> Result<V, Error<E>>
    where
        A: Fn(Call) -> F + Send + Sync,
        F: Future<Output = Result<V, Error<E>>> + Send,
    {
        self.limit(&call.request, || attempt(call)).await
    }
}
