//! Who sits in the room, and what has become of them.

use std::collections::BTreeMap;
use std::task::Waker;

use ninefold_core::policy::Rejected;
use ninefold_core::policy::queue::{Queue, WaiterId, Waiting};
use ninefold_core::time::Timestamp;

/// What has become of a waiter, until its future looks.
pub(super) enum Seat<K> {
    /// It waits; its future is woken when that changes.
    Waits(Waker),
    /// It has a place.
    Served(K),
    /// It was refused.
    Refused(Rejected),
}

/// The room behind its lock. Holds one seat for each future that entered and has not looked again
/// since its turn came, so no more than the queue's capacity and its places.
pub(super) struct Seats<P: Waiting> {
    pub(super) queue: Queue,
    seats: BTreeMap<WaiterId, Seat<P::Token>>,
    /// When somebody's timer goes off.
    armed: Option<Timestamp>,
}

/// Wakers to be woken once the lock is free.
pub(super) type Woken = Vec<Waker>;

impl<P: Waiting> Seats<P> {
    pub(super) const fn new(queue: Queue) -> Self {
        Self {
            queue,
            seats: BTreeMap::new(),
            armed: None,
        }
    }

    pub(super) fn sit(&mut self, id: WaiterId, waker: Waker) {
        self.seats.insert(id, Seat::Waits(waker));
    }

    /// Serves and refuses whoever can be.
    pub(super) fn turn(&mut self, policy: &P, now: Timestamp, woken: &mut Woken) {
        while let Some((id, token)) = policy.next(&mut self.queue, now) {
            self.settle(id, Seat::Served(token), woken);
        }
        while let Some((id, rejected)) = policy.expire(&mut self.queue, now) {
            self.settle(id, Seat::Refused(rejected), woken);
        }
    }

    fn settle(&mut self, id: WaiterId, end: Seat<P::Token>, woken: &mut Woken) {
        if let Some(Seat::Waits(waker)) = self.seats.insert(id, end) {
            woken.push(waker);
        }
    }

    /// What has become of a waiter. If it still waits, `waker` is woken when that changes, and
    /// nothing is returned.
    pub(super) fn look(&mut self, id: WaiterId, waker: &Waker) -> Option<Seat<P::Token>> {
        if let Some(Seat::Waits(kept)) = self.seats.get_mut(&id) {
            kept.clone_from(waker);
            return None;
        }
        self.seats.remove(&id)
    }

    /// A waiter goes; what had become of it.
    pub(super) fn leave(&mut self, policy: &P, id: WaiterId) -> Option<Seat<P::Token>> {
        policy.leave(&mut self.queue, id);
        self.seats.remove(&id)
    }

    /// When to look again, for a waiter that is to keep a timer: if nobody keeps one, or one that
    /// goes off too late.
    pub(super) fn arm(&mut self) -> Option<Timestamp> {
        let at = self.queue.poll_at()?;
        if self.armed.is_some_and(|armed| armed <= at) {
            return None;
        }
        self.armed = Some(at);
        Some(at)
    }

    /// The timer that goes off at `at` is no longer kept; somebody else who waits is woken to keep
    /// one.
    pub(super) fn disarm(&mut self, at: Timestamp, woken: &mut Woken) {
        if self.armed != Some(at) {
            return;
        }
        self.armed = None;
        let heir = self.seats.values().find_map(|seat| match seat {
            Seat::Waits(waker) => Some(waker.clone()),
            Seat::Served(_) | Seat::Refused(_) => None,
        });
        woken.extend(heir);
    }
}
