//! Whether a canary is certainly worse than what it is to replace.
//!
//! Both take requests at the same time, so that what hurts both, as a shared dependency does, speaks
//! against neither. They are compared over the last 30 s, 2 min and 10 min: the short window finds
//! what fails at once, the long one what fails now and then. The canary goes back when the lower
//! bound of its share of failures (Wilson, 1927) is above the upper one of the main one's, and at
//! least [`FAILED_MIN`] of its requests failed: so one bad start rolls nothing back. That is for
//! good: only a person, by a changed file, tries again.

use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;
use crate::wilson::{lower_bound, upper_bound};

/// Failures without which nothing is certain.
pub const FAILED_MIN: u64 = 5;

/// Requests of the main one without which there is nothing to compare with.
pub const MAIN_MIN: u64 = 20;

/// Standard deviations of the bounds. Every look is a chance to be wrong, and there are many.
const CERTAINTY: f64 = 3.5;

/// A canary is not worse if it fails by less than this share more.
const MARGIN: f64 = 0.005;

const WINDOWS: [Duration; 3] = [
    Duration::from_secs(30),
    Duration::from_secs(120),
    Duration::from_secs(600),
];

/// Looks are remembered so far apart, and so many of them.
const APART: Duration = Duration::from_secs(5);
const LOOKS_MAX: usize = 121;

/// Requests of one side, cumulative.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Side {
    /// That ended, by whatever the service did.
    pub ended: u64,
    /// Of these: failed.
    pub failed: u64,
}

/// Why a canary went back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Worse {
    /// The canary in the window.
    pub canary: Side,
    /// The main one in the window.
    pub main: Side,
    /// How long the window is.
    pub window: Duration,
}

impl fmt::Display for Worse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} of {} requests failed within {} s, against {} of {}",
            self.canary.failed,
            self.canary.ended,
            self.window.as_secs(),
            self.main.failed,
            self.main.ended
        )
    }
}

/// The comparison of one canary.
#[derive(Clone, Debug, Default)]
pub struct Rollout {
    looks: VecDeque<(Timestamp, Side, Side)>,
    worse: Option<Worse>,
}

impl Rollout {
    /// Looks at the counters; says why the canary goes back, once. Counters begin at 0.
    pub fn look(&mut self, now: Timestamp, main: Side, canary: Side) -> Option<Worse> {
        if self.worse.is_some() {
            return None;
        }
        if self.looks.is_empty() {
            self.looks
                .push_back((now, Side::default(), Side::default()));
        }
        self.worse = WINDOWS
            .into_iter()
            .find_map(|window| self.judge(now, window, main, canary));
        let last = self.looks.back().map_or(now, |(at, ..)| *at);
        if now.since(last) >= APART {
            self.looks.push_back((now, main, canary));
            if self.looks.len() > LOOKS_MAX {
                self.looks.pop_front();
            }
        }
        self.worse
    }

    /// One of a canary that went back already.
    #[must_use]
    pub fn gone_back(worse: Worse) -> Self {
        Self {
            looks: VecDeque::new(),
            worse: Some(worse),
        }
    }

    /// Why it went back, if it did.
    #[must_use]
    pub const fn worse(&self) -> Option<Worse> {
        self.worse
    }

    fn judge(&self, now: Timestamp, window: Duration, main: Side, canary: Side) -> Option<Worse> {
        let mut looks = self.looks.iter();
        let (_, main_was, canary_was) = looks.find(|(at, ..)| now.since(*at) <= window)?;
        let main = main.since(*main_was);
        let canary = canary.since(*canary_was);
        let enough = canary.failed >= FAILED_MIN && main.ended >= MAIN_MIN;
        let least = lower_bound(canary.failed, canary.ended, CERTAINTY);
        let most = upper_bound(main.failed, main.ended, CERTAINTY);
        (enough && least > most + MARGIN).then_some(Worse {
            canary,
            main,
            window,
        })
    }
}

