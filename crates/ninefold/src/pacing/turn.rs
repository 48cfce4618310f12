//! Waiting for one's place.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use ninefold_core::policy::rate_limiter::Reservation;
use ninefold_core::policy::{Rejected, RequestMeta};
use pin_project_lite::pin_project;

use super::pacer::Shared;
use crate::clock::Time;

pin_project! {
    /// Ready once it is a call's turn; at once with a refusal if there is no place for it in time.
    /// Dropping it before gives the place back if it is the latest.
    #[must_use = "futures do nothing unless they are polled"]
    pub struct Turn<T: Time> {
        refused: Option<Rejected>,
        seat: Option<Seat>,
        #[pin]
        sleep: Option<T::Sleep>,
    }
}

/// A place ahead, and a chair until then.
struct Seat {
    shared: Arc<Shared>,
    reservation: Option<Reservation>,
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.shared.rise();
        if let Some(reservation) = self.reservation.take() {
            // One that others stand behind is lost.
            let _given_back = self.shared.limiter.cancel_reservation(reservation);
        }
    }
}

impl<T: Time> Turn<T> {
    pub(super) fn reserve(shared: &Arc<Shared>, time: &T, request: &RequestMeta) -> Self {
        let refused = |why| Self {
            refused: Some(why),
            seat: None,
            sleep: None,
        };
        let now = time.now();
        let reservation = match shared.limiter.reserve(request, now) {
            Ok(reservation) => reservation,
            Err(why) => return refused(why),
        };
        let wait = reservation.wait();
        if wait.is_zero() {
            return Self {
                refused: None,
                seat: None,
                sleep: None,
            };
        }
        if !shared.sit() {
            return refused(shared.limiter.decline(reservation));
        }
        let seat = Seat {
            shared: Arc::clone(shared),
            reservation: Some(reservation),
        };
        Self {
            refused: None,
            seat: Some(seat),
            sleep: Some(time.sleep_until(now + wait)),
        }
    }
}

impl<T: Time> Future for Turn<T> {
    type Output = Result<(), Rejected>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        if let Some(why) = *this.refused {
            return Poll::Ready(Err(why));
        }
        if let Some(sleep) = this.sleep.as_mut().as_pin_mut() {
            ready!(sleep.poll(context));
            this.sleep.set(None);
        }
        // Its place is used, and not to be given back.
        if let Some(seat) = this.seat.as_mut() {
            seat.reservation = None;
        }
        *this.seat = None;
        Poll::Ready(Ok(()))
    }
}

impl<T: Time> fmt::Debug for Turn<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Turn")
            .field("refused", &self.refused)
            .field("waits", &self.sleep.is_some())
            .finish_non_exhaustive()
    }
}
