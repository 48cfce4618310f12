//! How many retries a route may spend.
//!
//! Without a limit retries multiply load exactly when a service can bear it least. A retry is
//! withdrawn from what the requests of the last ten seconds deposited, plus a floor for routes with
//! little traffic (Finagle's and tower's retry budget; SRE book, chapter 22).

use crate::time::Timestamp;

/// Slots of one second each that a budget looks back over.
const SLOTS: usize = 10;

const NANOS_PER_SECOND: u64 = 1_000_000_000;

/// A sliding window of requests and retries.
#[derive(Clone, Debug)]
pub struct RetryBudget {
    ratio: f64,
    reserve: f64,
    requests: [u32; SLOTS],
    retries: [u32; SLOTS],
    second: u64,
}

impl RetryBudget {
    /// A budget of `ratio` retries per request and `min_per_second` besides.
    #[must_use]
    pub fn new(ratio: f64, min_per_second: f64) -> Self {
        Self {
            ratio: ratio.max(0.0),
            reserve: min_per_second.max(0.0) * SLOTS as f64,
            requests: [0; SLOTS],
            retries: [0; SLOTS],
            second: 0,
        }
    }

    /// A first attempt of a request.
    pub fn deposit(&mut self, now: Timestamp) {
        let slot = self.turn(now);
        if let Some(count) = self.requests.get_mut(slot) {
            *count = count.saturating_add(1);
        }
    }

    /// Asks for one retry; `true` takes it from the budget.
    pub fn withdraw(&mut self, now: Timestamp) -> bool {
        let slot = self.turn(now);
        let spent = sum(&self.retries);
        if spent + 1.0 > sum(&self.requests).mul_add(self.ratio, self.reserve) {
            return false;
        }
        if let Some(count) = self.retries.get_mut(slot) {
            *count = count.saturating_add(1);
        }
        true
    }

    /// Moves the window to `now` and returns the slot to count in. A clock that steps back counts
    /// in the newest slot.
    fn turn(&mut self, now: Timestamp) -> usize {
        let second = (now.as_nanos() / NANOS_PER_SECOND).max(self.second);
        let passed = usize::try_from(second - self.second).unwrap_or(usize::MAX);
        for step in 1..=passed.min(SLOTS) {
            let slot = slot_of(self.second + step as u64);
            if let (Some(a), Some(b)) = (self.requests.get_mut(slot), self.retries.get_mut(slot)) {
                *a = 0;
                *b = 0;
            }
        }
        self.second = second;
        slot_of(second)
    }
}

fn slot_of(second: u64) -> usize {
    usize::try_from(second % SLOTS as u64).unwrap_or(0)
}

fn sum(slots: &[u32; SLOTS]) -> f64 {
    slots.iter().map(|count| f64::from(*count)).sum()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_share_of_requests_and_a_floor() {
        let mut budget = RetryBudget::new(0.2, 1.0);
        let now = Timestamp::from_secs(100);
        for _ in 0..100 {
            budget.deposit(now);
        }
        let granted = (0..100).filter(|_| budget.withdraw(now)).count();
        assert_eq!(granted, 30, "20 % of 100 and 1 a second over 10 s");
        let later = Timestamp::from_secs(111);
        assert_eq!((0..100).filter(|_| budget.withdraw(later)).count(), 10);
    }

    #[test]
    fn a_clock_that_steps_back_refills_nothing() {
        let mut budget = RetryBudget::new(0.0, 0.1);
        assert!(budget.withdraw(Timestamp::from_secs(100)));
        assert!(!budget.withdraw(Timestamp::from_secs(5)));
        assert!(!budget.withdraw(Timestamp::from_secs(101)));
        assert!(budget.withdraw(Timestamp::from_secs(110)));
    }

    proptest! {
        #[test]
        fn never_more_than_share_and_floor(
            ratio in 0.0f64..1.0,
            floor in 0.0f64..20.0,
            steps in prop::collection::vec((any::<bool>(), 0u64..500), 1..400),
        ) {
            let mut budget = RetryBudget::new(ratio, floor);
            let (mut now, mut requests, mut retries) = (0, 0.0, 0.0);
            for (asks, ms) in steps {
                now += ms;
                let at = Timestamp::from_millis(now);
                if asks {
                    if budget.withdraw(at) { retries += 1.0; }
                } else {
                    budget.deposit(at);
                    requests += 1.0;
                }
                let windows = (now / 10_000 + 1) as f64;
                prop_assert!(retries <= requests * ratio * 2.0 + floor * 10.0 * (windows + 1.0) + 1.0);
            }
        }
    }
}
