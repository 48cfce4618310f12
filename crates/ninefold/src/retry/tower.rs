//! Retries of a tower service.

use std::fmt;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use ninefold_core::policy::{Advice, Progress, Repeat, RequestMeta};
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use super::rule::LastError;
use super::{Retry, RetryRule};
use crate::clock::Time;
use crate::meta::{MetaOf, Ordinary};

/// Says whether a request may be repeated, and makes the copy to send.
pub trait Replay<Request> {
    /// Whether `request` may be repeated.
    fn repeat(&self, request: &Request) -> Repeat;

    /// A copy for another attempt; `None` if none can be made, which also makes this attempt the
    /// last.
    fn copy(&self, request: &Request) -> Option<Request>;
}

/// Every request is idempotent, and copied by `Clone`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CloneAlways;

impl<Request: Clone> Replay<Request> for CloneAlways {
    fn repeat(&self, _request: &Request) -> Repeat {
        Repeat::Always
    }

    fn copy(&self, request: &Request) -> Option<Request> {
        Some(request.clone())
    }
}

/// Puts a retry in front of services.
#[derive(Clone, Debug)]
pub struct RetryLayer<T: Clone, R: Clone, P, M = Ordinary> {
    retry: Retry<T, R>,
    replay: P,
    meta: M,
}

impl<T: Clone, R: Clone> Retry<T, R> {
    /// A layer that shares this retry; `replay` says what may be repeated.
    pub fn layer<P>(&self, replay: P) -> RetryLayer<T, R, P> {
        RetryLayer {
            retry: self.clone(),
            replay,
            meta: Ordinary,
        }
    }
}

impl<T: Clone, R: Clone, P, M> RetryLayer<T, R, P, M> {
    /// The same layer, which reads deadlines from the request by `meta`, and leaves the number of the
    /// attempt there.
    pub fn with_meta<N>(self, meta: N) -> RetryLayer<T, R, P, N> {
        RetryLayer {
            retry: self.retry,
            replay: self.replay,
            meta,
        }
    }
}

impl<S, T: Clone, R: Clone, P: Clone, M: Clone> Layer<S> for RetryLayer<T, R, P, M> {
    type Service = RetryService<S, T, R, P, M>;

    fn layer(&self, inner: S) -> Self::Service {
        RetryService {
            inner,
            retry: self.retry.clone(),
            replay: self.replay.clone(),
            meta: self.meta.clone(),
        }
    }
}

/// A service whose calls are tried again.
#[derive(Clone, Debug)]
pub struct RetryService<S, T: Clone, R: Clone, P, M = Ordinary> {
    inner: S,
    retry: Retry<T, R>,
    replay: P,
    meta: M,
}

impl<S, Request, T, R, P, M> Service<Request> for RetryService<S, T, R, P, M>
where
    S: Service<Request> + Clone,
    T: Time,
    R: RetryRule<S::Response, S::Error> + Clone,
    P: Replay<Request> + Clone,
    M: MetaOf<Request> + Clone,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = RetryFuture<S, Request, T, R, P, M>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        // The one that is ready is called; its clone takes its place.
        let clone = self.inner.clone();
        let inner = mem::replace(&mut self.inner, clone);
        let retry = self.retry.clone();
        let replay = self.replay.clone();
        RetryFuture::new(retry, replay, self.meta.clone(), inner, request)
    }
}

pin_project! {
    /// The answer of a [`RetryService`]. Dropping it cancels the attempt under way.
    #[must_use = "futures do nothing unless they are polled"]
    pub struct RetryFuture<S, Request, T, R, P, M = Ordinary>
    where
        S: Service<Request>,
        T: Time,
    {
        retry: Retry<T, R>,
        replay: P,
        meta: M,
        known: RequestMeta,
        inner: S,
        kept: Option<Request>,
        progress: Progress,
        last: LastError<S::Error>,
        #[pin]
        state: State<S::Future, T::Sleep>,
    }
}

pin_project! {
    #[project = StateOf]
    enum State<F, W> {
        Calling { #[pin] call: F },
        Waiting { sleep: Pin<Box<W>> },
        Readying,
    }
}

impl<S, Request, T, R, P, M> RetryFuture<S, Request, T, R, P, M>
where
    S: Service<Request>,
    T: Time,
    P: Replay<Request>,
    M: MetaOf<Request>,
{
    fn new(retry: Retry<T, R>, replay: P, meta: M, mut inner: S, request: Request) -> Self {
        let known = meta.of(&request);
        let progress = retry.begin(&known, replay.repeat(&request));
        let kept = keep(&retry, &replay, &progress, &request);
        let call = inner.call(request);
        Self {
            retry,
            replay,
            meta,
            known,
            inner,
            kept,
            progress,
            last: LastError::none(),
            state: State::Calling { call },
        }
    }
}

fn keep<Request, T: Time, R>(
    retry: &Retry<T, R>,
    replay: &impl Replay<Request>,
    progress: &Progress,
    request: &Request,
) -> Option<Request> {
    retry
        .may_repeat(progress)
        .then(|| replay.copy(request))
        .flatten()
}

impl<S, Request, T, R, P, M> Future for RetryFuture<S, Request, T, R, P, M>
where
    S: Service<Request>,
    T: Time,
    R: RetryRule<S::Response, S::Error>,
    P: Replay<Request>,
    M: MetaOf<Request>,
{
    type Output = Result<S::Response, S::Error>;

    #[inline]
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            match this.state.as_mut().project() {
                StateOf::Calling { call } => {
                    let result = ready!(call.poll(context));
                    // Without a copy nothing may be withdrawn from the budget.
                    if this.kept.is_none() {
                        return Poll::Ready(this.last.or(result, &this.retry.rule));
                    }
                    let advice = this.retry.rule.advise(result.as_ref());
                    let rule = &this.retry.rule;
                    if advice == Advice::Accept {
                        return Poll::Ready(this.last.or(result, rule));
                    }
                    let Some(sleep) = this.retry.wait(advice, this.progress) else {
                        return Poll::Ready(this.last.or(result, rule));
                    };
                    this.last.keep(result, rule);
                    this.state.set(State::Waiting { sleep });
                }
                StateOf::Waiting { sleep } => {
                    ready!(sleep.as_mut().poll(context));
                    this.state.set(State::Readying);
                }
                StateOf::Readying => {
                    if let Err(error) = ready!(this.inner.poll_ready(context)) {
                        return Poll::Ready(Err(error));
                    }
                    let Some(mut request) = this.kept.take() else {
                        // Only left with a request in hand.
                        return Poll::Pending;
                    };
                    let attempt = this.known.attempt + this.progress.repetitions;
                    let known = RequestMeta {
                        attempt,
                        ..*this.known
                    };
                    this.meta.put(&mut request, known);
                    *this.kept = keep(this.retry, this.replay, this.progress, &request);
                    let call = this.inner.call(request);
                    this.state.set(State::Calling { call });
                }
            }
        }
    }
}

impl<S, Request, T, R, P, M> fmt::Debug for RetryFuture<S, Request, T, R, P, M>
where
    S: Service<Request>,
    T: Time,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RetryFuture")
            .field("progress", &self.progress)
            .finish_non_exhaustive()
    }
}
