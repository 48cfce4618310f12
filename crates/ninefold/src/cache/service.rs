//! A service behind a cache.

use std::hash::Hash;
use std::task::{Context, Poll};

use ninefold_core::policy::Now;
use tower_service::Service;

use super::{Cache, CacheFuture, Refresh};
use crate::spawn::Spawn;

/// A service behind a cache. The inner service must be ready for a hit too, since nobody knows the
/// request before `call`.
#[derive(Clone, Debug)]
pub struct Cached<Inner, K, V, C, S, X>
where
    C: Clone,
    S: Clone,
{
    inner: Inner,
    cache: Cache<K, V, C, S>,
    key: X,
}

impl<Inner, K, V, C: Clone, S: Clone, X> Cached<Inner, K, V, C, S, X> {
    pub(super) const fn new(inner: Inner, cache: Cache<K, V, C, S>, key: X) -> Self {
        Self { inner, cache, key }
    }
}

impl<Inner, Request, K, V, C, S, X> Service<Request> for Cached<Inner, K, V, C, S, X>
where
    Inner: Service<Request, Response = V>,
    K: Clone + Eq + Hash,
    V: Clone,
    C: Now + Clone,
    S: Spawn<Refresh<Inner::Future, K, V, C>> + Clone,
    X: Fn(&Request) -> Option<K>,
{
    type Response = V;
    type Error = Inner::Error;
    type Future = CacheFuture<Inner::Future, K, V, C>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Inner::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        match (self.key)(&request) {
            None => CacheFuture::passing(self.inner.call(request)),
            Some(key) => self.cache.start(&key, || self.inner.call(request)),
        }
    }
}