impl Side {
    const fn since(self, was: Self) -> Self {
        Self {
            ended: self.ended.saturating_sub(was.ended),
            failed: self.failed.saturating_sub(was.failed),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::rng::Rng;

    /// Requests that a canary of a tenth gets until it goes back, of so many in all, where its
    /// requests fail with one share and the others with another; ten requests a second.
    fn run(seed: u64, requests: u64, main: f64, canary: f64) -> Option<u64> {
        let mut rng = Rng::new(seed);
        let mut rollout = Rollout::default();
        let mut sides = [Side::default(); 2];
        let mut now = Timestamp::from_secs(1_000);
        for n in 0..requests {
            now = now + Duration::from_millis(100);
            let (index, share) = if rng.unit() < 0.1 {
                (1, canary)
            } else {
                (0, main)
            };
            let failed = rng.unit() < share;
            if let Some(side) = sides.get_mut(index) {
                side.ended += 1;
                side.failed += u64::from(failed);
            }
            let [main, canary] = sides;
            // Twice a second.
            if n % 5 != 0 {
                continue;
            }
            if rollout.look(now, main, canary).is_some() {
                assert_eq!(rollout.look(now, main, canary), None);
                return Some(canary.ended);
            }
        }
        None
    }

    #[test]
    fn one_that_always_fails_goes_back_soon() {
        for seed in 0..50 {
            let took = run(seed, 10_000, 0.001, 1.0).unwrap();
            assert!(took <= 12, "{seed}: {took}");
        }
    }

    #[test]
    fn one_that_fails_a_fifth_goes_back() {
        for seed in 0..50 {
            let took = run(seed, 20_000, 0.01, 0.2).unwrap();
            assert!(took <= 500, "{seed}: {took}");
        }
    }

    #[test]
    fn what_hurts_both_speaks_against_neither() {
        let hurt = (0..50).filter(|seed| run(*seed, 20_000, 0.3, 0.3).is_some());
        assert!(hurt.count() <= 1);
        let well = (0..50).filter(|seed| run(*seed, 20_000, 0.01, 0.01).is_some());
        assert!(well.count() <= 1);
    }

    #[test]
    fn an_old_trouble_is_forgotten_and_a_new_one_found() {
        let mut rollout = Rollout::default();
        let side = |ended, failed| Side { ended, failed };
        let second = |n: u64| Timestamp::from_secs(1_000 + n);
        assert_eq!(rollout.look(second(0), side(0, 0), side(0, 0)), None);
        // Four of four failed at the start: too few. Then it is well for an hour.
        assert_eq!(rollout.look(second(1), side(100, 0), side(4, 4)), None);
        for n in (5..3_600).step_by(5) {
            let look = rollout.look(second(n), side(100 + n * 10, 0), side(4 + n, 4));
            assert_eq!(look, None, "{n}");
        }
        let worse = rollout
            .look(second(3_620), side(36_400, 0), side(3_640, 24))
            .unwrap();
        assert_eq!(worse.window, Duration::from_secs(30));
        assert_eq!(rollout.worse(), Some(worse));
        // Whoever takes its place does not try again, whatever it counts.
        let text = serde_json::to_string(&worse).unwrap();
        let mut next = Rollout::gone_back(serde_json::from_str(&text).unwrap());
        assert_eq!(next.look(second(0), side(900, 0), side(900, 0)), None);
        assert_eq!(next.worse(), Some(worse));
    }

    proptest! {
        /// Without failures of its own, and against nobody, it stays.
        #[test]
        fn it_stays_without_evidence(
            steps in proptest::collection::vec((0_u64..100, 0_u64..100, 0_u64..20), 1..100),
            alone: bool,
        ) {
            let mut rollout = Rollout::default();
            let (mut main, mut canary) = (Side::default(), Side::default());
            let mut now = Timestamp::from_secs(1);
            for (of_main, of_canary, seconds) in steps {
                now = now + Duration::from_secs(seconds);
                if alone {
                    canary.ended += of_canary;
                    canary.failed += of_canary;
                } else {
                    main.ended += of_main;
                    main.failed += of_main / 2;
                    canary.ended += of_canary;
                }
                prop_assert_eq!(rollout.look(now, main, canary), None);
            }
        }
    }
}
