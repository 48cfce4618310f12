//! The latency of the service when it is idle.

use std::time::Duration;

use crate::time::Timestamp;

/// The baseline sinks to the highest of so many latencies in a row: to the lowest of all it would
/// sink with every lucky one.
const WITNESSES: usize = 8;
/// A judgement raises the baseline by at most this factor,
const RAISE_MAX: f64 = 2.0;
/// and all together to at most this multiple of the floor,
const RAISE_TOTAL_MAX: f64 = 8.0;
/// which itself rises at most by `RAISE_MAX` in so long.
const FLOOR_KEPT: Duration = Duration::from_secs(600);
/// Latency that is left when concurrency is halved, below which it was caused by concurrency.
const CAUSED_BELOW: f64 = 0.8;

/// What halving the concurrency did to the latency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It helped: calls were waiting for each other.
    Queueing,
    /// It did not: this is how long it takes.
    Inherent,
}

/// Judges a latency against the one at twice the concurrency.
pub(super) fn judge(before: f64, after: f64) -> Verdict {
    if after < before * CAUSED_BELOW {
        Verdict::Queueing
    } else {
        Verdict::Inherent
    }
}

/// The latency of the service when it is idle, in nanoseconds.
///
/// **Invariant:** it rises only on a [`Verdict::Inherent`], that is when fewer calls did not make
/// them quicker. What an overload does to latencies is undone by fewer calls, so no overload of the
/// limiter's own making, however long, is ever taken for the usual.
#[derive(Debug)]
pub(super) struct Baseline {
    pub(super) rtt: Option<f64>,
    /// Whether it was measured with fewer calls, not only seen.
    pub(super) verified: bool,
    last: [f64; WITNESSES],
    pub(super) floor: f64,
    pub(super) floor_since: Timestamp,
}

impl Baseline {
    pub(super) const fn new() -> Self {
        Self {
            rtt: None,
            verified: false,
            last: [f64::INFINITY; WITNESSES],
            floor: 0.0,
            floor_since: Timestamp::ZERO,
        }
    }

    pub(super) const fn rtt(&self) -> Option<f64> {
        self.rtt
    }

    pub(super) const fn is_verified(&self) -> bool {
        self.verified
    }

    /// So many windows were seen without the limit being in the way: what they agree on is how long
    /// it takes. If it is the latency of an overload of somebody else's making, it sinks when that is
    /// over.
    pub(super) fn trust(&mut self, now: Timestamp) {
        let settled = self.last.iter().all(|rtt| rtt.is_finite());
        if let Some(rtt) = self.rtt.filter(|_| settled && !self.verified) {
            self.verified = true;
            self.floor = rtt;
            self.floor_since = now;
        }
    }

    /// Whether a latency is above the one before by more than a factor, or there is none before.
    pub(super) fn is_rising(&self, rtt: f64, factor: f64) -> bool {
        let before = self.last.last().copied().unwrap_or(f64::INFINITY);
        !before.is_finite() || rtt > before * factor
    }

    /// A window had this latency. Returns it in baselines.
    pub(super) fn observe(&mut self, rtt: f64) -> f64 {
        self.last.rotate_left(1);
        if let Some(newest) = self.last.last_mut() {
            *newest = rtt;
        }
        let highest = self.last.iter().copied().fold(0.0, f64::max);
        let baseline = self.rtt.unwrap_or(rtt).min(highest).max(1.0);
        self.rtt = Some(baseline);
        self.floor = self.floor.min(baseline);
        rtt / baseline
    }

    /// This is how long it takes with few calls: so long, or as much of it as may be believed now.
    pub(super) fn learn(&mut self, rtt: f64, now: Timestamp) {
        let rtt = rtt.max(1.0);
        let Some(before) = self.rtt.filter(|_| self.verified) else {
            self.rtt = Some(rtt);
            self.verified = true;
            self.floor = rtt;
            self.floor_since = now;
            return;
        };
        if now.since(self.floor_since) >= FLOOR_KEPT {
            self.floor = (self.floor * RAISE_MAX).min(before);
            self.floor_since = now;
        }
        let most = (before * RAISE_MAX).min(self.floor * RAISE_TOTAL_MAX);
        let baseline = if rtt < before * CAUSED_BELOW {
            rtt
        } else if rtt * CAUSED_BELOW < before {
            // Much the same: both count, so that chance counts less.
            f64::midpoint(before, rtt)
        } else {
            rtt.min(most).max(before)
        };
        self.floor = self.floor.min(baseline);
        self.rtt = Some(baseline);
    }
}

#[cfg(test)]
#[cfg(not(loom))]
mod tests {
    use super::*;

    fn close(baseline: &Baseline, expected: f64) {
        let found = baseline.rtt().unwrap();
        assert!((found - expected).abs() < 1e-6, "{found} is not {expected}");
    }

    #[test]
    fn sinks_to_what_windows_in_a_row_agree_on() {
        let mut baseline = Baseline::new();
        baseline.observe(100.0);
        for rtt in [40.0, 90.0, 30.0, 95.0, 20.0, 80.0, 70.0] {
            baseline.observe(rtt);
            close(&baseline, 100.0);
        }
        baseline.observe(60.0);
        close(&baseline, 95.0);
        for _ in 0..1_000 {
            baseline.observe(500.0);
        }
        close(&baseline, 95.0);
    }

    #[test]
    fn rises_by_judgement_only_and_within_bounds() {
        let mut baseline = Baseline::new();
        let at = Timestamp::from_secs;
        baseline.learn(100.0, at(0));
        for (second, expected) in [(1, 200.0), (2, 400.0), (3, 800.0), (4, 800.0)] {
            baseline.learn(90_000.0, at(second));
            close(&baseline, expected);
        }
        baseline.learn(90_000.0, at(700));
        close(&baseline, 1_600.0);
        baseline.learn(90_000.0, at(701));
        close(&baseline, 1_600.0);
        baseline.learn(150.0, at(702));
        close(&baseline, 150.0);
        baseline.learn(140.0, at(703));
        close(&baseline, 145.0);
    }

    #[test]
    fn fewer_calls_that_help_mean_a_queue() {
        assert_eq!(judge(100.0, 55.0), Verdict::Queueing);
        assert_eq!(judge(100.0, 95.0), Verdict::Inherent);
    }
}
