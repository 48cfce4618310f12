//! A call that something may be done to.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;

use crate::clock::Time;

pin_project! {
    /// The answer of a service with chaos.
    #[must_use = "futures do nothing unless they are polled"]
    pub struct ChaosFuture<F, T: Time, R> {
        #[pin]
        sleep: Option<T::Sleep>,
        #[pin]
        then: Then<F, R>,
    }
}

pin_project! {
    #[project = ThenOf]
    enum Then<F, R> {
        Call { #[pin] call: F },
        Answer { answer: Option<R> },
    }
}

impl<F, T: Time, R> ChaosFuture<F, T, R> {
    pub(super) const fn call(sleep: Option<T::Sleep>, call: F) -> Self {
        let then = Then::Call { call };
        Self { sleep, then }
    }

    pub(super) const fn answer(sleep: Option<T::Sleep>, answer: R) -> Self {
        let answer = Some(answer);
        let then = Then::Answer { answer };
        Self { sleep, then }
    }
}

impl<F: Future, T: Time> Future for ChaosFuture<F, T, F::Output> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let mut this = self.project();
        if let Some(sleep) = this.sleep.as_mut().as_pin_mut() {
            ready!(sleep.poll(context));
            this.sleep.set(None);
        }
        match this.then.project() {
            ThenOf::Call { call } => call.poll(context),
            ThenOf::Answer { answer } => answer.take().map_or(Poll::Pending, Poll::Ready),
        }
    }
}

impl<F, T: Time, R> fmt::Debug for ChaosFuture<F, T, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChaosFuture").finish_non_exhaustive()
    }
}
