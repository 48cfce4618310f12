//! When the next try is due.

use std::time::Duration;

use ninefold_core::rng::Rng;

/// The first pause of a probe that has not passed yet.
const EAGER_MIN: Duration = Duration::from_millis(50);

/// The time from the start of one try to the start of the next. A probe that counts as failed, or
/// has not passed yet, is tried eagerly, 50 ms growing by a quarter each time: so readiness is
/// seen at most a quarter later than it comes. Until it counts as failed it keeps its declared
/// pace, or a short stall would be taken for a long one. Liveness is never eager.
#[derive(Clone, Debug)]
pub(crate) struct Pace {
    every: Duration,
    eager: bool,
    failures_limit: u32,
    failures: u32,
    next: Duration,
}

impl Pace {
    pub(crate) fn new(every: Duration, failures_limit: u32, eager: bool) -> Self {
        Self {
            every,
            eager,
            failures_limit,
            failures: failures_limit,
            next: EAGER_MIN.min(every),
        }
    }

    /// The pause after a try that passed or not, with 10 % of jitter to either side.
    pub(crate) fn after(&mut self, passed: bool, rng: &mut Rng) -> Duration {
        self.failures = if passed {
            0
        } else {
            self.failures.saturating_add(1)
        };
        let pause = if !self.eager || self.failures < self.failures_limit {
            self.next = EAGER_MIN.min(self.every);
            self.every
        } else {
            let pause = self.next;
            self.next = (pause + pause / 4).min(self.every);
            pause
        };
        let tenth = pause / 10;
        pause.saturating_sub(tenth) + rng.jitter(tenth * 2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eager_until_passed_and_again_after_a_loss() {
        let mut rng = Rng::new(1);
        let mut pace = Pace::new(Duration::from_secs(1), 2, true);
        let mut total = Duration::ZERO;
        let first = pace.after(false, &mut rng);
        assert!(first <= Duration::from_millis(55), "{first:?}");
        for _ in 0..30 {
            let pause = pace.after(false, &mut rng);
            total += pause;
            assert!(pause <= Duration::from_millis(1_100));
        }
        assert!(total > Duration::from_secs(15), "{total:?}");
        assert!(pace.after(true, &mut rng) >= Duration::from_millis(900));
        assert!(pace.after(false, &mut rng) >= Duration::from_millis(900));
        assert!(pace.after(false, &mut rng) <= Duration::from_millis(55));
    }

    #[test]
    fn liveness_keeps_its_pace() {
        let mut rng = Rng::new(2);
        let mut pace = Pace::new(Duration::from_secs(1), 2, false);
        for passed in [false, true, false] {
            let pause = pace.after(passed, &mut rng).as_millis();
            assert!((900..=1_100).contains(&pause), "{pause}");
        }
    }
}
