//! What a node takes for the time.

use ninefold_core::time::Timestamp;

/// Ten years: where all clocks start, so that one that is set back does not run into zero.
const EPOCH: i128 = 315_360_000_000_000_000;
/// Drift is told in millionths.
const MILLION: i128 = 1_000_000;
/// No clock drifts by more than half of its speed.
const DRIFT_PPM_MAX: i64 = 500_000;

/// A clock that may drift and jump. Timers run by its speed, not by its jumps, as those of a monotonic clock.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LocalClock {
    /// True time and local time of the last change.
    since: u64,
    base: i128,
    drift_ppm: i64,
}

impl LocalClock {
    pub(crate) const fn new() -> Self {
        Self {
            since: 0,
            base: EPOCH,
            drift_ppm: 0,
        }
    }

    pub(crate) fn now(&self, at: u64) -> Timestamp {
        let local = self.local(at).clamp(0, i128::from(u64::MAX));
        Timestamp::from_nanos(u64::try_from(local).unwrap_or(u64::MAX))
    }

    fn local(&self, at: u64) -> i128 {
        let passed = i128::from(at.saturating_sub(self.since));
        self.base + passed * (MILLION + i128::from(self.drift_ppm)) / MILLION
    }

    /// The true time at which a timer for `deadline` fires that is set at `at`.
    pub(crate) fn due(&self, at: u64, deadline: Timestamp) -> u64 {
        let wait = i128::from(deadline.as_nanos()) - self.local(at);
        let speed = MILLION + i128::from(self.drift_ppm);
        let wait = (wait.max(0) * MILLION + speed - 1) / speed;
        at.saturating_add(u64::try_from(wait).unwrap_or(u64::MAX))
    }

    pub(crate) fn jump(&mut self, at: u64, by: i64) {
        self.base = (self.local(at) + i128::from(by)).max(0);
        self.since = at;
    }

    pub(crate) fn set_drift(&mut self, at: u64, drift_ppm: i64) {
        self.base = self.local(at);
        self.since = at;
        self.drift_ppm = drift_ppm.clamp(-DRIFT_PPM_MAX, DRIFT_PPM_MAX);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_clock_that_drifts_fires_when_it_reads_the_deadline() {
        let mut clock = LocalClock::new();
        clock.set_drift(1_000, 100_000);
        let deadline = clock.now(1_000) + Duration::from_nanos(1_100);
        let due = clock.due(1_000, deadline);
        assert_eq!(due, 2_000);
        assert!(clock.now(due) >= deadline);
    }

    #[test]
    fn a_jump_moves_the_time_and_no_timer() {
        let mut clock = LocalClock::new();
        let before = clock.now(5_000);
        clock.jump(5_000, -2_000);
        assert_eq!(before.since(clock.now(5_000)), Duration::from_nanos(2_000));
        let deadline = clock.now(5_000) + Duration::from_nanos(10);
        assert_eq!(clock.due(5_000, deadline), 5_010);
    }
}
