//! Ninefold's retries and their budget, as they are by default.

use std::time::Duration;

use ninefold_core::policy::{Progress, Repeat, RequestMeta, RetryBudget, RetryConfig};
use ninefold_core::rng::Rng;
use ninefold_core::time::Timestamp;

use super::{Client, End};

/// The decision and the budget.
#[derive(Debug)]
pub(crate) struct Ours {
    config: RetryConfig,
    budget: RetryBudget,
    rng: Rng,
}

impl Ours {
    /// By default.
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            config: RetryConfig::default(),
            budget: RetryBudget::default(),
            rng: Rng::new(seed),
        }
    }
}

impl Client for Ours {
    fn sends(&mut self, _: usize, call: &RequestMeta, now: Timestamp) -> bool {
        if call.attempt == 0 {
            self.budget.deposit(now);
        }
        true
    }

    fn ended(&mut self, _: usize, _: End, _: Timestamp) {}

    fn again(&mut self, call: &RequestMeta, end: End, now: Timestamp) -> Option<Duration> {
        let progress = Progress {
            repetitions: call.attempt,
            repeat: Repeat::Always,
            ..Progress::default()
        };
        self.config
            .next(
                end.advice(),
                &progress,
                now,
                Some(&self.budget),
                &mut self.rng,
            )
            .ok()
    }
}
