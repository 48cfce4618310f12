//! Retries that nothing bounds but their number.

use std::time::Duration;

use ninefold_core::policy::{Backoff, RequestMeta};
use ninefold_core::rng::Rng;
use ninefold_core::time::Timestamp;

use super::{Client, End};

/// Nobody asks twice.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Never;

impl Client for Never {
    fn sends(&mut self, _: usize, _: &RequestMeta, _: Timestamp) -> bool {
        true
    }

    fn ended(&mut self, _: usize, _: End, _: Timestamp) {}

    fn again(&mut self, _: &RequestMeta, _: End, _: Timestamp) -> Option<Duration> {
        None
    }
}

/// So many attempts, with the waits that ours has too.
#[derive(Clone, Debug)]
pub(crate) struct WithoutBudget {
    attempts: u32,
    backoff: Backoff,
    rng: Rng,
}

impl WithoutBudget {
    /// So many attempts in all.
    pub(crate) const fn new(attempts: u32, seed: u64) -> Self {
        Self {
            attempts,
            backoff: Backoff::exponential(Duration::from_millis(25), Duration::from_millis(250)),
            rng: Rng::new(seed),
        }
    }
}

impl Client for WithoutBudget {
    fn sends(&mut self, _: usize, _: &RequestMeta, _: Timestamp) -> bool {
        true
    }

    fn ended(&mut self, _: usize, _: End, _: Timestamp) {}

    fn again(&mut self, call: &RequestMeta, _: End, _: Timestamp) -> Option<Duration> {
        (call.attempt + 1 < self.attempts)
            .then(|| self.backoff.wait(call.attempt, None, &mut self.rng))
    }
}
