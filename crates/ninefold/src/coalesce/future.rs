//! A caller's wait.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use ninefold_core::policy::Rejected;

use super::group::Seat;

/// The answer of a call that others may wait for as well. Dropping it leaves the call to them; the
/// last one ends it, unless there is a spawner.
#[must_use = "futures do nothing unless they are polled"]
pub struct CoalesceFuture<K, T, E>(State<K, T, E>)
where
    K: Eq;

enum State<K, T, E>
where
    K: Eq,
{
    Rejected(Rejected),
    Seated(Seat<K, T, E>),
    Done,
}

impl<K: Eq, T, E> CoalesceFuture<K, T, E> {
    pub(super) const fn rejected(why: Rejected) -> Self {
        Self(State::Rejected(why))
    }

    pub(super) const fn seated(seat: Seat<K, T, E>) -> Self {
        Self(State::Seated(seat))
    }
}

// Nothing in it is pinned: the call itself is in a box.
impl<K: Eq, T, E> Unpin for CoalesceFuture<K, T, E> {}

impl<K, T, E> Future for CoalesceFuture<K, T, E>
where
    K: Eq,
    T: Clone + Send + Sync + 'static,
    E: Clone + From<Rejected> + Send + Sync + 'static,
{
    type Output = Result<T, E>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let answer = match &self.0 {
            State::Rejected(why) => Err((*why).into()),
            State::Seated(seat) => {
                let (answer, ended) = ready!(seat.flight.poll(seat.id, context));
                if ended {
                    seat.forget();
                }
                answer
            }
            State::Done => return Poll::Pending,
        };
        self.0 = State::Done;
        Poll::Ready(answer)
    }
}

impl<K: Eq, T, E> fmt::Debug for CoalesceFuture<K, T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CoalesceFuture").finish_non_exhaustive()
    }
}

/// A call that goes on after its last caller has given up. Its result is for those who join it.
#[must_use = "futures do nothing unless they are polled"]
pub struct Detached<K, T, E>(CoalesceFuture<K, T, E>)
where
    K: Eq;

impl<K: Eq, T, E> Detached<K, T, E> {
    pub(super) const fn new(call: CoalesceFuture<K, T, E>) -> Self {
        Self(call)
    }
}

impl<K, T, E> Future for Detached<K, T, E>
where
    K: Eq,
    T: Clone + Send + Sync + 'static,
    E: Clone + From<Rejected> + Send + Sync + 'static,
{
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        Pin::new(&mut self.0).poll(context).map(drop)
    }
}

impl<K: Eq, T, E> fmt::Debug for Detached<K, T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Detached").finish_non_exhaustive()
    }
}
