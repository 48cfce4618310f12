//! Where a result waits for its caller.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

/// One result, from a thread to a future.
#[derive(Debug)]
pub(super) struct Slot<O>(Mutex<Stage<O>>);

#[derive(Debug)]
enum Stage<O> {
    Waiting(Option<Waker>),
    Done(O),
    /// The result was taken, or nobody wants it.
    Over,
}

impl<O> Slot<O> {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self(Mutex::new(Stage::Waiting(None))))
    }

    /// Hands over the result, if somebody waits for it.
    fn fill(&self, output: O) {
        let mut stage = self.lock();
        if let Stage::Waiting(waker) = &mut *stage {
            let waker = waker.take();
            *stage = Stage::Done(output);
            drop(stage);
            if let Some(waker) = waker {
                waker.wake();
            }
        }
    }

    pub(super) fn poll(&self, context: &Context<'_>) -> Poll<O> {
        let mut stage = self.lock();
        let old = match &mut *stage {
            Stage::Waiting(Some(waker)) if waker.will_wake(context.waker()) => None,
            Stage::Waiting(waker) => waker.replace(context.waker().clone()),
            Stage::Over => None,
            Stage::Done(_) => {
                if let Stage::Done(output) = std::mem::replace(&mut *stage, Stage::Over) {
                    return Poll::Ready(output);
                }
                None
            }
        };
        drop(stage);
        // Without the lock: dropping a waker may drop a task, and with it this slot's future.
        drop(old);
        Poll::Pending
    }

    /// Nobody waits any more.
    pub(super) fn give_up(&self) {
        let stage = std::mem::replace(&mut *self.lock(), Stage::Over);
        drop(stage);
    }

    fn lock(&self) -> MutexGuard<'_, Stage<O>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Fills a slot, even if the work on the result ends by a panic.
#[derive(Debug)]
pub(super) struct Promise<O> {
    slot: Arc<Slot<O>>,
    broken: Option<fn() -> O>,
}

impl<O> Promise<O> {
    /// A promise of a result, and of `broken` if it is dropped without one.
    pub(super) const fn new(slot: Arc<Slot<O>>, broken: fn() -> O) -> Self {
        Self {
            slot,
            broken: Some(broken),
        }
    }

    pub(super) fn keep(mut self, output: O) {
        self.broken = None;
        self.slot.fill(output);
    }
}

impl<O> Drop for Promise<O> {
    fn drop(&mut self) {
        if let Some(broken) = self.broken.take() {
            self.slot.fill(broken());
        }
    }
}
