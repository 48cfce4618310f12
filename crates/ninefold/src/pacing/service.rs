//! A service whose calls wait for their place.

use std::fmt;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use ninefold_core::policy::Rejected;
use pin_project_lite::pin_project;
use tower_service::Service;

use super::{Pacer, Turn};
use crate::clock::Time;
use crate::meta::{MetaOf, Ordinary};

/// A service whose calls wait for their place in a rate.
#[derive(Clone, Debug)]
pub struct Paced<S, T, M = Ordinary> {
    inner: S,
    pacer: Pacer<T>,
    meta: M,
}

impl<S, T, M> Paced<S, T, M> {
    pub(super) const fn new(inner: S, pacer: Pacer<T>, meta: M) -> Self {
        Self { inner, pacer, meta }
    }
}

impl<S, Request, T, M> Service<Request> for Paced<S, T, M>
where
    S: Service<Request> + Clone,
    S::Error: From<Rejected>,
    T: Time,
    M: MetaOf<Request>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = PacedFuture<S, Request, T>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        // The one that is ready is called once it is its turn; its clone takes its place.
        let clone = self.inner.clone();
        let inner = mem::replace(&mut self.inner, clone);
        let turn = self.pacer.turn(&self.meta.of(&request));
        PacedFuture {
            call: Some((inner, request)),
            state: State::Waiting { turn },
        }
    }
}

pin_project! {
    /// The answer of a [`Paced`] service. Dropping it gives up the turn, or the call.
    #[must_use = "futures do nothing unless they are polled"]
    pub struct PacedFuture<S, Request, T>
    where
        S: Service<Request>,
        T: Time,
    {
        call: Option<(S, Request)>,
        #[pin]
        state: State<S::Future, T>,
    }
}

pin_project! {
    #[project = StateOf]
    enum State<F, T>
    where
        T: Time,
    {
        Waiting { #[pin] turn: Turn<T> },
        Calling { #[pin] call: F },
    }
}

impl<S, Request, T> Future for PacedFuture<S, Request, T>
where
    S: Service<Request>,
    S::Error: From<Rejected>,
    T: Time,
{
    type Output = Result<S::Response, S::Error>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            match this.state.as_mut().project() {
                StateOf::Waiting { turn } => {
                    if let Err(why) = ready!(turn.poll(context)) {
                        return Poll::Ready(Err(why.into()));
                    }
                    let Some((mut inner, request)) = this.call.take() else {
                        return Poll::Pending;
                    };
                    let call = inner.call(request);
                    this.state.set(State::Calling { call });
                }
                StateOf::Calling { call } => return call.poll(context),
            }
        }
    }
}

impl<S: Service<Request>, Request, T: Time> fmt::Debug for PacedFuture<S, Request, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PacedFuture")
            .field("waits", &self.call.is_some())
            .finish_non_exhaustive()
    }
}
