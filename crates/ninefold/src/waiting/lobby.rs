//! A policy and those who wait for it.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use ninefold_core::policy::queue::{WaiterId, Waiting};
use ninefold_core::policy::{Admission, Now, Outcome, Permit, PolicyKind, Rejected, RequestMeta};

use super::seats::{Seat, Seats, Woken};

/// Leave for one call that may have waited for it.
pub type WaitingPermit<P, C> = Permit<Arc<Lobby<P, C>>>;

/// A policy and those who wait for it. It is an admission policy itself, which hands a place that
/// becomes free on to whoever is next.
pub struct Lobby<P: Waiting, C> {
    policy: P,
    clock: C,
    seats: Mutex<Seats<P>>,
}

impl<P: Waiting, C: Now + Send + Sync> Lobby<P, C> {
    pub(super) fn new(policy: P, clock: C) -> Self {
        let seats = Mutex::new(Seats::new(policy.room()));
        Self {
            policy,
            clock,
            seats,
        }
    }

    /// The policy.
    pub const fn policy(&self) -> &P {
        &self.policy
    }

    pub(crate) const fn clock(&self) -> &C {
        &self.clock
    }

    /// Serves whoever can be served. Places that become free are handed on by themselves; this is
    /// for whoever raised a limit.
    pub fn serve(&self) {
        if self.policy.waiting() > 0 {
            self.with(|_, _| ());
        }
    }

    /// Does something in the room, serves and refuses whoever can be, and wakes them.
    pub(super) fn with<R>(&self, act: impl FnOnce(&mut Seats<P>, &mut Woken) -> R) -> R {
        let mut woken = Woken::new();
        let mut seats = self.lock();
        seats.turn(&self.policy, self.clock.now(), &mut woken);
        let result = act(&mut seats, &mut woken);
        drop(seats);
        woken.into_iter().for_each(Waker::wake);
        result
    }

    /// Enters the room.
    pub(super) fn enter(&self, request: &RequestMeta, waker: &Waker) -> Result<WaiterId, Rejected> {
        let mut woken = Woken::new();
        let mut seats = self.lock();
        let now = self.clock.now();
        let entered = self.policy.enter(&mut seats.queue, request, now);
        if let Ok(id) = entered {
            seats.sit(id, waker.clone());
        }
        // A place may have become free since it was asked for, and someone less critical may have
        // had to go.
        seats.turn(&self.policy, now, &mut woken);
        drop(seats);
        woken.into_iter().for_each(Waker::wake);
        entered
    }

    /// A waiter goes. What was given to it goes to somebody else.
    pub(super) fn leave(&self, id: WaiterId) {
        let end = self.with(|seats, _| seats.leave(&self.policy, id));
        if let Some(Seat::Served(token)) = end {
            self.cancel(token);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Seats<P>> {
        self.seats.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<P: Waiting, C: Now + Send + Sync> Admission for Lobby<P, C> {
    type Token = P::Token;

    const KIND: PolicyKind = P::KIND;

    #[inline]
    fn try_acquire(&self, request: &RequestMeta, now: impl Now) -> Result<P::Token, Rejected> {
        self.policy.try_acquire(request, now)
    }

    #[inline]
    fn settle(&self, token: P::Token, outcome: Outcome, now: impl Now) {
        self.policy.settle(token, outcome, now);
        self.serve();
    }

    #[inline]
    fn cancel(&self, token: P::Token) {
        self.policy.cancel(token);
        self.serve();
    }
}

impl<P: Waiting + fmt::Debug, C: fmt::Debug> fmt::Debug for Lobby<P, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lobby")
            .field("policy", &self.policy)
            .field("clock", &self.clock)
            .field("waiting", &self.policy.waiting())
            .finish_non_exhaustive()
    }
}
