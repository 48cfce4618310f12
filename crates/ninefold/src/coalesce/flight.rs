//! One call, and those who wait for it.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

/// The call itself. Whoever waits polls it, in whatever thread.
pub(super) type Work<O> = Pin<Box<dyn Future<Output = O> + Send>>;

/// One call under way.
pub(super) struct Flight<O> {
    state: Mutex<State<O>>,
    /// The result of a call that panicked.
    broken: fn() -> O,
}

struct State<O> {
    stage: Stage<O>,
    /// The call was woken and not polled since.
    woken: bool,
    /// Everyone who waits; with a waker once it was polled.
    waiters: BTreeMap<u64, Option<Waker>>,
    next: u64,
}

enum Stage<O> {
    /// Its leader is making the call.
    Starting,
    Waiting(Work<O>),
    /// One of the waiters polls it right now, without holding the lock.
    Polled,
    /// For those who have not taken it yet.
    Done(Arc<O>),
    /// Nobody is left.
    Over,
}

/// What came of joining.
pub(super) enum Joined {
    Waiter(u64),
    /// As many wait as may.
    Full,
    /// It is over: begin another.
    Over,
}

/// What is left when a waiter goes.
pub(super) enum Left<O> {
    /// Others, or a call that is over.
    Others,
    /// The call of which it was the last waiter. It is over.
    Work(Work<O>),
    /// The same, but it goes on, with the waiter that should have gone.
    Kept,
}

impl<O> Flight<O> {
    pub(super) fn new(broken: fn() -> O) -> Self {
        let state = State {
            stage: Stage::Starting,
            woken: false,
            waiters: BTreeMap::new(),
            next: 0,
        };
        Self {
            state: Mutex::new(state),
            broken,
        }
    }

    pub(super) fn join(&self, max: usize) -> Joined {
        let mut state = self.lock();
        match state.stage {
            Stage::Done(_) | Stage::Over => return Joined::Over,
            Stage::Starting | Stage::Waiting(_) | Stage::Polled => {}
        }
        if state.waiters.len() >= max {
            return Joined::Full;
        }
        let id = state.next;
        state.next += 1;
        state.waiters.insert(id, None);
        Joined::Waiter(id)
    }

    /// Begins the call; those who came meanwhile may poll it. Says whether it is under way, and not
    /// over already by a panic.
    pub(super) fn start(&self, make: impl FnOnce() -> Work<O>) -> bool {
        let stage = match catch_unwind(AssertUnwindSafe(make)) {
            Ok(work) => Stage::Waiting(work),
            Err(_panic) => Stage::Done(Arc::new((self.broken)())),
        };
        let started = matches!(stage, Stage::Waiting(_));
        let mut state = self.lock();
        state.stage = stage;
        state.woken = true;
        wake_all(state);
        started
    }

    /// Polls for one waiter; says with the result whether the call ended just now.
    pub(super) fn poll(self: &Arc<Self>, id: u64, context: &Context<'_>) -> Poll<(O, bool)>
    where
        O: Clone + Send + Sync + 'static,
    {
        let mut state = self.lock();
        if let Stage::Done(output) = &state.stage {
            let output = Arc::clone(output);
            let waker = state.waiters.remove(&id);
            drop(state);
            drop(waker);
            return Poll::Ready(((*output).clone(), false));
        }
        let old = state.register(id, context.waker());
        let work = state.take_to_poll();
        drop(state);
        drop(old);
        let Some(work) = work else {
            return Poll::Pending;
        };
        match self.advance(work) {
            Ok(output) => Poll::Ready((self.land(id, output), true)),
            Err(work) => {
                let mut state = self.lock();
                state.stage = Stage::Waiting(work);
                if state.woken {
                    // Those who were woken meanwhile found it being polled.
                    wake_all(state);
                }
                Poll::Pending
            }
        }
    }

    /// The result, or the call if it goes on. A panic is a result.
    fn advance(self: &Arc<Self>, mut work: Work<O>) -> Result<O, Work<O>>
    where
        O: Send + Sync + 'static,
    {
        let waker = Waker::from(Arc::clone(self));
        let polled = catch_unwind(AssertUnwindSafe(|| {
            match work.as_mut().poll(&mut Context::from_waker(&waker)) {
                Poll::Pending => Err(work),
                // What is left of the call is dropped here, where its panics are contained.
                Poll::Ready(output) => Ok(output),
            }
        }));
        polled.unwrap_or_else(|_panic| Ok((self.broken)()))
    }

    /// The call ended, polled by the waiter `id`.
    fn land(&self, id: u64, output: O) -> O
    where
        O: Clone,
    {
        let mut state = self.lock();
        let waker = state.waiters.remove(&id);
        if state.waiters.is_empty() {
            state.stage = Stage::Over;
            drop(state);
            drop(waker);
            return output;
        }
        let shared = Arc::new(output);
        state.stage = Stage::Done(Arc::clone(&shared));
        wake_all(state);
        (*shared).clone()
    }

    /// One waiter goes. With `keep`, the last one stays instead, so that somebody may go on in its
    /// name.
    pub(super) fn leave(&self, id: u64, keep: bool) -> Left<O> {
        let mut state = self.lock();
        let alone = state.waiters.len() == 1 && state.waiters.contains_key(&id);
        if alone && keep && matches!(state.stage, Stage::Waiting(_)) {
            let waker = state.waiters.insert(id, None);
            drop(state);
            drop(waker);
            return Left::Kept;
        }
        let waker = state.waiters.remove(&id);
        let mut stage = None;
        if alone {
            stage = Some(std::mem::replace(&mut state.stage, Stage::Over));
        }
        if waker.is_some() && state.woken {
            // It may have been woken for the call, and does not come to poll it.
            wake_all(state);
        } else {
            drop(state);
        }
        drop(waker);
        match stage {
            Some(Stage::Waiting(work)) => Left::Work(work),
            _ => Left::Others,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State<O>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// All are woken, since whoever is polled next may be any of them, and some may never be.
impl<O: Send + Sync + 'static> Wake for Flight<O> {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let mut state = self.lock();
        state.woken = true;
        wake_all(state);
    }
}

impl<O> State<O> {
    /// Notes whom to wake for a waiter. What was noted before comes back, since wakers, like calls
    /// and results, are dropped without the lock: that may run anybody's code, even ours.
    fn register(&mut self, id: u64, waker: &Waker) -> Option<Waker> {
        match self.waiters.get_mut(&id)? {
            Some(registered) if registered.will_wake(waker) => None,
            registered => registered.replace(waker.clone()),
        }
    }

    /// The call, if it is to be polled: once for each time it was woken, by whoever of those who
    /// wait comes first.
    fn take_to_poll(&mut self) -> Option<Work<O>> {
        if !self.woken || !matches!(self.stage, Stage::Waiting(_)) {
            return None;
        }
        self.woken = false;
        match std::mem::replace(&mut self.stage, Stage::Polled) {
            Stage::Waiting(work) => Some(work),
            Stage::Starting | Stage::Polled | Stage::Done(_) | Stage::Over => None,
        }
    }
}

/// Wakes all who wait, without the lock.
fn wake_all<O>(state: MutexGuard<'_, State<O>>) {
    let wakers: Vec<Waker> = state.waiters.values().flatten().cloned().collect();
    drop(state);
    wakers.into_iter().for_each(Waker::wake);
}
