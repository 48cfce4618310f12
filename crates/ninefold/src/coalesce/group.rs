//! All calls under way.

use std::hash::Hash;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use ninefold_core::policy::{Change, PolicyKind, Reason, Rejected, Source};

use super::flight::{Flight, Joined, Left};
use super::{CoalesceConfig, CoalesceFuture, WhenFull};
use crate::table::Shards;

pub(super) type HandOver<K, T, E> = Arc<dyn Fn(CoalesceFuture<K, T, E>) + Send + Sync>;

pub(super) struct Group<K: Eq, T, E> {
    flights: Shards<K, Arc<Flight<Result<T, E>>>>,
    keys: AtomicU32,
    waiters: AtomicU32,
    refuse: AtomicBool,
    pub(super) source: Source,
    /// Takes the calls whose last waiter has gone.
    pub(super) hand_over: Option<HandOver<K, T, E>>,
}

/// A waiter's place in a call.
pub(super) struct Seat<K, T, E>
where
    K: Eq,
{
    group: Arc<Group<K, T, E>>,
    pub(super) flight: Arc<Flight<Result<T, E>>>,
    pub(super) id: u64,
    /// Under which the call is found, unless it is its caller's alone.
    key: Option<(u64, K)>,
    /// Nobody waits for the result any more.
    detached: bool,
}

/// The part of a caller.
pub(super) enum Part<K, T, E>
where
    K: Eq,
{
    Leads(Seat<K, T, E>),
    Follows(Seat<K, T, E>),
}

impl<K: Eq, T, E> Group<K, T, E> {
    pub(super) fn config(&self) -> CoalesceConfig {
        CoalesceConfig {
            keys: self.keys.load(Ordering::Relaxed),
            waiters: self.waiters.load(Ordering::Relaxed),
            when_full: if self.refuse.load(Ordering::Relaxed) {
                WhenFull::Refuse
            } else {
                WhenFull::Alone
            },
        }
    }

    pub(super) fn set(&self, config: CoalesceConfig) {
        self.keys.store(config.keys, Ordering::Relaxed);
        self.waiters.store(config.waiters, Ordering::Relaxed);
        let refuse = config.when_full == WhenFull::Refuse;
        self.refuse.store(refuse, Ordering::Relaxed);
    }
}

impl<K: Eq + Hash, T, E> Group<K, T, E> {
    pub(super) fn new(
        config: CoalesceConfig,
        source: Source,
        hand_over: Option<HandOver<K, T, E>>,
    ) -> Self {
        let group = Self {
            flights: Shards::default(),
            keys: AtomicU32::new(0),
            waiters: AtomicU32::new(0),
            refuse: AtomicBool::new(false),
            source,
            hand_over,
        };
        group.set(config);
        group
    }

    pub(super) fn len(&self) -> usize {
        self.flights.len()
    }

    /// A place in the call for `key`, or the lead of a new one.
    pub(super) fn join(
        self: &Arc<Self>,
        key: &K,
        broken: fn() -> Result<T, E>,
    ) -> Result<Part<K, T, E>, Rejected>
    where
        K: Clone,
    {
        let hash = self.flights.hash(key);
        let waiters = self.waiters.load(Ordering::Relaxed) as usize;
        let seat = |flight: &Arc<_>, id| Seat {
            group: Arc::clone(self),
            flight: Arc::clone(flight),
            id,
            key: Some((hash, key.clone())),
            detached: false,
        };
        let table = self.flights.read(hash);
        let known = table.get(hash, key).map(Arc::clone);
        drop(table);
        match known.map(|flight| (flight.join(waiters), flight)) {
            Some((Joined::Waiter(id), flight)) => return Ok(Part::Follows(seat(&flight, id))),
            Some((Joined::Full, _)) => return self.full(Reason::QueueFull, broken),
            Some((Joined::Over, _)) | None => {}
        }
        let mut table = self.flights.write(hash);
        let known = table.get(hash, key);
        match known.map(|flight| (flight.join(waiters), flight)) {
            Some((Joined::Waiter(id), flight)) => return Ok(Part::Follows(seat(flight, id))),
            Some((Joined::Full, _)) => {
                drop(table);
                return self.full(Reason::QueueFull, broken);
            }
            Some((Joined::Over, _)) => {}
            None => {
                if !self
                    .flights
                    .reserve(self.keys.load(Ordering::Relaxed) as usize)
                {
                    drop(table);
                    return self.full(Reason::Full, broken);
                }
            }
        }
        let flight = Arc::new(Flight::new(broken));
        let seat = seat(&flight, first_of(&flight));
        let over = table.insert(hash, key.clone(), flight);
        drop(table);
        drop(over);
        Ok(Part::Leads(seat))
    }

    fn full(
        self: &Arc<Self>,
        reason: Reason,
        broken: fn() -> Result<T, E>,
    ) -> Result<Part<K, T, E>, Rejected> {
        if self.refuse.load(Ordering::Relaxed) {
            let why = Rejected::new(PolicyKind::Coalesce, reason);
            self.source
                .emit(PolicyKind::Coalesce, || Change::Rejected(why));
            return Err(why);
        }
        let flight = Arc::new(Flight::new(broken));
        Ok(Part::Leads(Seat {
            group: Arc::clone(self),
            id: first_of(&flight),
            flight,
            key: None,
            detached: false,
        }))
    }
}

/// The leader's number in a call that nobody else knows yet.
fn first_of<O>(flight: &Flight<O>) -> u64 {
    match flight.join(1) {
        Joined::Waiter(id) => id,
        Joined::Full | Joined::Over => 0,
    }
}

impl<K: Eq, T, E> Seat<K, T, E> {
    /// The call is over: who asks for the key now begins another.
    pub(super) fn forget(&self) {
        let Some((hash, key)) = &self.key else {
            return;
        };
        let flights = &self.group.flights;
        let mut table = flights.write(*hash);
        let same = |flight: &Arc<_>| Arc::ptr_eq(flight, &self.flight);
        if table.get(*hash, key).is_some_and(same) {
            let removed = table.remove(*hash, key);
            drop(table);
            flights.release(1);
            drop(removed);
        }
    }
}

impl<K: Eq, T, E> Drop for Seat<K, T, E> {
    fn drop(&mut self) {
        let hand_over = self.group.hand_over.as_ref().filter(|_| !self.detached);
        match self.flight.leave(self.id, hand_over.is_some()) {
            Left::Others => {}
            Left::Work(work) => {
                self.forget();
                let source = &self.group.source;
                source.emit(PolicyKind::Coalesce, || Change::Cancelled);
                drop(work);
            }
            Left::Kept => {
                let seat = Self {
                    group: Arc::clone(&self.group),
                    flight: Arc::clone(&self.flight),
                    id: self.id,
                    key: self.key.take(),
                    detached: true,
                };
                if let Some(hand_over) = hand_over {
                    hand_over(CoalesceFuture::seated(seat));
                }
            }
        }
    }
}
