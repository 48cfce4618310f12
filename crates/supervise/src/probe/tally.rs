//! What the results of one probe add up to. Pure.

use std::time::Duration;

use ninefold_config::model::Probe;
use ninefold_core::time::Timestamp;

/// Passes are reported to the detector at least this often.
const REPORT_EVERY: Duration = Duration::from_secs(1);

/// A probe changed its mind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// It passed often enough in a row.
    Passed,
    /// It failed often enough in a row.
    Failed,
}

/// The results of one probe of one incarnation.
#[derive(Clone, Debug)]
pub(crate) struct Tally {
    failures_limit: u32,
    successes_limit: u32,
    patience: Duration,
    failures: u32,
    successes: u32,
    failing_since: Option<Timestamp>,
    passing: Option<bool>,
    reported: Option<Timestamp>,
}

impl Tally {
    /// `patient`: failures count as such only once they lasted as long as that many would at the
    /// probe's own pace. The startup probe is: it is tried faster than declared, and must not
    /// give up sooner for that.
    pub(crate) fn new(probe: &Probe, patient: bool) -> Self {
        let steps = probe.failures.saturating_sub(1);
        Self {
            failures_limit: probe.failures.max(1),
            successes_limit: probe.successes.max(1),
            patience: if patient {
                probe.every.0.saturating_mul(steps)
            } else {
                Duration::ZERO
            },
            failures: 0,
            successes: 0,
            failing_since: None,
            passing: None,
            reported: None,
        }
    }

    /// One more pass is enough to turn, unless a failure comes first.
    pub(crate) const fn one_short(&mut self) {
        self.successes = self.successes_limit.saturating_sub(1);
    }

    /// Failures in a row so far.
    pub(crate) const fn failures(&self) -> u32 {
        self.failures
    }

    /// Counts a result; says whether the probe changed its mind by it.
    pub(crate) fn count(&mut self, passed: bool, now: Timestamp) -> Option<Turn> {
        if passed {
            self.failures = 0;
            self.failing_since = None;
            self.successes = self.successes.saturating_add(1);
            let turned = self.passing != Some(true) && self.successes >= self.successes_limit;
            turned.then(|| {
                self.passing = Some(true);
                Turn::Passed
            })
        } else {
            self.successes = 0;
            self.failures = self.failures.saturating_add(1);
            let since = *self.failing_since.get_or_insert(now);
            let turned = self.passing != Some(false)
                && self.failures >= self.failures_limit
                && now.since(since) >= self.patience;
            turned.then(|| {
                self.passing = Some(false);
                Turn::Failed
            })
        }
    }

    /// Whether this result is news for the detector: every failure, the first pass after one, and
    /// a pass a second.
    pub(crate) fn report(&mut self, passed: bool, after_failure: bool, now: Timestamp) -> bool {
        let due = self
            .reported
            .is_none_or(|last| now.since(last) >= REPORT_EVERY);
        let report = !passed || after_failure || due;
        if report {
            self.reported = Some(now);
        }
        report
    }
}

#[cfg(test)]
mod tests {
    use ninefold_config::model::Check;

    use super::*;

    fn at(millis: u64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    fn probe() -> Probe {
        Probe {
            successes: 2,
            ..Probe::new(Check::Tcp)
        }
    }

    #[test]
    fn turns_after_enough_in_a_row_and_once() {
        let mut tally = Tally::new(&probe(), false);
        let turns: Vec<_> = "+-++---+-++-----"
            .chars()
            .enumerate()
            .filter_map(|(index, c)| {
                tally
                    .count(c == '+', at(index as u64))
                    .map(|turn| (index, turn))
            })
            .collect();
        assert_eq!(
            turns,
            [
                (3, Turn::Passed),
                (6, Turn::Failed),
                (10, Turn::Passed),
                (13, Turn::Failed)
            ]
        );
        assert_eq!(tally.failures(), 5);
    }

    #[test]
    fn startup_does_not_give_up_early_for_being_tried_fast() {
        let mut tally = Tally::new(&probe(), true);
        assert!((0..100).all(|n| tally.count(false, at(n * 10)).is_none()));
        assert_eq!(tally.count(false, at(2_000)), Some(Turn::Failed));
    }

    #[test]
    fn passes_are_thinned_out() {
        let mut tally = Tally::new(&probe(), false);
        assert!(tally.report(true, false, at(0)));
        assert!(!tally.report(true, false, at(999)));
        assert!(tally.report(true, false, at(1_000)));
        assert!(tally.report(false, false, at(1_001)));
        assert!(tally.report(true, true, at(1_002)));
    }
}
