//! The places of a half-open breaker.

use super::counts::Tally;
use super::tag::{Age, age, mask};
use crate::policy::sync::atomic::AtomicU64;
use crate::policy::sync::atomic::Ordering::Relaxed;

/// The trial calls of a half-open breaker.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Trials {
    /// Those that took a place and did not give it back.
    pub admitted: u64,
    /// Those of them that ended.
    pub settled: u64,
    /// Those of them that failed.
    pub failed: u64,
    /// Those of them that were slow.
    pub slow: u64,
}

/// All of [`Trials`] in one word with the generation they belong to, so that a place is taken, an
/// end counted and the verdict read in one step: over-admission and a verdict on half an update
/// cannot happen.
///
/// From the top: 24 bits of generation, then ten each of admitted, settled, failed, slow.
#[derive(Debug)]
pub(super) struct TrialPlaces(AtomicU64);

/// What became of an attempt to take a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Taken,
    Full(Trials),
    /// The breaker has moved on.
    Stale,
}

const TAG_BITS: u32 = 24;
const FIELD_BITS: u32 = 10;

const fn pack(generation: u64, trials: Trials) -> u64 {
    (((generation & mask(TAG_BITS)) << FIELD_BITS | trials.admitted) << FIELD_BITS | trials.settled)
        << (2 * FIELD_BITS)
        | trials.failed << FIELD_BITS
        | trials.slow
}

fn unpack(word: u64) -> Trials {
    let field = |n: u32| (word >> (n * FIELD_BITS)) & mask(FIELD_BITS);
    Trials {
        admitted: field(3),
        settled: field(2),
        failed: field(1),
        slow: field(0),
    }
}

impl TrialPlaces {
    pub(super) fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    /// Begins anew in `generation`, with one place taken. The word of the breaker's state is
    /// published after this.
    pub(super) fn begin(&self, generation: u64) {
        let first = Trials {
            admitted: 1,
            ..Trials::default()
        };
        self.0.store(pack(generation, first), Relaxed);
    }

    /// The trials of `generation`, if it is the current one.
    pub(super) fn of(&self, generation: u64) -> Option<Trials> {
        let word = self.0.load(Relaxed);
        is_of(word, generation).then(|| unpack(word))
    }

    /// Takes one of `permitted` places.
    pub(super) fn take(&self, generation: u64, permitted: u64) -> Place {
        let mut full = None;
        let taken = self.update(generation, |trials| {
            full = (trials.admitted >= permitted).then_some(trials);
            full.is_none().then_some(Trials {
                admitted: trials.admitted + 1,
                ..trials
            })
        });
        match (taken, full) {
            (Some(_), _) => Place::Taken,
            (None, Some(trials)) => Place::Full(trials),
            (None, None) => Place::Stale,
        }
    }

    /// Gives a place back that was never used.
    pub(super) fn give_back(&self, generation: u64) {
        self.update(generation, |trials| {
            Some(Trials {
                admitted: trials.admitted.checked_sub(1)?,
                ..trials
            })
        });
    }

    /// A trial ended: all of them after it, or `None` if it belongs to history.
    pub(super) fn settle(&self, generation: u64, tally: Tally) -> Option<Trials> {
        self.update(generation, |trials| {
            (trials.settled < trials.admitted).then(|| Trials {
                settled: trials.settled + 1,
                failed: trials.failed + u64::from(tally.failed),
                slow: trials.slow + u64::from(tally.slow),
                ..trials
            })
        })
    }

    /// Changes the trials of `generation` in one step and says what they are now.
    fn update(
        &self,
        generation: u64,
        mut change: impl FnMut(Trials) -> Option<Trials>,
    ) -> Option<Trials> {
        let mut seen = self.0.load(Relaxed);
        loop {
            if !is_of(seen, generation) {
                return None;
            }
            let next = change(unpack(seen))?;
            match self
                .0
                .compare_exchange_weak(seen, pack(generation, next), Relaxed, Relaxed)
            {
                Ok(_) => return Some(next),
                Err(current) => seen = current,
            }
        }
    }
}

const fn is_of(word: u64, generation: u64) -> bool {
    matches!(
        age::<TAG_BITS>(word >> (4 * FIELD_BITS), generation),
        Age::Same
    )
}

#[cfg(test)]
#[cfg(not(loom))]
mod tests {
    use super::*;

    #[test]
    fn places_are_taken_settled_and_given_back() {
        let places = TrialPlaces::new();
        assert_eq!(places.take(7, 2), Place::Stale);
        places.begin(7);
        assert_eq!(places.take(7, 2), Place::Taken);
        let full = Trials {
            admitted: 2,
            ..Trials::default()
        };
        assert_eq!(places.take(7, 2), Place::Full(full));
        places.give_back(7);
        assert_eq!(places.take(7, 2), Place::Taken);
        let tally = Tally {
            failed: true,
            slow: true,
        };
        let trials = places.settle(7, tally).unwrap();
        assert_eq!(
            (trials.admitted, trials.settled, trials.failed, trials.slow),
            (2, 1, 1, 1)
        );
        assert_eq!(places.settle(8, tally), None);
        places.begin(9);
        assert_eq!(places.settle(7, tally), None, "what is late does not count");
        places.give_back(7);
        assert_eq!(places.of(9).unwrap().admitted, 1);
    }
}
