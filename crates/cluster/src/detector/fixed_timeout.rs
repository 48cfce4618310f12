//! A constant timeout.

use std::time::Duration;

use ninefold_core::time::Timestamp;

use super::FailureDetector;
use super::latest::Latest;

/// Suspects after a constant silence.
#[derive(Clone, Debug)]
pub struct FixedTimeout {
    timeout: Duration,
    latest: Latest,
}

impl FixedTimeout {
    /// Suspects after a silence of `timeout`.
    #[must_use]
    pub fn new(timeout: Duration) -> Self {
        Self {
            timeout,
            latest: Latest::default(),
        }
    }
}

impl FailureDetector for FixedTimeout {
    fn heartbeat(&mut self, seq: u64, _sent: Option<Timestamp>, arrived: Timestamp) {
        self.latest.take(seq, arrived);
    }

    fn deadline(&self) -> Option<Timestamp> {
        self.latest.arrived().map(|arrived| arrived + self.timeout)
    }

    fn suspicion(&self, now: Timestamp) -> f64 {
        self.latest.share(now, self.deadline())
    }
}
