//! One policy of a pipeline.

use ninefold_core::policy::classify::Classify;
use ninefold_core::policy::queue::Waiting;
use ninefold_core::policy::{Admission, Evictable, Now, PolicyKind};

use super::Call;
use crate::Error;
use crate::cache::Cache;
use crate::chaos::{Chaos, Inject};
use crate::clock::Time;
use crate::fallback::{Accept, Fallback, Substitute};
use crate::handle::{Handle, conclude};
use crate::hedge::Hedge;
use crate::keyed::Keyed;
use crate::pacing::Pacer;
use crate::retry::{Retry, RetryRule};
use crate::spawn::Inline;
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
        let mut permit = self.permit(&call.request)?;
        let request = self.policy.within(call.request, &self.clock);
        let result = attempt(call.with_request(request)).await;
        conclude(&mut permit, &self.classify, &self.clock, &result);
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
        let mut permit = self.acquire(&call.request).await?;
        let result = attempt(call).await;
        conclude(&mut permit, &self.classify, self.lobby.clock(), &result);
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
            attempt(call.attempt(call.request.attempt + number))
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

impl<T: Time, O: Send + Sync> Stage for Chaos<T, O> {
    const KIND: PolicyKind = PolicyKind::Chaos;
}

impl<V, E, T, O> Around<V, E> for Chaos<T, O>
where
    V: Send,
    E: Send,
    T: Time,
    O: Inject<V, Error<E>> + Send + Sync,
{
    async fn around<A, F>(&self, call: Call, attempt: A) -> Result<V, Error<E>>
    where
        A: Fn(Call) -> F + Send + Sync,
        F: Future<Output = Result<V, Error<E>>> + Send,
    {
        match self.disturb().await {
            Some(answer) => answer,
            None => attempt(call).await,
        }
    }
}

impl<S, A> Stage for Fallback<S, A>
where
    S: Send + Sync,
    A: Send + Sync,
{
    const KIND: PolicyKind = PolicyKind::Fallback;
}

impl<V, E, S, B> Around<V, E> for Fallback<S, B>
where
    V: Send,
    E: Send,
    S: Substitute<Call, V, Error<E>, Kept: Send> + Send + Sync,
    B: Accept<Error<E>> + Send + Sync,
{
    async fn around<A, F>(&self, call: Call, attempt: A) -> Result<V, Error<E>>
    where
        A: Fn(Call) -> F + Send + Sync,
        F: Future<Output = Result<V, Error<E>>> + Send,
    {
        self.call_for(&call, || attempt(call)).await
    }
}

impl<T: Time> Stage for Pacer<T> {
    const KIND: PolicyKind = PolicyKind::RateLimiter;
}

impl<V: Send, E: Send, T: Time> Around<V, E> for Pacer<T> {
    async fn around<A, F>(&self, call: Call, attempt: A) -> Result<V, Error<E>>
    where
        A: Fn(Call) -> F + Send + Sync,
        F: Future<Output = Result<V, Error<E>>> + Send,
    {
        self.turn(&call.request).await?;
        attempt(call).await
    }
}

impl<V, C> Stage for Cache<u64, V, C, Inline>
where
    V: Send + Sync,
    C: Send + Sync,
{
    const KIND: PolicyKind = PolicyKind::Cache;
}

/// By the key of the request. A call without one, which is 0, goes past the cache.
impl<V, E, C> Around<V, E> for Cache<u64, V, C, Inline>
where
    V: Clone + Send + Sync,
    E: Send,
    C: Now + Clone + Send + Sync,
{
    async fn around<A, F>(&self, call: Call, attempt: A) -> Result<V, Error<E>>
    where
        A: Fn(Call) -> F + Send + Sync,
        F: Future<Output = Result<V, Error<E>>> + Send,
    {
        match call.request.key {
            0 => attempt(call).await,
            key => Self::call(self, &key, || attempt(call)).await,
        }
    }
}

impl<P, C, L> Stage for Keyed<u64, P, C, L>
where
    P: Admission + Send + Sync,
    C: Send + Sync,
    L: Send + Sync,
{
    const KIND: PolicyKind = P::KIND;
}

impl<V, E, P, C, L> Around<V, E> for Keyed<u64, P, C, L>
where
    V: Send,
    E: Send,
    P: Admission + Evictable + Send + Sync,
    C: Now + Send + Sync,
    L: Classify<V, Error<E>> + Send + Sync,
{
    async fn around<A, F>(&self, call: Call, attempt: A) -> Result<V, Error<E>>
    where
        A: Fn(Call) -> F + Send + Sync,
        F: Future<Output = Result<V, Error<E>>> + Send,
    {
        let mut permit = self.permit(&call.request.key, &call.request)?;
        let request = permit.policy().within(call.request, &self.clock);
        let result = attempt(call.with_request(request)).await;
        conclude(&mut permit, &self.classify, &self.clock, &result);
        result
    }
}
