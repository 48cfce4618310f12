//! The one question most policies answer.

use std::fmt::Debug;

use super::{Now, Outcome, PolicyKind, Rejected, RequestMeta};

/// A policy that admits calls and is told how they ended.
///
/// For each token of [`Admission::try_acquire`] exactly one of [`Admission::settle`] and
/// [`Admission::cancel`] is called. A [`Permit`](super::Permit) sees to that, and is what most
/// callers use.
pub trait Admission: Send + Sync {
    /// What is remembered of an admitted call: the generation, the time it began.
    type Token: Debug + Send;

    /// Which policy it is.
    const KIND: PolicyKind;

    /// Asks for one call to go on.
    ///
    /// # Errors
    ///
    /// [`Rejected`] says why not; then nothing is held, and there is nothing to settle.
    fn try_acquire(&self, request: &RequestMeta, now: impl Now) -> Result<Self::Token, Rejected>;

    /// What policies within this one should know of an admitted call. It is what this one was told,
    /// unless this one bounds it: a [`Deadline`](super::Deadline) gives it the deadline that holds.
    #[inline]
    fn within(&self, request: RequestMeta, _now: impl Now) -> RequestMeta {
        request
    }

    /// The call ended.
    fn settle(&self, token: Self::Token, outcome: Outcome, now: impl Now);

    /// The call was given up, so nobody knows. Releases all that it held.
    fn cancel(&self, token: Self::Token);
}
