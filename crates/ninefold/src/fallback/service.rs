//! A service with a fallback.

use std::task::{Context, Poll};

use tower_service::Service;

use super::{Accept, Fallback, FallbackFuture, Substitute};

/// A service that answers something else in the place of some errors. An error of `poll_ready` is
/// handed on: there is no request yet that could be answered.
#[derive(Debug)]
pub struct WithFallback<Inner, S, A> {
    inner: Inner,
    fallback: Fallback<S, A>,
}

impl<Inner, S, A> WithFallback<Inner, S, A> {
    pub(super) const fn new(inner: Inner, fallback: Fallback<S, A>) -> Self {
        Self { inner, fallback }
    }
}

impl<Inner, Request, S, A> Service<Request> for WithFallback<Inner, S, A>
where
    Inner: Service<Request>,
    S: Substitute<Request, Inner::Response, Inner::Error>,
    A: Accept<Inner::Error>,
{
    type Response = Inner::Response;
    type Error = Inner::Error;
    type Future = FallbackFuture<Inner::Future, S, A, Request, S::Kept>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Inner::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        self.fallback
            .start(request, |request| self.inner.call(request))
    }
}

impl<Inner: Clone, S, A> Clone for WithFallback<Inner, S, A> {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            fallback: self.fallback.clone(),
        }
    }
}
