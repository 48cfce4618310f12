use std::time::Duration;

/// The quality of service of a detector on a trace.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Qos {
    /// The time observed.
    pub observed: Duration,
    /// Detection times; nothing if no heartbeat came with a deadline.
    pub detection: Option<Detection>,
    /// Mistakes; nothing if there were none.
    pub mistakes: Option<Mistakes>,
    /// P_A: the share of time without a mistake.
    pub query_accuracy: f64,
    /// The share of heartbeats after which the detector kept all that was asked of it; nothing for one of which
    /// nothing is asked.
    pub request_kept: Option<f64>,
}

/// T_D.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Detection {
    /// The mean.
    pub mean: Duration,
    /// The 99th percentile, within a per cent and up to 275 s.
    pub p99: Duration,
    /// The longest.
    pub longest: Duration,
}

/// Suspicions of a sender that lived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mistakes {
    /// How many began.
    pub count: u64,
    /// T_MR: the time observed for each.
    pub recurrence: Duration,
    /// T_M: how long they lasted in the mean.
    pub mean: Duration,
    /// And the longest.
    pub longest: Duration,
}

impl Qos {
    /// Mistakes that began.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.mistakes.map_or(0, |mistakes| mistakes.count)
    }

    /// Mistakes an hour observed.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "far fewer than 2^53")]
    pub fn mistakes_per_hour(&self) -> f64 {
        let hours = self.observed.as_secs_f64() / 3_600.0;
        if hours > 0.0 {
            self.count() as f64 / hours
        } else {
            0.0
        }
    }
}
