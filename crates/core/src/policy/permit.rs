//! Leave for one call.

use std::ops::Deref;

use super::{Admission, Now, Outcome, Rejected, RequestMeta};

/// Leave for one call, from a policy that is borrowed (`R = &P`) or shared (`R = Arc<P>`).
///
/// Dropping it means *cancelled*: what it held is released and nothing is learnt.
#[must_use = "a permit that is dropped at once is a cancelled call"]
#[derive(Debug)]
pub struct Permit<R>
where
    R: Deref,
    R::Target: Admission,
{
    policy: R,
    token: Option<<R::Target as Admission>::Token>,
}

impl<R> Permit<R>
where
    R: Deref,
    R::Target: Admission,
{
    /// Asks `policy` for one call to go on.
    ///
    /// # Errors
    ///
    /// What [`Admission::try_acquire`] says.
    #[inline]
    pub fn acquire(policy: R, request: &RequestMeta, now: impl Now) -> Result<Self, Rejected> {
        let token = Some(policy.try_acquire(request, now)?);
        Ok(Self { policy, token })
    }

    /// A permit for a token that the policy gave out before, as a queue does.
    #[inline]
    pub const fn of(policy: R, token: <R::Target as Admission>::Token) -> Self {
        Self {
            policy,
            token: Some(token),
        }
    }

    /// The call ended.
    #[inline]
    pub fn settle(mut self, outcome: Outcome, now: impl Now) {
        self.end(outcome, now);
    }

    /// The call ended, for whoever keeps the permit where it is, as a future does that holds it
    /// across an `await`: to move it out costs more than to settle it. A second end says nothing.
    #[inline]
    pub fn end(&mut self, outcome: Outcome, now: impl Now) {
        if let Some(token) = self.token.take() {
            self.policy.settle(token, outcome, now);
        }
    }

    /// The policy that gave it.
    #[inline]
    pub fn policy(&self) -> &R::Target {
        &self.policy
    }
}

impl<R> Drop for Permit<R>
where
    R: Deref,
    R::Target: Admission,
{
    #[inline]
    fn drop(&mut self) {
        if let Some(token) = self.token.take() {
            self.policy.cancel(token);
        }
    }
}
