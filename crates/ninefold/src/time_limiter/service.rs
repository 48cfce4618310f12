//! A service with a limit of time.

use std::task::{Context, Poll};

use ninefold_core::policy::Rejected;
use tower_service::Service;

use super::{TimeLimitedFuture, TimeLimiter};
use crate::TimedOut;
use crate::clock::Time;
use crate::meta::{MetaOf, Ordinary};

/// A service each of whose calls has a limit of time, counted from `call`. Its error is the inner
/// one's, which must be able to say that it took too long, or was too late already.
#[derive(Clone, Debug)]
pub struct TimeLimited<S, T, M = Ordinary> {
    inner: S,
    limiter: TimeLimiter<T>,
    meta: M,
}

impl<S, T, M> TimeLimited<S, T, M> {
    pub(super) const fn new(inner: S, limiter: TimeLimiter<T>, meta: M) -> Self {
        Self {
            inner,
            limiter,
            meta,
        }
    }
}

impl<S, Request, T, M> Service<Request> for TimeLimited<S, T, M>
where
    S: Service<Request>,
    S::Error: From<Rejected> + From<TimedOut>,
    T: Time,
    M: MetaOf<Request>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = TimeLimitedFuture<S::Future, T>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let meta = self.meta.of(&request);
        self.limiter.limit(&meta, || self.inner.call(request))
    }
}
