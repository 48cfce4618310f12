//! The detector with two windows.

use std::time::Duration;

use ninefold_core::time::Timestamp;

use super::FailureDetector;
use super::estimate::Estimate;
use super::latest::{Latest, News};

/// 2W-FD: Chen's expectation twice, by a short window, which follows a change at once, and by a long one, which
/// an outlier hardly moves. It suspects a constant margin after the later one.
#[derive(Clone, Debug)]
pub struct TwoWindow {
    margin: Duration,
    latest: Latest,
    short: Estimate,
    long: Estimate,
    deadline: Option<Timestamp>,
}

impl TwoWindow {
    /// Heartbeats of the short window, as its authors recommend.
    pub const SHORT: usize = 1;
    /// Heartbeats of the long one.
    pub const LONG: usize = 1_000;

    /// For a heartbeat every `interval`.
    #[must_use]
    pub fn new(interval: Duration, margin: Duration, short: usize, long: usize) -> Self {
        Self {
            margin,
            latest: Latest::default(),
            short: Estimate::new(interval, short),
            long: Estimate::new(interval, long),
            deadline: None,
        }
    }
}

impl FailureDetector for TwoWindow {
    fn heartbeat(&mut self, seq: u64, _sent: Option<Timestamp>, arrived: Timestamp) {
        match self.latest.take(seq, arrived) {
            News::Stale => return,
            News::First => {
                self.short.clear();
                self.long.clear();
            }
            News::Next(_) => {}
        }
        self.short.push(seq, arrived);
        self.long.push(seq, arrived);
        let next = seq.saturating_add(1);
        let expected = self.short.expected(next).max(self.long.expected(next));
        self.deadline = expected.map(|expected| expected + self.margin);
    }

    fn deadline(&self) -> Option<Timestamp> {
        self.deadline
    }

    fn suspicion(&self, now: Timestamp) -> f64 {
        self.latest.share(now, self.deadline)
    }
}
