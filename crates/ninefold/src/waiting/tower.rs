//! A service whose calls may wait.

use std::fmt;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use ninefold_core::policy::Rejected;
use ninefold_core::policy::classify::Classify;
use ninefold_core::policy::queue::Waiting;
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use super::{Acquire, WaitingPermit, WaitingRoom};
use crate::clock::Time;
use crate::handle::conclude;
use crate::meta::{MetaOf, Ordinary};

/// Puts a policy whose calls may wait in front of services.
#[derive(Debug)]
pub struct WaitingLayer<P: Waiting, T, K: Clone, M = Ordinary> {
    room: WaitingRoom<P, T, K>,
    meta: M,
}

impl<P: Waiting, T, K: Clone> WaitingRoom<P, T, K> {
    /// A layer that shares this room.
    pub fn layer(&self) -> WaitingLayer<P, T, K> {
        WaitingLayer {
            room: self.clone(),
            meta: Ordinary,
        }
    }
}

impl<P: Waiting, T, K: Clone, M> WaitingLayer<P, T, K, M> {
    /// The same layer, which reads what the policy should know from the request by `meta`.
    pub fn with_meta<N>(self, meta: N) -> WaitingLayer<P, T, K, N> {
        WaitingLayer {
            room: self.room,
            meta,
        }
    }
}

impl<S, P: Waiting, T, K: Clone, M: Clone> Layer<S> for WaitingLayer<P, T, K, M> {
    type Service = WaitingService<S, P, T, K, M>;

    fn layer(&self, inner: S) -> Self::Service {
        WaitingService {
            inner,
            room: self.room.clone(),
            meta: self.meta.clone(),
        }
    }
}

/// A service whose calls may wait for their turn.
#[derive(Debug)]
pub struct WaitingService<S, P: Waiting, T, K: Clone, M = Ordinary> {
    inner: S,
    room: WaitingRoom<P, T, K>,
    meta: M,
}

impl<S, Request, P, T, K, M> Service<Request> for WaitingService<S, P, T, K, M>
where
    S: Service<Request> + Clone,
    S::Error: From<Rejected>,
    P: Waiting,
    T: Time,
    K: Classify<S::Response, S::Error> + Clone,
    M: MetaOf<Request>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = WaitingFuture<S, Request, P, T, K>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        // The one that is ready is called once it is its turn; its clone takes its place.
        let clone = self.inner.clone();
        let inner = mem::replace(&mut self.inner, clone);
        let acquire = self.room.acquire(&self.meta.of(&request));
        WaitingFuture {
            state: State::Waiting { acquire },
            room: self.room.clone(),
            call: Some((inner, request)),
        }
    }
}

pin_project! {
    /// The answer of a [`WaitingService`]. Dropping it gives up the turn, or cancels the call.
    #[must_use = "futures do nothing unless they are polled"]
    pub struct WaitingFuture<S, Request, P, T, K>
    where
        S: Service<Request>,
        P: Waiting,
        T: Time,
    {
        room: WaitingRoom<P, T, K>,
        call: Option<(S, Request)>,
        #[pin]
        state: State<S::Future, P, T>,
    }
}

pin_project! {
    #[project = StateOf]
    enum State<F, P, T>
    where
        P: Waiting,
        T: Time,
    {
        Waiting { #[pin] acquire: Acquire<P, T> },
        Calling { #[pin] call: F, permit: Option<WaitingPermit<P, T>> },
    }
}

impl<S, Request, P, T, K> Future for WaitingFuture<S, Request, P, T, K>
where
    S: Service<Request>,
    S::Error: From<Rejected>,
    P: Waiting,
    T: Time,
    K: Classify<S::Response, S::Error>,
{
    type Output = Result<S::Response, S::Error>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            match this.state.as_mut().project() {
                StateOf::Waiting { acquire } => {
                    let permit = match ready!(acquire.poll(context)) {
                        Ok(permit) => Some(permit),
                        Err(rejected) => return Poll::Ready(Err(rejected.into())),
                    };
                    let Some((mut inner, request)) = this.call.take() else {
                        return Poll::Pending;
                    };
                    let call = inner.call(request);
                    this.state.set(State::Calling { call, permit });
                }
                StateOf::Calling { call, permit } => {
                    let result = ready!(call.poll(context));
                    if let Some(permit) = permit {
                        let room = &*this.room;
                        conclude(permit, &room.classify, room.lobby.clock(), &result);
                    }
                    *permit = None;
                    return Poll::Ready(result);
                }
            }
        }
    }
}

impl<S, Request, P, T, K> fmt::Debug for WaitingFuture<S, Request, P, T, K>
where
    S: Service<Request>,
    P: Waiting,
    T: Time,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WaitingFuture")
            .field("waits", &self.call.is_some())
            .finish_non_exhaustive()
    }
}

impl<P: Waiting, T, K: Clone, M: Clone> Clone for WaitingLayer<P, T, K, M> {
    fn clone(&self) -> Self {
        Self {
            room: self.room.clone(),
            meta: self.meta.clone(),
        }
    }
}

impl<S: Clone, P: Waiting, T, K: Clone, M: Clone> Clone for WaitingService<S, P, T, K, M> {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            room: self.room.clone(),
            meta: self.meta.clone(),
        }
    }
}
