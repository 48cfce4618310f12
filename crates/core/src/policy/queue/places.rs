//! How many calls are under way and how many wait, in one word.

use super::super::sync::atomic::{AtomicU64, Ordering};
use super::{Queue, WaiterId};
use crate::time::Timestamp;

/// One waiter, in the upper half of the word.
const WAITER: u64 = 1 << 32;

/// The places of a bulkhead: those taken in the lower half of the word, those who wait in the upper.
///
/// Being one word, a place given back and a waiter's arrival have an order that both sides see: if
/// the giver does not see the waiter, the waiter sees the place.
#[derive(Debug, Default)]
pub(crate) struct Places(AtomicU64);

impl Places {
    /// Takes a place for a newcomer: only if nobody waits.
    #[inline]
    pub(crate) fn take(&self, limit: u32) -> bool {
        self.take_if(|word| word < u64::from(limit))
    }

    /// Takes a place for one who waits.
    fn take_for_waiter(&self, limit: u32) -> bool {
        self.take_if(|word| taken(word) < limit)
    }

    #[inline]
    fn take_if(&self, free: impl Fn(u64) -> bool) -> bool {
        let mut word = self.0.load(Ordering::Relaxed);
        while free(word) {
            match self
                .0
                .compare_exchange_weak(word, word + 1, Ordering::Acquire, Ordering::Relaxed)
            {
                Ok(_) => return true,
                Err(other) => word = other,
            }
        }
        false
    }

    #[inline]
    pub(crate) fn give_back(&self) {
        self.0.fetch_sub(1, Ordering::Release);
    }

    /// Whether none is taken and nobody waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.load(Ordering::Relaxed) == 0
    }

    pub(crate) fn taken(&self) -> u32 {
        taken(self.0.load(Ordering::Relaxed))
    }

    pub(crate) fn waiting(&self) -> u32 {
        u32::try_from(self.0.load(Ordering::Relaxed) >> 32).unwrap_or(u32::MAX)
    }

    /// Runs what may change how many wait, and counts it.
    pub(crate) fn with<T>(&self, room: &mut Queue, run: impl FnOnce(&mut Queue) -> T) -> T {
        let before = room.len();
        let result = run(room);
        let after = room.len();
        if after > before {
            self.0
                .fetch_add(u64::from(after - before) * WAITER, Ordering::AcqRel);
        } else if before > after {
            self.0
                .fetch_sub(u64::from(before - after) * WAITER, Ordering::AcqRel);
        }
        result
    }

    /// A waiter and a place for it, if there are both.
    pub(crate) fn next(&self, room: &mut Queue, limit: u32, now: Timestamp) -> Option<WaiterId> {
        self.with(room, |room| {
            // Who is still there after this is there at the same `now` below.
            room.drop_late(now);
            if room.is_empty() || !self.take_for_waiter(limit) {
                return None;
            }
            let next = room.next(now);
            if next.is_none() {
                self.give_back();
            }
            next
        })
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the lower half is meant")]
const fn taken(word: u64) -> u32 {
    word as u32
}
