//! A call with a limit.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use ninefold_core::policy::Rejected;
use pin_project_lite::pin_project;

use super::limiter::{Limit, Shared};
use crate::TimedOut;
use crate::clock::Time;

pin_project! {
    /// A call with a limit of time. When the limit comes, the call is dropped and the error is
    /// handed out, in this order.
    #[must_use = "futures do nothing unless they are polled"]
    pub struct TimeLimitedFuture<F, T: Time> {
        #[pin]
        state: State<F, T>,
    }
}

pin_project! {
    #[project = StateOf]
    enum State<F, T: Time> {
        Rejected { why: Rejected },
        Running {
            #[pin]
            call: F,
            // Made when the call is first found not to be ready.
            #[pin]
            sleep: Option<T::Sleep>,
            time: T,
            limit: Limit,
            shared: Arc<Shared>,
        },
        Done,
    }
}

impl<F, T: Time> TimeLimitedFuture<F, T> {
    pub(super) const fn rejected(why: Rejected) -> Self {
        Self {
            state: State::Rejected { why },
        }
    }

    pub(super) const fn running(call: F, time: T, limit: Limit, shared: Arc<Shared>) -> Self {
        let state = State::Running {
            call,
            sleep: None,
            time,
            limit,
            shared,
        };
        Self { state }
    }
}

impl<F, T, R, E> Future for TimeLimitedFuture<F, T>
where
    F: Future<Output = Result<R, E>>,
    T: Time,
    E: From<Rejected> + From<TimedOut>,
{
    type Output = Result<R, E>;

    #[inline]
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.project().state;
        let result = match state.as_mut().project() {
            StateOf::Rejected { why } => Err((*why).into()),
            StateOf::Running {
                call,
                mut sleep,
                time,
                limit,
                shared,
            } => {
                if let Poll::Ready(result) = call.poll(context) {
                    result
                } else {
                    if sleep.is_none() {
                        sleep.set(Some(time.sleep_until(limit.at)));
                    }
                    match sleep.as_pin_mut().map(|sleep| sleep.poll(context)) {
                        Some(Poll::Ready(())) => Err(shared.timed_out(*limit).into()),
                        Some(Poll::Pending) | None => return Poll::Pending,
                    }
                }
            }
            StateOf::Done => return Poll::Pending,
        };
        // Here the work ends, whatever the caller does with this future afterwards.
        state.set(State::Done);
        Poll::Ready(result)
    }
}

impl<F, T: Time> fmt::Debug for TimeLimitedFuture<F, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TimeLimitedFuture").finish_non_exhaustive()
    }
}
