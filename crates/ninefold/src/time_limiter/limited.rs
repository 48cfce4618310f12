//! A call with a limit, of a limiter that is borrowed.

use std::pin::Pin;
use std::task::{Context, Poll};

use ninefold_core::time::Timestamp;
use pin_project_lite::pin_project;

use super::limiter::{Limit, Shared};
use crate::Error;
use crate::clock::Time;

pin_project! {
    /// What `call` returns. It begins with its first poll. As an `async fn` it would keep its parts
    /// twice, and moving them would cost more than the limit does.
    pub(super) struct Limited<'a, C, F, T: Time> {
        shared: &'a Shared,
        time: &'a T,
        #[pin]
        state: State<C, F, T::Sleep>,
    }
}

pin_project! {
    #[project = StateOf]
    enum State<C, F, S> {
        New { call: Option<C>, deadline: Option<Timestamp> },
        Running {
            #[pin]
            call: F,
            // Made when the call is first found not to be ready.
            #[pin]
            sleep: Option<S>,
            limit: Limit,
        },
        Done,
    }
}

impl<'a, C, F, T: Time> Limited<'a, C, F, T> {
    pub(super) const fn new(
        shared: &'a Shared,
        time: &'a T,
        deadline: Option<Timestamp>,
        call: C,
    ) -> Self {
        let call = Some(call);
        Self {
            shared,
            time,
            state: State::New { call, deadline },
        }
    }
}

impl<C, F, T, R, E> Future for Limited<'_, C, F, T>
where
    C: FnOnce() -> F,
    F: Future<Output = Result<R, E>>,
    T: Time,
{
    type Output = Result<R, Error<E>>;

    #[inline]
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let mut state = this.state;
        if let StateOf::New { call, deadline } = state.as_mut().project() {
            let limit = match this.shared.limit(*this.time, *deadline) {
                Ok(limit) => limit,
                Err(why) => {
                    state.set(State::Done);
                    return Poll::Ready(Err(why.into()));
                }
            };
            let Some(call) = call.take() else {
                return Poll::Pending;
            };
            let (call, sleep) = (call(), None);
            state.set(State::Running { call, sleep, limit });
        }
        let StateOf::Running {
            call,
            mut sleep,
            limit,
        } = state.as_mut().project()
        else {
            return Poll::Pending;
        };
        let result = if let Poll::Ready(result) = call.poll(context) {
            result.map_err(Error::Service)
        } else {
            if sleep.is_none() {
                sleep.set(Some(this.time.sleep_until(limit.at)));
            }
            match sleep.as_pin_mut().map(|sleep| sleep.poll(context)) {
                Some(Poll::Ready(())) => Err(this.shared.timed_out(*limit).into()),
                Some(Poll::Pending) | None => return Poll::Pending,
            }
        };
        state.set(State::Done);
        Poll::Ready(result)
    }
}
