//! What follows from numbers.

use super::counts::Counts;
use super::trials::Trials;
use crate::units::Ratio;

const WHOLE: u64 = Ratio::ONE.parts_per_billion();

/// The thresholds, in parts in a thousand million.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rules {
    pub(super) failure_rate: u64,
    pub(super) slow_call_rate: u64,
    pub(super) minimum_calls: u64,
    pub(super) success_rate: u64,
    pub(super) permitted_calls: u64,
}

/// How the trial calls went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Close,
    Reopen,
}

/// Whether `part` is at least the share `rate` of `whole`.
const fn reaches(part: u64, whole: u64, rate: u64) -> bool {
    part as u128 * WHOLE as u128 >= whole as u128 * rate as u128
}

impl Rules {
    /// Whether a closed breaker opens.
    pub(super) const fn trips(&self, counts: Counts) -> bool {
        counts.calls >= self.minimum_calls
            && (reaches(counts.failed, counts.calls, self.failure_rate)
                || reaches(counts.slow, counts.calls, self.slow_call_rate))
    }

    /// What the trial calls say, as soon as those that are still to end cannot change it.
    pub(super) fn verdict(&self, trials: Trials) -> Option<Verdict> {
        // More may have ended than are permitted, where the number was lowered meanwhile.
        let whole = self.permitted_calls.max(trials.settled);
        let to_come = whole - trials.settled;
        let at_best = whole - trials.failed.min(whole);
        let at_worst = trials.settled.saturating_sub(trials.failed);
        if !reaches(at_best, whole, self.success_rate)
            || reaches(trials.slow, whole, self.slow_call_rate)
        {
            Some(Verdict::Reopen)
        } else if reaches(at_worst, whole, self.success_rate)
            && !reaches(trials.slow + to_come, whole, self.slow_call_rate)
        {
            Some(Verdict::Close)
        } else {
            None
        }
    }

    /// What the trial calls say when it was half open for as long as it may be: those that have not
    /// ended failed. `None` if there are none at all.
    pub(super) const fn late_verdict(&self, trials: Trials) -> Option<Verdict> {
        if trials.admitted == 0 {
            return None;
        }
        let good = trials.settled.saturating_sub(trials.failed);
        if reaches(good, trials.admitted, self.success_rate)
            && !reaches(trials.slow, trials.admitted, self.slow_call_rate)
        {
            Some(Verdict::Close)
        } else {
            Some(Verdict::Reopen)
        }
    }
}

#[cfg(test)]
#[cfg(not(loom))]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rules(failure: u64, slow: u64, success: u64, permitted: u64) -> Rules {
        Rules {
            failure_rate: Ratio::percent(failure).parts_per_billion(),
            slow_call_rate: Ratio::percent(slow).parts_per_billion(),
            minimum_calls: 4,
            success_rate: Ratio::percent(success).parts_per_billion(),
            permitted_calls: permitted,
        }
    }

    #[test]
    fn a_rate_trips_when_it_is_reached_and_enough_calls_say_so() {
        let trips = |calls, failed, slow| {
            rules(50, 75, 100, 1).trips(Counts {
                calls,
                failed,
                slow,
            })
        };
        assert!(!trips(3, 3, 3), "below the minimum");
        assert!(trips(4, 2, 0));
        assert!(!trips(5, 2, 0));
        assert!(trips(4, 0, 3));
        assert!(!trips(5, 1, 3));
    }

    proptest! {
        // The early verdict is the one that every continuation comes to.
        #[test]
        fn an_early_verdict_is_never_overturned(
            success in 1u64..=100, slow_rate in 1u64..=100,
            ends in prop::collection::vec((any::<bool>(), any::<bool>()), 1..12),
        ) {
            let rules = rules(50, slow_rate, success, ends.len() as u64);
            let mut trials = Trials { admitted: ends.len() as u64, ..Trials::default() };
            let mut early = None;
            for (failed, slow) in &ends {
                trials.settled += 1;
                trials.failed += u64::from(*failed);
                trials.slow += u64::from(*slow);
                let verdict = rules.verdict(trials);
                prop_assert!(early.is_none() || verdict == early);
                early = verdict;
            }
            let n = ends.len() as u64;
            let close = (n - trials.failed) * 100 >= success * n && trials.slow * 100 < slow_rate * n;
            let expected = if close { Verdict::Close } else { Verdict::Reopen };
            prop_assert_eq!(early, Some(expected));
            prop_assert_eq!(rules.late_verdict(trials), early);
        }
    }
}
