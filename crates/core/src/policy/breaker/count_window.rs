//! The last N results, as a ring without a lock.
//!
//! A slot is an outcome with the generation it was counted in. Whoever records takes the next slot,
//! puts the new outcome in place of the old one, and moves the sums by the difference; so the sums
//! are those of the slots whenever nobody is between the two steps, whatever the threads did.
//!
//! **The common case writes nothing.** In a window that is full of good calls another good call
//! changes nothing: the oldest leaves, one just like it comes, and no slot can tell where the ring
//! begins. So it is found out by one load, and threads that share a healthy breaker share no line
//! that anybody writes to. Only while a failure is in the window does the head move, for exactly N
//! calls, until the failure has left it.
//!
//! A new generation takes over the sums with a store and finds every slot old; nothing is swept.

use std::sync::OnceLock;

use super::config::CALLS_MAX;
use super::counts::{Counts, Tally};
use super::padded::Padded;
use super::tag::{Age, age, mask};
use crate::policy::sync::atomic::Ordering::Relaxed;
use crate::policy::sync::atomic::{AtomicU32, AtomicU64};

/// See the [module](self).
#[derive(Debug)]
pub(super) struct CountWindow {
    sums: Padded<AtomicU64>,
    head: Padded<AtomicU64>,
    /// As many slots as the first configuration asked for.
    slots: Box<[AtomicU32]>,
    /// [`CALLS_MAX`] slots, once a later configuration asks for more.
    more_slots: OnceLock<Box<[AtomicU32]>>,
}

const SLOT_TAG_BITS: u32 = 30;

/// An outcome in the lowest two bits, the generation above.
const fn slot_of(generation: u64, tally: Tally) -> u32 {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the tag is cut to its 30 bits"
    )]
    let tag = (generation & mask(SLOT_TAG_BITS)) as u32;
    (tag << 2) | tally.bits()
}

const fn slot_age(slot: u32, generation: u64) -> Age {
    age::<SLOT_TAG_BITS>((slot >> 2) as u64, generation)
}

/// The sums in one word, from the top: 22 bits of generation, then 14 each of calls, failed, slow.
///
/// Threads move them after they moved the slots, in any order, so a sum can for a moment be less
/// than nothing, by one for each thread that is between the two. `BIAS` leaves room for 4,096.
mod sums {
    use super::{Age, Counts, Tally, age, mask};

    const FIELD_BITS: u32 = 14;
    const TAG_BITS: u32 = 64 - 3 * FIELD_BITS;
    const BIAS: u64 = 4_096;
    const CALL: u64 = 1 << (2 * FIELD_BITS);
    const FAILED: u64 = 1 << FIELD_BITS;
    const SLOW: u64 = 1;

    const _: () = assert!(super::CALLS_MAX as u64 + BIAS <= mask(FIELD_BITS));

    pub(super) const fn empty(generation: u64) -> u64 {
        ((generation & mask(TAG_BITS)) << (3 * FIELD_BITS)) | (BIAS * FAILED) | (BIAS * SLOW)
    }

    pub(super) const fn all_good(generation: u64, calls: u32) -> u64 {
        empty(generation) + calls as u64 * CALL
    }

    pub(super) const fn age_of(word: u64, generation: u64) -> Age {
        age::<TAG_BITS>(word >> (3 * FIELD_BITS), generation)
    }

    pub(super) const fn counts(word: u64) -> Counts {
        Counts {
            calls: (word >> (2 * FIELD_BITS)) & mask(FIELD_BITS),
            failed: ((word >> FIELD_BITS) & mask(FIELD_BITS)).saturating_sub(BIAS),
            slow: (word & mask(FIELD_BITS)).saturating_sub(BIAS),
        }
    }

    /// The word after `new` took the place of `old`, or of nothing.
    pub(super) const fn moved(word: u64, old: Option<Tally>, new: Tally) -> u64 {
        let word = match old {
            None => word.wrapping_add(CALL),
            Some(old) => word.wrapping_sub(weight(old)),
        };
        word.wrapping_add(weight(new))
    }

    const fn weight(tally: Tally) -> u64 {
        tally.failed as u64 * FAILED + tally.slow as u64 * SLOW
    }
}

impl CountWindow {
    /// An empty window of `generation` with room for `calls`.
    pub(super) fn new(generation: u64, calls: u32) -> Self {
        Self {
            sums: Padded(AtomicU64::new(sums::empty(generation))),
            head: Padded(AtomicU64::new(0)),
            slots: slots(calls),
            more_slots: OnceLock::new(),
        }
    }

    /// Counts a call of `generation` in a window of `calls`. Says what the window holds now if that
    /// has changed or the call was bad, so that somebody has to judge it.
    #[inline]
    pub(super) fn record(&self, generation: u64, calls: u32, new: Tally) -> Option<Counts> {
        if new.is_good() && self.is_all_good(generation, calls) {
            return None;
        }
        self.push(generation, calls, new)
    }

