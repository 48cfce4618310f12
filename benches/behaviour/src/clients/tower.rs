//! tower's retry budget, on tokio's paused clock.

use std::time::Duration;

use ninefold_core::policy::{Backoff, RequestMeta};
use ninefold_core::rng::Rng;
use ninefold_core::time::Timestamp;
use tower::retry::budget::{Budget, TpsBudget};

use super::{Client, End};
use crate::sim::VirtualTokio;

/// Attempts in all.
const ATTEMPTS: u32 = 3;

/// `TpsBudget` with the numbers of its documentation, 10 % and 10 a second over 10 s; successes
/// deposit, as in the example of `tower::retry::budget`.
pub(crate) struct TowerBudget {
    tokio: VirtualTokio,
    budget: TpsBudget,
    backoff: Backoff,
    rng: Rng,
}

impl TowerBudget {
    /// As documented.
    pub(crate) fn new(seed: u64) -> Self {
        let mut tokio = VirtualTokio::default();
        let budget = tokio.at(Timestamp::ZERO, async {
            TpsBudget::new(Duration::from_secs(10), 10, 0.1)
        });
        Self {
            tokio,
            budget,
            backoff: Backoff::exponential(Duration::from_millis(25), Duration::from_millis(250)),
            rng: Rng::new(seed),
        }
    }
}

impl Client for TowerBudget {
    fn sends(&mut self, _: usize, _: &RequestMeta, _: Timestamp) -> bool {
        true
    }

    fn ended(&mut self, _: usize, end: End, now: Timestamp) {
        if end == End::Answered {
            self.tokio.at(now, async { self.budget.deposit() });
        }
    }

    fn again(&mut self, call: &RequestMeta, _: End, now: Timestamp) -> Option<Duration> {
        if call.attempt + 1 >= ATTEMPTS || !self.tokio.at(now, async { self.budget.withdraw() }) {
            return None;
        }
        Some(self.backoff.wait(call.attempt, None, &mut self.rng))
    }
}
