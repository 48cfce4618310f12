//! A call in a pool.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use ninefold_core::policy::Rejected;

use super::pool::Pool;
use super::slot::Slot;

/// The answer of a call in a pool. Dropping it takes the call out of the queue; if it is being
/// worked on, the work goes on and its result is dropped.
#[derive(Debug)]
#[must_use = "dropping it gives the call up"]
pub struct PoolFuture<T, E>(State<T, E>);

#[derive(Debug)]
enum State<T, E> {
    Rejected(Rejected),
    Queued {
        slot: Arc<Slot<Result<T, E>>>,
        pool: Arc<Pool>,
        id: u64,
    },
    Done,
}

impl<T, E> PoolFuture<T, E> {
    pub(super) const fn rejected(why: Rejected) -> Self {
        Self(State::Rejected(why))
    }

    pub(super) const fn queued(slot: Arc<Slot<Result<T, E>>>, pool: Arc<Pool>, id: u64) -> Self {
        Self(State::Queued { slot, pool, id })
    }
}

impl<T, E: From<Rejected>> Future for PoolFuture<T, E> {
    type Output = Result<T, E>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let answer = match &self.0 {
            State::Rejected(why) => Poll::Ready(Err((*why).into())),
            State::Queued { slot, .. } => slot.poll(context),
            State::Done => Poll::Pending,
        };
        if answer.is_ready() {
            self.0 = State::Done;
        }
        answer
    }
}

impl<T, E> Drop for PoolFuture<T, E> {
    fn drop(&mut self) {
        if let State::Queued { slot, pool, id } = &self.0 {
            slot.give_up();
            pool.withdraw(*id);
        }
    }
}