    /// Whether it is full of good calls of `generation`, so that another one changes nothing.
    #[inline]
    pub(super) fn is_all_good(&self, generation: u64, calls: u32) -> bool {
        self.sums.load(Relaxed) == sums::all_good(generation, calls)
    }

    /// How far the ring has moved.
    pub(super) fn position(&self) -> u64 {
        self.head.load(Relaxed)
    }

    fn push(&self, generation: u64, calls: u32, new: Tally) -> Option<Counts> {
        let slot = self.slot(calls, self.next_place(u64::from(calls)))?;
        let value = slot_of(generation, new);
        let mut seen = slot.load(Relaxed);
        while seen != value {
            if slot_age(seen, generation) == Age::Newer {
                return None;
            }
            match slot.compare_exchange_weak(seen, value, Relaxed, Relaxed) {
                Ok(_) => break,
                Err(current) => seen = current,
            }
        }
        let old = (slot_age(seen, generation) == Age::Same).then(|| Tally::from_bits(seen & 0b11));
        if old == Some(new) {
            return if new.is_good() {
                None
            } else {
                self.counts(generation)
            };
        }
        self.move_sums(generation, old, new)
    }

    fn move_sums(&self, generation: u64, old: Option<Tally>, new: Tally) -> Option<Counts> {
        let mut seen = self.sums.load(Relaxed);
        loop {
            let base = match sums::age_of(seen, generation) {
                Age::Same => seen,
                Age::Older => sums::empty(generation),
                Age::Newer => return None,
            };
            let next = sums::moved(base, old, new);
            match self
                .sums
                .compare_exchange_weak(seen, next, Relaxed, Relaxed)
            {
                Ok(_) => return Some(sums::counts(next)),
                Err(current) => seen = current,
            }
        }
    }

    /// The place of the next call: tickets modulo the size. Whoever draws a ticket beyond it tries
    /// to turn the counter back by whole laps; where others are faster, one of them will.
    fn next_place(&self, calls: u64) -> u64 {
        let ticket = self.head.fetch_add(1, Relaxed);
        if ticket < calls {
            return ticket;
        }
        let place = ticket.checked_rem(calls).unwrap_or(0);
        self.head
            .compare_exchange(ticket + 1, place + 1, Relaxed, Relaxed)
            .ok();
        place
    }

    fn slot(&self, calls: u32, place: u64) -> Option<&AtomicU32> {
        self.ring(calls)?.get(usize::try_from(place).ok()?)
    }

    fn ring(&self, calls: u32) -> Option<&[AtomicU32]> {
        if calls as usize <= self.slots.len() {
            Some(&self.slots)
        } else {
            self.more_slots.get().map(|slots| &**slots)
        }
    }

    /// What the window of `generation` holds, if it is the current one.
    pub(super) fn counts(&self, generation: u64) -> Option<Counts> {
        let word = self.sums.load(Relaxed);
        (sums::age_of(word, generation) == Age::Same).then(|| sums::counts(word))
    }

    /// Empties it for `generation`, which is published after this.
    pub(super) fn begin(&self, generation: u64) {
        self.sums.swap(sums::empty(generation), Relaxed);
    }

    /// The outcomes of `generation`, the latest first.
    pub(super) fn latest(&self, generation: u64, calls: u32) -> Vec<Tally> {
        let size = u64::from(calls.max(1));
        let head = self.head.load(Relaxed) % size;
        (1..=size)
            .filter_map(|back| self.slot(calls, (head + size - back) % size))
            .map(|slot| slot.load(Relaxed))
            .filter(|slot| slot_age(*slot, generation) == Age::Same)
            .map(|slot| Tally::from_bits(slot & 0b11))
            .collect()
    }

    /// Begins `generation` with room for `calls` and as many of `latest` as fit, the latest first.
    /// The generation is published after this.
    pub(super) fn begin_with(&self, generation: u64, calls: u32, latest: &[Tally]) {
        if calls as usize > self.slots.len() {
            self.more_slots.get_or_init(|| slots(CALLS_MAX));
        }
        let kept = latest.iter().take(calls as usize).rev();
        let mut word = sums::empty(generation);
        let mut head = 0;
        for (tally, slot) in kept.zip(self.ring(calls).unwrap_or_default()) {
            slot.swap(slot_of(generation, *tally), Relaxed);
            word = sums::moved(word, None, *tally);
            head += 1;
        }
        self.head.swap(head, Relaxed);
        self.sums.swap(word, Relaxed);
    }
}

fn slots(calls: u32) -> Box<[AtomicU32]> {
    (0..calls).map(|_| AtomicU32::new(0)).collect()
}

#[cfg(test)]
#[cfg(not(loom))]
mod tests;
