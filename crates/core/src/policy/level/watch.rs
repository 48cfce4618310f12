//! The level that follows from what was refused.

use std::time::Duration;

use super::super::RequestMeta;
use super::super::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use super::{Level, RANKS, Tally};
use crate::time::Timestamp;

/// How long is looked at, and how long a level holds that nothing confirms.
const WINDOW: Duration = Duration::from_secs(1);

/// Below this share of refusals there is nothing that callers should know.
const REFUSED_MIN: f64 = 0.02;

/// With fewer requests a share of them says nothing.
const SAMPLES_MIN: u32 = 20;

/// Callers may send so much more than there was room for, so that it is noticed when there is more.
const PROBED: f64 = 1.05;

/// What a server that refuses the less important can tell its callers, so that they need not send what
/// it would refuse: once a second, the level that would have let in as much as it did.
///
/// It decides nothing: whoever sends it all the same meets the server's own policies. A second in
/// which nearly nothing was refused ends it, and callers try again; so in a lasting overload they
/// send everything about every third second.
///
/// To be told of requests that had to wait or were refused; where nobody waits it costs nothing. 2 KiB.
#[derive(Debug, Default)]
pub struct LevelWatch {
    tally: Tally<RANKS>,
    admitted: AtomicU32,
    level: AtomicU32,
    /// When the level was found, in nanoseconds.
    found_at: AtomicU64,
}

impl LevelWatch {
    /// A request got a place after it had waited, or was refused.
    pub fn count(&self, request: &RequestMeta, admitted: bool, now: Timestamp) {
        self.tally.count(Level::rank(request));
        if admitted {
            self.admitted.fetch_add(1, Ordering::Relaxed);
        }
        if self.tally.is_over(now, WINDOW) {
            self.close(now);
        }
    }

    #[cold]
    fn close(&self, now: Timestamp) {
        let run = |counts: &[u32; RANKS]| {
            let admitted = f64::from(self.admitted.swap(0, Ordering::Relaxed));
            let all: u32 = counts.iter().sum();
            let refused = 1.0 - admitted / f64::from(all.max(1));
            let level = if all < SAMPLES_MIN || refused < REFUSED_MIN {
                Level::ALL
            } else {
                Level::for_room(&counts.map(f64::from), admitted * PROBED)
            };
            self.level.store(level.bits(), Ordering::Relaxed);
            self.found_at.store(now.as_nanos(), Ordering::Relaxed);
        };
        self.tally.close(now, WINDOW, || false, run);
    }

    /// What callers should know now.
    #[must_use]
    pub fn level(&self, now: Timestamp) -> Level {
        let level = self.level.load(Ordering::Relaxed);
        if level == 0 {
            return Level::ALL;
        }
        let found_at = Timestamp::from_nanos(self.found_at.load(Ordering::Relaxed));
        // The window that would end it is under way, and one that nobody ends.
        if now.since(found_at) > 2 * WINDOW {
            return Level::ALL;
        }
        Level::of_bits(level)
    }
}

#[cfg(test)]
#[cfg(not(loom))]
mod tests {
    use super::super::super::{Cohort, Criticality};
    use super::*;

    fn call(criticality: Criticality) -> RequestMeta {
        RequestMeta {
            criticality,
            ..RequestMeta::default()
        }
    }

    fn at(ms: u64) -> Timestamp {
        Timestamp::from_millis(ms)
    }

    #[test]
    fn says_what_was_let_in_and_forgets_it() {
        let watch = LevelWatch::default();
        for ms in 0..=1_000 {
            watch.count(&call(Criticality::Critical), true, at(ms));
            // A fifth of these find a place.
            watch.count(&call(Criticality::Sheddable), ms % 5 == 0, at(ms));
        }
        let level = watch.level(at(1_500));
        let share = |criticality| {
            let admitted = (0..1_000u64)
                .filter(|n| level.admits(&call(criticality), || n.wrapping_mul(u64::MAX / 1_000)));
            admitted.count()
        };
        assert_eq!(share(Criticality::Critical), 1_000, "{level}");
        assert!(
            (200..320).contains(&share(Criticality::Sheddable)),
            "{level}"
        );
        assert_eq!(watch.level(at(3_001)), Level::ALL, "nobody confirms it");
        for ms in 1_001..=2_100 {
            watch.count(&call(Criticality::Critical), true, at(ms));
        }
        assert_eq!(
            watch.level(at(2_100)),
            Level::ALL,
            "nothing is refused any more"
        );
    }

    #[test]
    fn a_caller_without_cohorts_is_told_what_becomes_of_its_own() {
        let of = |cohort| Cohort::of(cohort, 0);
        let (low, high) = (call(Criticality::Sheddable), call(Criticality::Critical));
        for hash in 0..64 {
            let cohort = of(hash);
            for text in [
                "sheddable/37/250",
                "critical/0/10",
                "critical-plus/127",
                "critical/127/999",
            ] {
                let level: Level = text.parse().unwrap();
                let seen = level.seen_by(cohort);
                for plain in [low, high, call(Criticality::CriticalPlus)] {
                    let own = RequestMeta { cohort, ..plain };
                    for draw in [0, u64::MAX / 2, u64::MAX] {
                        let (here, there) =
                            (seen.admits(&plain, || draw), level.admits(&own, || draw));
                        assert_eq!(here, there, "{text} {own:?} {seen}");
                    }
                }
            }
            assert_eq!(Level::ALL.seen_by(cohort), Level::ALL);
        }
    }
}
