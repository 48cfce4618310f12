//! A service whose calls are shared.

use std::fmt;
use std::hash::Hash;
use std::pin::Pin;
use std::task::{Context, Poll};

use ninefold_core::policy::Rejected;
use pin_project_lite::pin_project;
use tower_service::Service;

use super::{Coalesce, CoalesceFuture};
use crate::Panicked;

/// A service whose requests with the same key share one call of the inner service.
#[derive(Clone, Debug)]
pub struct Coalesced<Inner, K: Eq, T, E, X> {
    inner: Inner,
    coalesce: Coalesce<K, T, E>,
    key: X,
}

impl<Inner, K: Eq, T, E, X> Coalesced<Inner, K, T, E, X> {
    pub(super) const fn new(inner: Inner, coalesce: Coalesce<K, T, E>, key: X) -> Self {
        Self {
            inner,
            coalesce,
            key,
        }
    }
}

impl<Inner, Request, K, T, E, X> Service<Request> for Coalesced<Inner, K, T, E, X>
where
    Inner: Service<Request, Response = T, Error = E>,
    Inner::Future: Send + 'static,
    K: Clone + Eq + Hash,
    T: Clone + Send + Sync + 'static,
    E: Clone + From<Rejected> + From<Panicked> + Send + Sync + 'static,
    X: Fn(&Request) -> Option<K>,
{
    type Response = T;
    type Error = E;
    type Future = CoalescedFuture<Inner::Future, K, T, E>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), E>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let state = match (self.key)(&request) {
            None => State::Alone {
                call: self.inner.call(request),
            },
            Some(key) => State::Shared {
                call: self.coalesce.start(&key, || self.inner.call(request)),
            },
        };
        CoalescedFuture { state }
    }
}

pin_project! {
    /// The answer of a [`Coalesced`] service.
    #[must_use = "futures do nothing unless they are polled"]
    pub struct CoalescedFuture<F, K, T, E>
    where
        K: Eq,
    {
        #[pin]
        state: State<F, K, T, E>,
    }
}

pin_project! {
    #[project = StateOf]
    enum State<F, K, T, E>
    where
        K: Eq,
    {
        Alone { #[pin] call: F },
        Shared { #[pin] call: CoalesceFuture<K, T, E> },
    }
}

impl<F, K, T, E> Future for CoalescedFuture<F, K, T, E>
where
    F: Future<Output = Result<T, E>>,
    K: Eq + Hash,
    T: Clone + Send + Sync + 'static,
    E: Clone + From<Rejected> + Send + Sync + 'static,
{
    type Output = Result<T, E>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().state.project() {
            StateOf::Alone { call } => call.poll(context),
            StateOf::Shared { call } => call.poll(context),
        }
    }
}

impl<F, K: Eq, T, E> fmt::Debug for CoalescedFuture<F, K, T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CoalescedFuture").finish_non_exhaustive()
    }
}
