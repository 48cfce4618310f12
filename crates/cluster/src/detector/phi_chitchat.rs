//! The φ accrual detector with chitchat's windows and defaults.

use ninefold_core::time::Timestamp;

use super::FailureDetector;
use super::latest::{Latest, News, float, narrow, offset};
use super::window::Window;

/// A φ that is a multiple of the mean interval, `φ(t) = t / mean`, where the mean begins with a prior of 5 s
/// with the weight of five intervals.
///
/// Intervals above 10 s do not count. Who was suspected is judged anew: its intervals are forgotten, and if
/// the one that ended the suspicion does not count, it takes another heartbeat to be trusted again.
#[derive(Clone, Debug)]
pub struct PhiChitchat {
    threshold: f64,
    latest: Latest,
    intervals: Window,
    /// Nanoseconds.
    mean: f64,
    deadline: Option<Timestamp>,
}

impl PhiChitchat {
    /// `phi_threshold`.
    pub const THRESHOLD: f64 = 8.0;
    /// `initial_interval`, in nanoseconds.
    const PRIOR: f64 = 5e9;
    const PRIOR_WEIGHT: u32 = 5;
    /// `max_interval`, in nanoseconds.
    const INTERVAL_LONGEST: u64 = 10_000_000_000;
    /// `sampling_window_size`.
    const WINDOW: usize = 1_000;

    /// Suspects at a φ of `threshold`.
    #[must_use]
    pub fn new(threshold: f64) -> Self {
        Self {
            threshold: threshold.max(0.01),
            latest: Latest::default(),
            intervals: Window::new(Self::WINDOW),
            mean: Self::PRIOR,
            deadline: None,
        }
    }
}

impl FailureDetector for PhiChitchat {
    fn heartbeat(&mut self, seq: u64, _sent: Option<Timestamp>, arrived: Timestamp) {
        let suspected = self.suspects(arrived);
        let news = self.latest.take(seq, arrived);
        match news {
            News::Stale => return,
            News::First => {
                self.intervals.clear();
                self.deadline = None;
            }
            News::Next(interval) => {
                if suspected {
                    self.intervals.clear();
                }
                if interval <= Self::INTERVAL_LONGEST {
                    self.intervals.push(narrow(interval.into()));
                }
            }
        }
        let counted = u32::try_from(self.intervals.len()).unwrap_or(u32::MAX);
        if counted > 0 {
            let weight = f64::from(Self::PRIOR_WEIGHT);
            let sum = self.intervals.sum() + weight * Self::PRIOR;
            self.mean = sum / (f64::from(counted) + weight);
            self.deadline = Some(offset(arrived, self.threshold * self.mean));
        }
    }

    fn deadline(&self) -> Option<Timestamp> {
        self.deadline
    }

    fn suspicion(&self, now: Timestamp) -> f64 {
        let Some(deadline) = self.deadline else {
            return 0.0;
        };
        let silence = self.latest.silence(now).unwrap_or_default();
        let suspicion = silence / float(1).max(self.mean * self.threshold);
        if now >= deadline {
            suspicion.max(1.0)
        } else {
            suspicion
        }
    }
}
