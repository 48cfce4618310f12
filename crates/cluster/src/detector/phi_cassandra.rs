//! The φ accrual detector with Cassandra's windows and defaults.

use std::f64::consts::LN_10;
use std::time::Duration;

use ninefold_core::time::{Timestamp, nanos};

use super::FailureDetector;
use super::latest::{Latest, News, float, narrow, offset};
use super::window::Window;

/// φ over an exponential distribution: `φ(t) = t / (mean · ln 10)`.
///
/// The first interval is taken for 2 s, and intervals above that do not count, as one that is often silent for
/// so long had better be suspected soon. After a pause of its own of more than 5 s it suspects nobody for 5 s.
#[derive(Clone, Debug)]
pub struct PhiCassandra {
    threshold: f64,
    latest: Latest,
    intervals: Window,
    /// Nanoseconds.
    mean: f64,
    deadline: Option<Timestamp>,
    /// Nobody is suspected before.
    lenient_until: Timestamp,
}

impl PhiCassandra {
    /// `phi_convict_threshold`.
    pub const THRESHOLD: f64 = 8.0;
    /// Twice its interval of gossip: the first interval, and the longest that counts.
    const INITIAL: u64 = 2_000_000_000;
    const WINDOW: usize = 1_000;
    /// `max_local_pause`.
    const LOCAL_PAUSE: Duration = Duration::from_secs(5);

    /// Suspects at a φ of `threshold`.
    #[must_use]
    pub fn new(threshold: f64) -> Self {
        Self {
            threshold: threshold.max(0.01),
            latest: Latest::default(),
            intervals: Window::new(Self::WINDOW),
            mean: float(Self::INITIAL),
            deadline: None,
            lenient_until: Timestamp::ZERO,
        }
    }
}

impl FailureDetector for PhiCassandra {
    fn heartbeat(&mut self, seq: u64, _sent: Option<Timestamp>, arrived: Timestamp) {
        match self.latest.take(seq, arrived) {
            News::Stale => return,
            News::First => {
                self.intervals.clear();
                self.intervals.push(narrow(Self::INITIAL.into()));
                self.lenient_until = Timestamp::ZERO;
            }
            News::Next(interval) if interval <= Self::INITIAL => {
                self.intervals.push(narrow(interval.into()));
            }
            News::Next(_) => {}
        }
        self.mean = self.intervals.mean().unwrap_or(self.mean).max(1.0);
        self.deadline = Some(offset(arrived, self.threshold * LN_10 * self.mean));
    }

    fn stalled(&mut self, from: Timestamp, to: Timestamp) {
        if nanos(to.since(from)) > nanos(Self::LOCAL_PAUSE) {
            self.lenient_until = self.lenient_until.max(to + Self::LOCAL_PAUSE);
        }
    }

    fn deadline(&self) -> Option<Timestamp> {
        self.deadline
            .map(|deadline| deadline.max(self.lenient_until))
    }

    fn suspicion(&self, now: Timestamp) -> f64 {
        let silence = self.latest.silence(now).unwrap_or_default();
        let suspicion = silence / (self.mean * LN_10 * self.threshold);
        // Just below 1: as suspicious as it gets while nobody is suspected.
        if now < self.lenient_until {
            suspicion.min(1.0 - f64::EPSILON)
        } else {
            suspicion
        }
    }
}
