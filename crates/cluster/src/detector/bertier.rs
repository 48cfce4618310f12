//! Chen's expectation with Jacobson's margin.

use std::time::Duration;

use ninefold_core::time::Timestamp;

use super::FailureDetector;
use super::estimate::Estimate;
use super::latest::{Latest, News, difference, offset, signed};

/// Bertier's detector: the margin after the expected arrival follows how wrong the expectations were, as TCP's
/// timeout follows round trips (Jacobson, 1988):
///
/// ```text
/// error    = A − EA − delay
/// delay   += γ · error
/// var     += γ · (|error| − var)
/// margin   = β · delay + φ · var
/// ```
///
/// Both are 0 in the beginning, so that its first deadlines are as tight as can be.
#[derive(Clone, Debug)]
pub struct Bertier {
    phi: f64,
    latest: Latest,
    estimate: Estimate,
    /// Nanoseconds.
    delay: f64,
    var: f64,
    deadline: Option<Timestamp>,
}

impl Bertier {
    /// γ: the weight of the newest error.
    pub const GAMMA: f64 = 0.1;
    /// β: the weight of the mean error.
    pub const BETA: f64 = 1.0;
    /// φ: the weight of the errors' spread.
    pub const PHI: f64 = 4.0;

    /// For a heartbeat every `interval`, with `phi` for φ.
    #[must_use]
    pub fn new(interval: Duration, phi: f64, window: usize) -> Self {
        Self {
            phi,
            latest: Latest::default(),
            estimate: Estimate::new(interval, window),
            delay: 0.0,
            var: 0.0,
            deadline: None,
        }
    }
}

impl FailureDetector for Bertier {
    fn heartbeat(&mut self, seq: u64, _sent: Option<Timestamp>, arrived: Timestamp) {
        match self.latest.take(seq, arrived) {
            News::Stale => return,
            News::First => {
                self.estimate.clear();
                (self.delay, self.var) = (0.0, 0.0);
            }
            News::Next(_) => {
                if let Some(expected) = self.estimate.expected(seq) {
                    let late = signed(difference(arrived, expected));
                    let error = late - self.delay;
                    self.delay += Self::GAMMA * error;
                    self.var += Self::GAMMA * (error.abs() - self.var);
                }
            }
        }
        self.estimate.push(seq, arrived);
        let margin = Self::BETA * self.delay + self.phi * self.var;
        let expected = self.estimate.expected(seq.saturating_add(1));
        self.deadline = expected.map(|expected| offset(expected, margin));
    }

    fn deadline(&self) -> Option<Timestamp> {
        self.deadline
    }

    fn suspicion(&self, now: Timestamp) -> f64 {
        self.latest.share(now, self.deadline)
    }
}
