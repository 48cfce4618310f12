//! A call with another answer at hand.

use std::fmt;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;

use super::fallback::Shared;
use super::{Accept, Substitute};

pin_project! {
    /// The answer of a service with a fallback.
    #[must_use = "futures do nothing unless they are polled"]
    pub struct FallbackFuture<F, S, A, Request, Kept> {
        #[pin]
        call: F,
        shared: Arc<Shared<S, A>>,
        kept: Option<Kept>,
        request: PhantomData<fn(Request)>,
    }
}

impl<F, S, A, Request, Kept> FallbackFuture<F, S, A, Request, Kept> {
    pub(super) const fn new(call: F, shared: Arc<Shared<S, A>>, kept: Kept) -> Self {
        Self {
            call,
            shared,
            kept: Some(kept),
            request: PhantomData,
        }
    }
}

impl<F, S, A, Request, T, E> Future for FallbackFuture<F, S, A, Request, S::Kept>
where
    F: Future<Output = Result<T, E>>,
    S: Substitute<Request, T, E>,
    A: Accept<E>,
{
    type Output = Result<T, E>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let result = ready!(this.call.poll(context));
        Poll::Ready(this.shared.conclude(result, || this.kept.take()))
    }
}

impl<F, S, A, Request, Kept> fmt::Debug for FallbackFuture<F, S, A, Request, Kept> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FallbackFuture").finish_non_exhaustive()
    }
}
