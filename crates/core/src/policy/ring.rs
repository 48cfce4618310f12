//! Counts over a sliding window, without a lock.

use super::sync::atomic::{AtomicU64, Ordering};

/// A count stops here, far below where it would carry into the tick beside it.
const COUNT_MAX: u32 = u32::MAX - (1 << 16);

/// Keeps what everybody reads off the cache line that everybody writes.
#[derive(Debug)]
#[repr(align(128))]
pub(crate) struct Padded<T>(pub(crate) T);

/// A word of 64 bits that says of which tick its lower half is.
pub(crate) const fn pack(tick: u32, count: u32) -> u64 {
    ((tick as u64) << 32) | count as u64
}

/// The tick of a packed word.
pub(crate) const fn tick_of(word: u64) -> u32 {
    (word >> 32) as u32
}

/// The count of a packed word.
#[expect(clippy::cast_possible_truncation, reason = "the lower half is meant")]
pub(crate) const fn count_of(word: u64) -> u32 {
    word as u32
}

/// Counts of the last `N` ticks at most. What a tick is, a second or four, is the caller's affair.
///
/// **Invariant:** a slot is tagged with its tick, so whoever is first in a new tick takes the slot
/// over in one step and no count of another tick is ever added to it.
///
/// A tick that steps back counts in the newest one, so a clock that steps back brings nothing back.
#[derive(Debug)]
pub(crate) struct Ring<const N: usize> {
    /// The newest tick, and the sum of those before it: whoever sums reads two words, not `N`.
    older: Padded<AtomicU64>,
    slots: Padded<[AtomicU64; N]>,
}

impl<const N: usize> Ring<N> {
    pub(crate) fn new() -> Self {
        Self {
            older: Padded(AtomicU64::new(0)),
            slots: Padded(std::array::from_fn(|_| AtomicU64::new(0))),
        }
    }

    /// The newest of `tick` and the ticks seen before, and the sum of the `window - 1` ticks before
    /// it. What is added to an older tick while a new one begins may be left out until the next.
    #[inline]
    pub(crate) fn turn(&self, tick: u32, window: u32) -> (u32, u32) {
        let known = self.older.0.load(Ordering::Acquire);
        if tick <= tick_of(known) {
            return (tick_of(known), count_of(known));
        }
        self.turn_to(tick, window, known)
    }

    #[cold]
    fn turn_to(&self, tick: u32, window: u32, mut known: u64) -> (u32, u32) {
        let sum = self
            .slots
            .0
            .iter()
            .map(|slot| slot.load(Ordering::Acquire))
            .filter(|word| (1..window).contains(&tick.wrapping_sub(tick_of(*word))))
            .fold(0u32, |sum, word| sum.saturating_add(count_of(word)));
        while tick > tick_of(known) {
            match self.older.0.compare_exchange(
                known,
                pack(tick, sum),
                Ordering::AcqRel,
                Ordering::Acquire,
            ) {
                Ok(_) => return (tick, sum),
                Err(now) => known = now,
            }
        }
        (tick_of(known), count_of(known))
    }

    /// Counts `n` in `tick` and returns the tick in which it was counted.
    #[inline]
    pub(crate) fn add(&self, tick: u32, window: u32, n: u32) -> u32 {
        let (tick, _) = self.turn(tick, window);
        let Some(slot) = self.slot(tick) else {
            return tick;
        };
        let mut word = slot.load(Ordering::Acquire);
        while tick_of(word) < tick {
            match slot.compare_exchange_weak(
                word,
                pack(tick, n),
                Ordering::AcqRel,
                Ordering::Acquire,
            ) {
                Ok(_) => return tick,
                Err(now) => word = now,
            }
        }
        // Nobody takes a slot back to an older tick, so the count goes to this tick or, if this
        // thread slept for a whole window, to a newer one.
        if count_of(word) < COUNT_MAX {
            slot.fetch_add(u64::from(n), Ordering::AcqRel);
        }
        tick
    }

    /// Takes back what was counted in `tick`, if that tick is still there.
    pub(crate) fn take_back(&self, tick: u32, n: u32) {
        let Some(slot) = self.slot(tick) else {
            return;
        };
        let mut word = slot.load(Ordering::Acquire);
        while tick_of(word) == tick && count_of(word) >= n {
            match slot.compare_exchange_weak(
                word,
                word - u64::from(n),
                Ordering::AcqRel,
                Ordering::Acquire,
            ) {
                Ok(_) => return,
                Err(now) => word = now,
            }
        }
    }

