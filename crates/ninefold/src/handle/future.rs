//! A call behind a policy.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use ninefold_core::policy::classify::Classify;
use ninefold_core::policy::{Admission, Now, Permit, Rejected};
use pin_project_lite::pin_project;

use super::handle::conclude;

pin_project! {
    /// The answer of a [`Guarded`](super::Guarded) service. Dropping it cancels the call, and the
    /// policy learns nothing from it.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless they are polled"]
    pub struct GuardedFuture<F, P: Admission, C, K> {
        #[pin]
        state: State<F, P, C, K>,
    }
}

pin_project! {
    #[derive(Debug)]
    #[project = StateOf]
    enum State<F, P: Admission, C, K> {
        Rejected { why: Rejected },
        Admitted { #[pin] call: F, permit: Option<Permit<Arc<P>>>, clock: C, classify: K },
    }
}

impl<F, P: Admission, C, K> GuardedFuture<F, P, C, K> {
    pub(crate) const fn rejected(why: Rejected) -> Self {
        Self {
            state: State::Rejected { why },
        }
    }

    pub(crate) const fn admitted(call: F, permit: Permit<Arc<P>>, clock: C, classify: K) -> Self {
        Self {
            state: State::Admitted {
                call,
                permit: Some(permit),
                clock,
                classify,
            },
        }
    }
}

impl<F, T, E, P, C, K> Future for GuardedFuture<F, P, C, K>
where
    F: Future<Output = Result<T, E>>,
    E: From<Rejected>,
    P: Admission,
    C: Now,
    K: Classify<T, E>,
{
    type Output = Result<T, E>;

    #[inline]
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().state.project() {
            StateOf::Rejected { why } => Poll::Ready(Err((*why).into())),
            StateOf::Admitted {
                call,
                permit,
                clock,
                classify,
            } => {
                let result = ready!(call.poll(context));
                if let Some(permit) = permit {
                    conclude(permit, classify, clock, &result);
                }
                *permit = None;
                Poll::Ready(result)
            }
        }
    }
}
