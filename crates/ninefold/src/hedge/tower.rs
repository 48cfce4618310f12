//! Hedges of a tower service.

use std::fmt;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use ninefold_core::policy::classify::Classify;
use ninefold_core::policy::{Repeat, RequestMeta};
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use super::Hedge;
use super::race::{Race, Start};
use crate::clock::Time;
use crate::meta::{MetaOf, Ordinary};
use crate::retry::Replay;

/// Puts a hedge in front of services.
#[derive(Clone, Debug)]
pub struct HedgeLayer<T: Clone, K: Clone, P, M = Ordinary> {
    hedge: Hedge<T, K>,
    replay: P,
    meta: M,
}

impl<T: Clone, K: Clone> Hedge<T, K> {
    /// A layer that shares this hedge; `replay` says what may be repeated.
    pub fn layer<P>(&self, replay: P) -> HedgeLayer<T, K, P> {
        HedgeLayer {
            hedge: self.clone(),
            replay,
            meta: Ordinary,
        }
    }
}

impl<T: Clone, K: Clone, P, M> HedgeLayer<T, K, P, M> {
    /// The same layer, which reads the number of the attempt from the request by `meta`.
    pub fn with_meta<N>(self, meta: N) -> HedgeLayer<T, K, P, N> {
        HedgeLayer {
            hedge: self.hedge,
            replay: self.replay,
            meta,
        }
    }
}

impl<S, T: Clone, K: Clone, P: Clone, M: Clone> Layer<S> for HedgeLayer<T, K, P, M> {
    type Service = HedgeService<S, T, K, P, M>;

    fn layer(&self, inner: S) -> Self::Service {
        HedgeService {
            inner,
            hedge: self.hedge.clone(),
            replay: self.replay.clone(),
            meta: self.meta.clone(),
        }
    }
}

/// A service whose slow calls are asked for again.
#[derive(Clone, Debug)]
pub struct HedgeService<S, T: Clone, K: Clone, P, M = Ordinary> {
    inner: S,
    hedge: Hedge<T, K>,
    replay: P,
    meta: M,
}

impl<S, Request, T, K, P, M> Service<Request> for HedgeService<S, T, K, P, M>
where
    S: Service<Request> + Clone,
    T: Time,
    K: Classify<S::Response, S::Error> + Clone,
    P: Replay<Request> + Clone,
    M: MetaOf<Request> + Clone,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = HedgeFuture<S, Request, T, K, P, M>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let Hedge {
            time,
            classify,
            shared,
        } = &self.hedge;
        let known = self.meta.of(&request);
        self.hedge.begin(&known);
        let may = self.replay.repeat(&request) == Repeat::Always
            && shared.policy.delay(0, time.now()).is_some();
        let copy = may.then(|| self.replay.copy(&request)).flatten();
        let rivals = copy.map(|request| Rivals {
            inner: self.inner.clone(),
            request: Some(request),
            replay: self.replay.clone(),
            meta: self.meta.clone(),
            known,
            max: shared.policy.config().max_hedges,
        });
        let clone = self.inner.clone();
        let mut inner = mem::replace(&mut self.inner, clone);
        let first = Attempt::Calling {
            call: inner.call(request),
        };
        HedgeFuture {
            race: Race::new(
                Arc::clone(shared),
                time.clone(),
                classify.clone(),
                first,
                rivals,
            ),
        }
    }
}

/// Makes the attempts that join.
struct Rivals<S, Request, P, M> {
    inner: S,
    request: Option<Request>,
    replay: P,
    meta: M,
    known: RequestMeta,
    max: u32,
}

impl<S, Request, P, M> Start<Attempt<S, Request>> for Rivals<S, Request, P, M>
where
    S: Service<Request> + Clone,
    P: Replay<Request>,
    M: MetaOf<Request>,
{
    fn start(&mut self, number: u32) -> Option<Attempt<S, Request>> {
        let mut request = self.request.take()?;
        if number < self.max {
            self.request = self.replay.copy(&request);
        }
        let attempt = self.known.attempt + number;
        let known = RequestMeta {
            attempt,
            ..self.known
        };
        self.meta.put(&mut request, known);
        Some(Attempt::Readying {
            inner: self.inner.clone(),
            request: Some(request),
        })
    }
}

pin_project! {
    /// One attempt: a service is made ready, and called.
    #[project = AttemptOf]
    enum Attempt<S, Request>
    where
        S: Service<Request>,
    {
        Readying { inner: S, request: Option<Request> },
        Calling { #[pin] call: S::Future },
    }
}

impl<S: Service<Request>, Request> Future for Attempt<S, Request> {
    type Output = Result<S::Response, S::Error>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            match self.as_mut().project() {
                AttemptOf::Calling { call } => return call.poll(context),
                AttemptOf::Readying { inner, request } => {
                    if let Err(error) = ready!(inner.poll_ready(context)) {
                        return Poll::Ready(Err(error));
                    }
                    let Some(request) = request.take() else {
                        return Poll::Pending;
                    };
                    let call = inner.call(request);
                    self.set(Self::Calling { call });
                }
            }
        }
    }
}

pin_project! {
    /// The answer of a [`HedgeService`]. Dropping it cancels all attempts.
    #[must_use = "futures do nothing unless they are polled"]
    pub struct HedgeFuture<S, Request, T, K, P, M = Ordinary>
    where
        S: Service<Request>,
        T: Time,
    {
        #[pin]
        race: Race<Attempt<S, Request>, Rivals<S, Request, P, M>, T, K>,
    }
}

impl<S, Request, T, K, P, M> Future for HedgeFuture<S, Request, T, K, P, M>
where
    S: Service<Request> + Clone,
    T: Time,
    K: Classify<S::Response, S::Error>,
    P: Replay<Request>,
    M: MetaOf<Request>,
{
    type Output = Result<S::Response, S::Error>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        self.project().race.poll(context)
    }
}

impl<S, Request, T, K, P, M> fmt::Debug for HedgeFuture<S, Request, T, K, P, M>
where
    S: Service<Request>,
    T: Time,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HedgeFuture").finish_non_exhaustive()
    }
}