    /// The sum of the last `window` ticks up to `tick`.
    #[inline]
    pub(crate) fn sum(&self, tick: u32, window: u32) -> u32 {
        let (tick, older) = self.turn(tick, window);
        older.saturating_add(self.of(tick))
    }

    /// What was counted in `tick` alone; 0 if that is not there any more, or not yet.
    #[inline]
    pub(crate) fn of(&self, tick: u32) -> u32 {
        match self.slot(tick).map(|slot| slot.load(Ordering::Acquire)) {
            Some(word) if tick_of(word) == tick => count_of(word),
            _ => 0,
        }
    }

    fn slot(&self, tick: u32) -> Option<&AtomicU64> {
        self.slots.0.get(tick as usize % N)
    }
}

#[cfg(test)]
#[cfg(not(loom))]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn sums_as_a_list_of_all_that_happened(
            window in 1u32..=8,
            steps in prop::collection::vec((0u32..4, 0u32..30, -3i64..12), 1..300),
        ) {
            let ring = Ring::<8>::new();
            let mut model: BTreeMap<u32, u32> = BTreeMap::new();
            let (mut clock, mut newest) = (0i64, 0);
            for (what, n, step) in steps {
                clock = (clock + step).max(0);
                let tick = u32::try_from(clock).unwrap();
                newest = tick.max(newest);
                match what {
                    0 | 1 => {
                        prop_assert_eq!(ring.add(tick, window, n), newest);
                        *model.entry(newest).or_default() += n;
                    }
                    2 => {
                        ring.turn(tick, window);
                        ring.take_back(newest, 1);
                        let count = model.entry(newest).or_default();
                        *count = count.saturating_sub(1);
                    }
                    _ => {}
                }
                let expected: u32 = model
                    .range((newest + 1).saturating_sub(window)..=newest)
                    .map(|(_, count)| count)
                    .sum();
                prop_assert_eq!(ring.sum(tick, window), expected);
            }
        }
    }

    #[test]
    fn many_threads_lose_nothing() {
        let ring = Ring::<4>::new();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for n in 0..4_000 {
                        ring.add(1 + n / 1_000, 4, 1);
                    }
                });
            }
        });
        let slots: u64 = ring
            .slots
            .0
            .iter()
            .map(|slot| u64::from(count_of(slot.load(Ordering::Acquire))))
            .sum();
        assert_eq!(slots, 16_000);
    }

    #[test]
    fn a_count_stops_before_it_spills() {
        let ring = Ring::<2>::new();
        ring.add(1, 2, COUNT_MAX);
        ring.add(1, 2, 7);
        assert_eq!(ring.sum(1, 2), COUNT_MAX);
        assert_eq!(ring.sum(2, 2), COUNT_MAX);
        assert_eq!(ring.sum(3, 2), 0);
    }
}

#[cfg(test)]
#[cfg(loom)]
mod loom_tests {
    use loom::sync::Arc;
    use loom::thread;

    use super::*;

    #[test]
    fn a_new_tick_takes_its_slot_over_once() {
        loom::model(|| {
            let ring = Arc::new(Ring::<2>::new());
            ring.add(0, 2, 1);
            let other = {
                let ring = Arc::clone(&ring);
                thread::spawn(move || ring.add(2, 2, 1))
            };
            let mine = ring.add(2, 2, 1);
            assert_eq!((mine, other.join().unwrap()), (2, 2));
            assert_eq!(ring.sum(2, 2), 2, "nothing lost, nothing of tick 0");
        });
    }

    #[test]
    fn nothing_is_taken_back_from_another_tick() {
        loom::model(|| {
            let ring = Arc::new(Ring::<2>::new());
            ring.add(1, 2, 1);
            let other = {
                let ring = Arc::clone(&ring);
                thread::spawn(move || ring.take_back(1, 1))
            };
            ring.add(3, 2, 1);
            other.join().unwrap();
            assert_eq!(ring.sum(3, 2), 1);
        });
    }

    #[test]
    fn a_late_count_is_kept_in_its_own_or_a_newer_tick() {
        loom::model(|| {
            let ring = Arc::new(Ring::<2>::new());
            let other = {
                let ring = Arc::clone(&ring);
                thread::spawn(move || ring.add(1, 2, 1))
            };
            ring.add(2, 2, 1);
            other.join().unwrap();
            let slots = [0, 1].map(|i| count_of(ring.slots.0[i].load(Ordering::Acquire)));
            assert_eq!(slots.iter().sum::<u32>(), 2);
        });
    }
}
