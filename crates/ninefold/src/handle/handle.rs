//! The handle itself.

use std::ops::Deref;
use std::sync::Arc;

use ninefold_core::policy::classify::{ByResult, Classify};
use ninefold_core::policy::{Admission, Now, Permit, Rejected, RequestMeta};

use crate::clock::PreciseClock;
use crate::{ByError, Error};

/// A shared policy with its clock and its classifier.
#[derive(Debug)]
pub struct Handle<P, C = PreciseClock, K = ByResult> {
    pub(crate) policy: Arc<P>,
    pub(crate) clock: C,
    pub(crate) classify: K,
}

impl<P, C: Default> Handle<P, C> {
    /// A policy on the clock that fits it, which takes `Ok` for a success and `Err` for a failure.
    #[must_use]
    pub fn of(policy: P) -> Self {
        Self {
            policy: Arc::new(policy),
            clock: C::default(),
            classify: ByResult,
        }
    }
}

impl<P, C, K> Handle<P, C, K> {
    /// The same policy on another clock, such as a
    /// [`VirtualTime`](crate::clock::VirtualTime) in tests.
    pub fn with_clock<D>(self, clock: D) -> Handle<P, D, K> {
        Handle {
            policy: self.policy,
            clock,
            classify: self.classify,
        }
    }

    /// The same policy with another idea of what a failure is.
    pub fn with_classify<L>(self, classify: L) -> Handle<P, C, L> {
        Handle {
            policy: self.policy,
            clock: self.clock,
            classify,
        }
    }

    /// The same policy, which takes refusals of policies within for nothing that it should learn
    /// from: the classifier for pipelines.
    pub fn by_error(self) -> Handle<P, C, ByError<K>> {
        Handle {
            policy: self.policy,
            clock: self.clock,
            classify: ByError(self.classify),
        }
    }

    /// The policy, to be shared on.
    pub const fn policy(&self) -> &Arc<P> {
        &self.policy
    }

    /// The clock that the policy is asked with, for whoever settles a permit of this handle.
    pub const fn clock(&self) -> &C {
        &self.clock
    }

    /// What tells failures from successes.
    pub const fn classify(&self) -> &K {
        &self.classify
    }
}

impl<P: Admission, C: Now, K> Handle<P, C, K> {
    /// Leave for one call, to be settled by the caller.
    ///
    /// # Errors
    ///
    /// [`Rejected`] if the policy refuses.
    #[inline]
    pub fn permit(&self, request: &RequestMeta) -> Result<Permit<&P>, Rejected> {
        Permit::acquire(&*self.policy, request, &self.clock)
    }

    /// Calls, if the policy admits it, and tells the policy how that ended.
    ///
    /// # Errors
    ///
    /// [`Error::Rejected`] if the policy refuses, [`Error::Service`] if the call fails.
    #[inline]
    pub async fn call<T, E, F>(&self, call: impl FnOnce() -> F) -> Result<T, Error<E>>
    where
        F: Future<Output = Result<T, E>>,
        K: Classify<T, E>,
    {
        // Not by `call_with`: a future within a future would cost more than the policy.
        let mut permit = self.permit(&RequestMeta::default())?;
        let result = call().await;
        conclude(&mut permit, &self.classify, &self.clock, &result);
        result.map_err(Error::Service)
    }

    /// As [`Handle::call`], for a policy that looks at the request.
    ///
    /// # Errors
    ///
    /// [`Error::Rejected`] if the policy refuses, [`Error::Service`] if the call fails.
    #[inline]
    pub async fn call_with<T, E, F>(
        &self,
        request: &RequestMeta,
        call: impl FnOnce() -> F,
    ) -> Result<T, Error<E>>
    where
        F: Future<Output = Result<T, E>>,
        K: Classify<T, E>,
    {
        let mut permit = self.permit(request)?;
        let result = call().await;
        conclude(&mut permit, &self.classify, &self.clock, &result);
        result.map_err(Error::Service)
    }
}

/// Tells the policy how a call ended, unless it was cancelled.
#[inline]
pub(crate) fn conclude<R, T, E>(
    permit: &mut Permit<R>,
    classify: &impl Classify<T, E>,
    clock: &impl Now,
    result: &Result<T, E>,
) where
    R: Deref,
    R::Target: Admission,
{
    if let Some(outcome) = classify.classify(result.as_ref()) {
        permit.end(outcome, clock);
    }
}

impl<P, C: Clone, K: Clone> Clone for Handle<P, C, K> {
    fn clone(&self) -> Self {
        Self {
            policy: Arc::clone(&self.policy),
            clock: self.clock.clone(),
            classify: self.classify.clone(),
        }
    }
}

/// All that concerns the policy's own state: its configuration, levers and figures.
impl<P, C, K> Deref for Handle<P, C, K> {
    type Target = P;

    fn deref(&self) -> &P {
        &self.policy
    }
}
