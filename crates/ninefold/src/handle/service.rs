//! A service behind a policy.

use std::sync::Arc;
use std::task::{Context, Poll};

use ninefold_core::policy::classify::Classify;
use ninefold_core::policy::{Admission, Now, Permit, Rejected, RequestMeta};
use tower_service::Service;

use super::{GuardedFuture, Handle};
use crate::meta::{MetaOf, Ordinary};

/// A service behind a policy. Its error is the inner one's, which must be able to say that a policy
/// refused: [`crate::Error`], a boxed error, or one of your own.
///
/// The policy is asked in `call`, not in `poll_ready`: a service that was made ready and then never
/// called holds no permit (tower#547).
#[derive(Debug)]
pub struct Guarded<S, P, C, K, M = Ordinary> {
    inner: S,
    handle: Handle<P, C, K>,
    meta: M,
}

impl<S, P, C: Clone, K: Clone, M> Guarded<S, P, C, K, M> {
    pub(super) const fn new(inner: S, handle: Handle<P, C, K>, meta: M) -> Self {
        Self {
            inner,
            handle,
            meta,
        }
    }

    /// The policy in front.
    pub const fn handle(&self) -> &Handle<P, C, K> {
        &self.handle
    }
}

impl<S, Request, P, C, K, M> Service<Request> for Guarded<S, P, C, K, M>
where
    S: Service<Request>,
    S::Error: From<Rejected>,
    P: Admission,
    C: Now + Clone,
    K: Classify<S::Response, S::Error> + Clone,
    M: MetaOf<Request>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = GuardedFuture<S::Future, P, C, K>;

    #[inline]
    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    #[inline]
    fn call(&mut self, mut request: Request) -> Self::Future {
        let Handle {
            policy,
            clock,
            classify,
        } = &self.handle;
        let meta = self.meta.of(&request);
        match Permit::acquire(Arc::clone(policy), &meta, clock) {
            Err(rejected) => GuardedFuture::rejected(rejected),
            Ok(permit) => {
                hand_on(&**policy, &self.meta, &mut request, meta, clock);
                let call = self.inner.call(request);
                GuardedFuture::admitted(call, permit, clock.clone(), classify.clone())
            }
        }
    }
}

/// Leaves in a request what policies within should know of it, if that is not what it says.
#[inline]
pub(crate) fn hand_on<Request>(
    policy: &impl Admission,
    place: &impl MetaOf<Request>,
    request: &mut Request,
    known: RequestMeta,
    clock: &impl Now,
) {
    let within = policy.within(known, clock);
    if within != known {
        place.put(request, within);
    }
}

impl<S: Clone, P, C: Clone, K: Clone, M: Clone> Clone for Guarded<S, P, C, K, M> {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            handle: self.handle.clone(),
            meta: self.meta.clone(),
        }
    }
}
