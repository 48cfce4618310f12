//! A call through a cache.

use std::fmt;
use std::hash::Hash;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use ninefold_core::policy::Now;
use pin_project_lite::pin_project;

use super::store::{Claim, Place, Store};

pin_project! {
    /// A call whose answer is kept when it comes.
    #[must_use = "futures do nothing unless they are polled"]
    pub struct Refresh<F, K, V, C> {
        #[pin]
        call: F,
        store: Arc<Store<K, V>>,
        clock: C,
        place: Place,
        key: Option<K>,
        // Given back when the call is over, or given up.
        claim: Option<Claim>,
    }
}

impl<F, K, V, C> Refresh<F, K, V, C> {
    pub(super) const fn new(
        call: F,
        store: Arc<Store<K, V>>,
        clock: C,
        place: Place,
        key: K,
        claim: Option<Claim>,
    ) -> Self {
        Self {
            call,
            store,
            clock,
            place,
            key: Some(key),
            claim,
        }
    }
}

impl<F, K, V, C, E> Future for Refresh<F, K, V, C>
where
    F: Future<Output = Result<V, E>>,
    K: Eq + Hash,
    V: Clone,
    C: Now,
{
    type Output = Result<V, E>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let result = ready!(this.call.poll(context));
        if let (Ok(value), Some(key)) = (&result, this.key.take()) {
            this.store
                .put(*this.place, key, value.clone(), this.clock.now());
        }
        *this.claim = None;
        Poll::Ready(result)
    }
}

impl<F, K, V, C> fmt::Debug for Refresh<F, K, V, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Refresh")
            .field("claim", &self.claim)
            .finish_non_exhaustive()
    }
}

pin_project! {
    /// The answer of a call through a cache.
    #[must_use = "futures do nothing unless they are polled"]
    pub struct CacheFuture<F, K, V, C> {
        #[pin]
        state: State<F, K, V, C>,
    }
}

pin_project! {
    #[project = StateOf]
    enum State<F, K, V, C> {
        Ready { value: Option<V> },
        Waiting { #[pin] refresh: Refresh<F, K, V, C>, stale: Option<V> },
        Passing { #[pin] call: F },
    }
}

impl<F, K, V, C> CacheFuture<F, K, V, C> {
    pub(super) const fn ready(value: V) -> Self {
        let value = Some(value);
        Self {
            state: State::Ready { value },
        }
    }

    pub(super) const fn waiting(refresh: Refresh<F, K, V, C>, stale: Option<V>) -> Self {
        Self {
            state: State::Waiting { refresh, stale },
        }
    }

    /// Past the cache.
    #[cfg(feature = "tower")]
    pub(super) const fn passing(call: F) -> Self {
        Self {
            state: State::Passing { call },
        }
    }
}

impl<F, K, V, C, E> Future for CacheFuture<F, K, V, C>
where
    F: Future<Output = Result<V, E>>,
    K: Eq + Hash,
    V: Clone,
    C: Now,
{
    type Output = Result<V, E>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().state.project() {
            StateOf::Ready { value } => value.take().map_or(Poll::Pending, |v| Poll::Ready(Ok(v))),
            StateOf::Passing { call } => call.poll(context),
            StateOf::Waiting { mut refresh, stale } => {
                let result = ready!(refresh.as_mut().poll(context));
                Poll::Ready(match (result, stale.take()) {
                    (Err(_), Some(value)) => {
                        refresh.store.emit("stale");
                        Ok(value)
                    }
                    (result, _) => result,
                })
            }
        }
    }
}

impl<F, K, V, C> fmt::Debug for CacheFuture<F, K, V, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CacheFuture").finish_non_exhaustive()
    }
}
