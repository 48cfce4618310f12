//! A service in a pool.

use std::future::poll_fn;
use std::task::{Context, Poll};

use ninefold_core::policy::Rejected;
use tower_service::Service;

use super::{PoolFuture, ThreadPoolBulkhead, block_on};
use crate::Panicked;
use crate::meta::{MetaOf, Ordinary};

/// A service that runs in the threads of a pool: `poll_ready`, `call` and the future of a clone of
/// it, so all of them may block. The future needs no runtime unless it asks for one by itself.
#[derive(Clone, Debug)]
pub struct Pooled<S, M = Ordinary> {
    inner: S,
    pool: ThreadPoolBulkhead,
    meta: M,
}

impl<S, M> Pooled<S, M> {
    pub(super) const fn new(inner: S, pool: ThreadPoolBulkhead, meta: M) -> Self {
        Self { inner, pool, meta }
    }
}

impl<S, Request, M> Service<Request> for Pooled<S, M>
where
    S: Service<Request> + Clone + Send + 'static,
    S::Response: Send + 'static,
    S::Error: From<Rejected> + From<Panicked> + Send + 'static,
    Request: Send + 'static,
    M: MetaOf<Request>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = PoolFuture<S::Response, S::Error>;

    /// Always ready: the pool is asked in `call` (tower#547), the inner service in the pool.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let meta = self.meta.of(&request);
        let mut inner = self.inner.clone();
        self.pool.submit(&meta, move || {
            block_on(async move {
                poll_fn(|context| inner.poll_ready(context)).await?;
                inner.call(request).await
            })
        })
    }
}
