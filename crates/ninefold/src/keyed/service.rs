//! A service behind a policy for each key.

use std::hash::Hash;
use std::task::{Context, Poll};

use ninefold_core::policy::classify::Classify;
use ninefold_core::policy::{Admission, Evictable, Now, Rejected};
use tower_service::Service;

use super::Keyed;
use crate::handle::{GuardedFuture, hand_on};
use crate::meta::{MetaOf, Ordinary};

/// A service behind a policy for each key. The policy is asked in `call`, when the key is known.
#[derive(Debug)]
pub struct GuardedByKey<S, K, P, C, L, X, M = Ordinary> {
    inner: S,
    keyed: Keyed<K, P, C, L>,
    key: X,
    meta: M,
}

impl<S, K, P, C, L, X, M> GuardedByKey<S, K, P, C, L, X, M> {
    pub(super) const fn new(inner: S, keyed: Keyed<K, P, C, L>, key: X, meta: M) -> Self {
        Self {
            inner,
            keyed,
            key,
            meta,
        }
    }

    /// The policies in front.
    pub const fn keyed(&self) -> &Keyed<K, P, C, L> {
        &self.keyed
    }
}

impl<S, Request, K, P, C, L, X, M> Service<Request> for GuardedByKey<S, K, P, C, L, X, M>
where
    S: Service<Request>,
    S::Error: From<Rejected>,
    K: Clone + Eq + Hash,
    P: Admission + Evictable,
    C: Now + Clone,
    L: Classify<S::Response, S::Error> + Clone,
    X: Fn(&Request) -> K,
    M: MetaOf<Request>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = GuardedFuture<S::Future, P, C, L>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request) -> Self::Future {
        let key = (self.key)(&request);
        let meta = self.meta.of(&request);
        match self.keyed.permit(&key, &meta) {
            Err(why) => GuardedFuture::rejected(why),
            Ok(permit) => {
                let clock = self.keyed.clock.clone();
                hand_on(permit.policy(), &self.meta, &mut request, meta, &clock);
                let call = self.inner.call(request);
                GuardedFuture::admitted(call, permit, clock, self.keyed.classify.clone())
            }
        }
    }
}

impl<S, K, P, C, L, X, M> Clone for GuardedByKey<S, K, P, C, L, X, M>
where
    S: Clone,
    C: Clone,
    L: Clone,
    X: Clone,
    M: Clone,
{
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            keyed: self.keyed.clone(),
            key: self.key.clone(),
            meta: self.meta.clone(),
        }
    }
}
