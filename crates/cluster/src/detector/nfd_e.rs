//! Chen's detector with expected arrivals.

use std::time::Duration;

use ninefold_core::time::Timestamp;

use super::FailureDetector;
use super::estimate::Estimate;
use super::latest::{Latest, News};

/// NFD-E: suspects a constant α after the next heartbeat is expected, the *freshness point*
/// `τ(n+1) = EA(n+1) + α`. A heartbeat that comes after its own freshness point does not restore trust.
#[derive(Clone, Debug)]
pub struct NfdE {
    alpha: Duration,
    latest: Latest,
    estimate: Estimate,
    deadline: Option<Timestamp>,
}

impl NfdE {
    /// Heartbeats that the expectation is made of. Chen's simulations used 32; those who compared it since, 1,000.
    pub const WINDOW: usize = 1_000;

    /// For a heartbeat every `interval`, with a margin of `alpha`.
    #[must_use]
    pub fn new(interval: Duration, alpha: Duration, window: usize) -> Self {
        Self {
            alpha,
            latest: Latest::default(),
            estimate: Estimate::new(interval, window),
            deadline: None,
        }
    }
}

impl FailureDetector for NfdE {
    fn heartbeat(&mut self, seq: u64, _sent: Option<Timestamp>, arrived: Timestamp) {
        match self.latest.take(seq, arrived) {
            News::Stale => return,
            News::First => self.estimate.clear(),
            News::Next(_) => {}
        }
        self.estimate.push(seq, arrived);
        let expected = self.estimate.expected(seq.saturating_add(1));
        self.deadline = expected.map(|expected| expected + self.alpha);
    }

    fn deadline(&self) -> Option<Timestamp> {
        self.deadline
    }

    fn suspicion(&self, now: Timestamp) -> f64 {
        self.latest.share(now, self.deadline)
    }
}
