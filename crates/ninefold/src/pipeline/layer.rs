//! A pipeline as a layer for tower.

use std::pin::Pin;
use std::task::{Context, Poll};

use ninefold_core::policy::queue::Waiting;
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use super::{Nothing, Pipeline, Stack};
use crate::Error;
use crate::chaos::{Chaos, ChaosLayer};
use crate::clock::Time;
use crate::fallback::{Fallback, FallbackLayer};
use crate::handle::{GuardLayer, Handle};
use crate::hedge::{Hedge, HedgeLayer};
use crate::pacing::{Pacer, PacingLayer};
use crate::retry::{Retry, RetryLayer};
use crate::time_limiter::{TimeLimiter, TimeLimiterLayer};
use crate::waiting::{WaitingLayer, WaitingRoom};

/// A policy that can be a layer, given what may be repeated (`P`) and what is known of requests
/// (`M`).
pub trait StageLayer<P, M> {
    /// The layer.
    type Layer;

    /// A layer that shares the policy.
    fn stage_layer(&self, replay: &P, meta: &M) -> Self::Layer;
}

/// Layers within each other.
#[derive(Clone, Copy, Debug)]
pub struct StackLayer<Outer, Inner> {
    outer: Outer,
    inner: Inner,
}

impl<S, Outer, Inner> Layer<S> for StackLayer<Outer, Inner>
where
    Inner: Layer<S>,
    Outer: Layer<Inner::Service>,
{
    type Service = Outer::Service;

    fn layer(&self, service: S) -> Self::Service {
        self.outer.layer(self.inner.layer(service))
    }
}

/// Leaves services as they are, but for their error, which becomes [`Error::Service`].
#[derive(Clone, Copy, Debug, Default)]
pub struct ErrorLayer;

impl<S> Layer<S> for ErrorLayer {
    type Service = WithError<S>;

    fn layer(&self, inner: S) -> WithError<S> {
        WithError { inner }
    }
}

/// A service whose error is an [`Error`], so that policies around it can say that they refused.
#[derive(Clone, Copy, Debug)]
pub struct WithError<S> {
    inner: S,
}

impl<S: Service<Request>, Request> Service<Request> for WithError<S> {
    type Response = S::Response;
    type Error = Error<S::Error>;
    type Future = WithErrorFuture<S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(context).map_err(Error::Service)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        WithErrorFuture {
            inner: self.inner.call(request),
        }
    }
}

pin_project! {
    /// The answer of a [`WithError`] service.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless they are polled"]
    pub struct WithErrorFuture<F> {
        #[pin]
        inner: F,
    }
}

impl<F: Future<Output = Result<V, E>>, V, E> Future for WithErrorFuture<F> {
    type Output = Result<V, Error<E>>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        self.project().inner.poll(context).map_err(Error::Service)
    }
}

impl<S> Pipeline<S> {
    /// The whole pipeline as one layer. `replay` says which requests may be repeated, `meta` what
    /// policies may know of them; where that does not matter, use
    /// [`CloneAlways`](crate::retry::CloneAlways) and [`Ordinary`](crate::meta::Ordinary).
    pub fn layer<P, M>(&self, replay: &P, meta: &M) -> StackLayer<S::Layer, ErrorLayer>
    where
        S: StageLayer<P, M>,
    {
        StackLayer {
            outer: self.stages.stage_layer(replay, meta),
            inner: ErrorLayer,
        }
    }
}

/// Leaves services as they are.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoLayer;

impl<S> Layer<S> for NoLayer {
    type Service = S;

    fn layer(&self, inner: S) -> S {
        inner
    }
}

impl<P, M> StageLayer<P, M> for Nothing {
    type Layer = NoLayer;

    fn stage_layer(&self, _: &P, _: &M) -> NoLayer {
        NoLayer
    }
}

impl<P, M, Outer, Inner> StageLayer<P, M> for Stack<Outer, Inner>
where
    Outer: StageLayer<P, M>,
    Inner: StageLayer<P, M>,
{
    type Layer = StackLayer<Outer::Layer, Inner::Layer>;

    fn stage_layer(&self, replay: &P, meta: &M) -> Self::Layer {
        StackLayer {
            outer: self.outer.stage_layer(replay, meta),
            inner: self.inner.stage_layer(replay, meta),
        }
    }
}

impl<P, M: Clone, Policy, C: Clone, K: Clone> StageLayer<P, M> for Handle<Policy, C, K> {
    type Layer = GuardLayer<Policy, C, K, M>;

    fn stage_layer(&self, _: &P, meta: &M) -> Self::Layer {
        self.layer().with_meta(meta.clone())
    }
}

impl<P, M: Clone, Policy: Waiting, T: Time, K: Clone> StageLayer<P, M>
    for WaitingRoom<Policy, T, K>
{
    type Layer = WaitingLayer<Policy, T, K, M>;

    fn stage_layer(&self, _: &P, meta: &M) -> Self::Layer {
        self.layer().with_meta(meta.clone())
    }
}

impl<P, M: Clone, T: Clone> StageLayer<P, M> for Pacer<T> {
    type Layer = PacingLayer<T, M>;

    fn stage_layer(&self, _: &P, meta: &M) -> Self::Layer {
        self.layer().with_meta(meta.clone())
    }
}

impl<P: Clone, M: Clone, T: Clone, R: Clone> StageLayer<P, M> for Retry<T, R> {
    type Layer = RetryLayer<T, R, P, M>;

    fn stage_layer(&self, replay: &P, meta: &M) -> Self::Layer {
        self.layer(replay.clone()).with_meta(meta.clone())
    }
}

impl<P: Clone, M: Clone, T: Clone, K: Clone> StageLayer<P, M> for Hedge<T, K> {
    type Layer = HedgeLayer<T, K, P, M>;

    fn stage_layer(&self, replay: &P, meta: &M) -> Self::Layer {
        self.layer(replay.clone()).with_meta(meta.clone())
    }
}

impl<P, M: Clone, T: Clone> StageLayer<P, M> for TimeLimiter<T> {
    type Layer = TimeLimiterLayer<T, M>;

    fn stage_layer(&self, _: &P, meta: &M) -> Self::Layer {
        self.layer().with_meta(meta.clone())
    }
}

impl<P, M, T: Clone, O: Clone> StageLayer<P, M> for Chaos<T, O> {
    type Layer = ChaosLayer<T, O>;

    fn stage_layer(&self, _: &P, _: &M) -> Self::Layer {
        self.layer()
    }
}

impl<P, M, S, A> StageLayer<P, M> for Fallback<S, A> {
    type Layer = FallbackLayer<S, A>;

    fn stage_layer(&self, _: &P, _: &M) -> Self::Layer {
        self.layer()
    }
}
