//! A service that something may be done to.

use std::task::{Context, Poll};

use ninefold_core::policy::Rejected;
use tower_service::Service;

use super::chaos::Fate;
use super::{Chaos, ChaosFuture, Inject};
use crate::clock::Time;

/// A service with chaos in front. A call that is to be delayed is made at once and first polled after
/// the delay; one that gets a fault or an answer is not made at all.
#[derive(Clone, Debug)]
pub struct WithChaos<S, T, O> {
    inner: S,
    chaos: Chaos<T, O>,
}

impl<S, T, O> WithChaos<S, T, O> {
    pub(super) const fn new(inner: S, chaos: Chaos<T, O>) -> Self {
        Self { inner, chaos }
    }
}

impl<S, Request, T, O> Service<Request> for WithChaos<S, T, O>
where
    S: Service<Request>,
    S::Error: From<Rejected>,
    T: Time,
    O: Inject<S::Response, S::Error>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = ChaosFuture<S::Future, T, Result<S::Response, S::Error>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let Some((plan, number)) = self.chaos.next() else {
            return ChaosFuture::call(None, self.inner.call(request));
        };
        let sleep = self.chaos.sleep(plan);
        match self.chaos.fate(plan, number) {
            Fate::Call => ChaosFuture::call(sleep, self.inner.call(request)),
            Fate::Answer(answer) => ChaosFuture::answer(sleep, answer),
        }
    }
}
