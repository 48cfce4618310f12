//! Waiting for one's turn.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use ninefold_core::policy::queue::{WaiterId, Waiting};
use ninefold_core::policy::{Permit, Rejected, RequestMeta};
use ninefold_core::time::Timestamp;
use pin_project_lite::pin_project;

use super::seats::Seat;
use super::{Lobby, WaitingPermit};
use crate::clock::Time;

pin_project! {
    /// Leave for a call, once it is its turn. Dropping it gives up the turn.
    #[must_use = "futures do nothing unless they are polled"]
    pub struct Acquire<P: Waiting, T: Time> {
        lobby: Arc<Lobby<P, T>>,
        request: RequestMeta,
        // When it was asked for, where that is known.
        asked: Option<Timestamp>,
        // Where it sits, once it has entered and until it has looked.
        id: Option<WaiterId>,
        // The timer that it keeps for all who wait, and when that goes off.
        #[pin]
        timer: Option<T::Sleep>,
        armed: Option<Timestamp>,
    }

    impl<P: Waiting, T: Time> PinnedDrop for Acquire<P, T> {
        fn drop(this: Pin<&mut Self>) {
            let this = this.project();
            if let Some(id) = this.id.take() {
                this.lobby.leave(id);
            }
            if let Some(at) = this.armed.take() {
                this.lobby.with(|seats, woken| seats.disarm(at, woken));
            }
        }
    }
}

impl<P: Waiting, T: Time> Acquire<P, T> {
    pub(super) const fn new(
        lobby: Arc<Lobby<P, T>>,
        request: RequestMeta,
        asked: Option<Timestamp>,
    ) -> Self {
        Self {
            lobby,
            request,
            asked,
            id: None,
            timer: None,
            armed: None,
        }
    }
}

impl<P: Waiting, T: Time> Future for Acquire<P, T> {
    type Output = Result<WaitingPermit<P, T>, Rejected>;

    #[inline]
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        if this.id.is_none() {
            let policy = this.lobby.policy();
            let placed = match this.asked.take() {
                Some(now) => policy.try_place(this.request, now),
                None => policy.try_place(this.request, this.lobby.clock()),
            };
            match placed {
                Ok(Some(token)) => {
                    return Poll::Ready(Ok(Permit::of(Arc::clone(this.lobby), token)));
                }
                Ok(None) => {}
                Err(rejected) => return Poll::Ready(Err(rejected)),
            }
            match this.lobby.enter(this.request, context.waker()) {
                Ok(id) => *this.id = Some(id),
                Err(rejected) => return Poll::Ready(Err(rejected)),
            }
        }
        let Some(id) = *this.id else {
            return Poll::Pending;
        };
        loop {
            let (seat, arm) = this.lobby.with(|seats, _| {
                let seat = seats.look(id, context.waker());
                let arm = seat.is_none().then(|| seats.arm()).flatten();
                (seat, arm)
            });
            if let Some(seat) = seat {
                *this.id = None;
                return Poll::Ready(match seat {
                    Seat::Served(token) => Ok(Permit::of(Arc::clone(this.lobby), token)),
                    Seat::Refused(rejected) => Err(rejected),
                    // `look` never gives it.
                    Seat::Waits(_) => return Poll::Pending,
                });
            }
            if let Some(at) = arm {
                *this.armed = Some(at);
                let sleep = this.lobby.clock().sleep_until(at);
                this.timer.set(Some(sleep));
            }
            let Some(timer) = this.timer.as_mut().as_pin_mut() else {
                return Poll::Pending;
            };
            ready!(timer.poll(context));
            this.timer.set(None);
            if let Some(at) = this.armed.take() {
                this.lobby.with(|seats, woken| seats.disarm(at, woken));
            }
        }
    }
}

impl<P: Waiting, T: Time> fmt::Debug for Acquire<P, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Acquire")
            .field("request", &self.request)
            .field("waits", &self.id.is_some())
            .finish_non_exhaustive()
    }
}
