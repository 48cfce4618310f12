//! What was seen.

use std::time::Duration;

use ninefold_core::policy::Criticality;

use super::percentile;

/// Of the requests of one criticality that came after the warm-up.
#[derive(Clone, Debug, Default)]
pub(crate) struct ByCriticality {
    /// Requests, not attempts.
    pub(crate) offered: u64,
    /// Answered while the caller waited.
    pub(crate) answered: u64,
    /// Given up after a refusal.
    pub(crate) refused: u64,
    /// Given up after a time limit.
    pub(crate) timed_out: u64,
    /// From the first attempt to the answer, in nanoseconds.
    pub(crate) took: Vec<u64>,
}

impl ByCriticality {
    /// The share that was answered.
    pub(crate) fn answered_share(&self) -> Option<f64> {
        (self.offered > 0).then(|| self.answered as f64 / self.offered as f64)
    }

    /// A percentile of those answered.
    pub(crate) fn took(&self, share: f64) -> Option<Duration> {
        percentile(&mut self.took.clone(), share)
    }
}

/// All that was seen in a run.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    /// By rank of criticality.
    pub(crate) levels: [ByCriticality; 4],
    /// Answers in time in each second from the beginning.
    pub(crate) good: Vec<u32>,
    /// New requests in each second.
    pub(crate) offered: Vec<u32>,
    /// Attempts sent in each second.
    pub(crate) attempts: Vec<u32>,
    /// The most attempts of one request that were sent.
    pub(crate) most_attempts: u64,
    /// Answers that nobody waited for any more, in each second.
    pub(crate) in_vain: Vec<u32>,
}

impl Tally {
    /// Of one criticality.
    pub(crate) fn of(&self, level: Criticality) -> &ByCriticality {
        &self.levels[usize::from(level.rank())]
    }

    /// The two upper levels together.
    pub(crate) fn critical(&self) -> ByCriticality {
        let mut sum = self.of(Criticality::CriticalPlus).clone();
        let other = self.of(Criticality::Critical);
        sum.offered += other.offered;
        sum.answered += other.answered;
        sum.refused += other.refused;
        sum.timed_out += other.timed_out;
        sum.took.extend(&other.took);
        sum
    }

    /// Answers in time a second, from a second on.
    pub(crate) fn goodput(&self, from: usize) -> f64 {
        mean(&self.good[from.min(self.good.len())..])
    }

    /// Attempts for each new request, from a second on.
    pub(crate) fn amplification(&self, from: usize) -> f64 {
        let offered = mean(&self.offered[from.min(self.offered.len())..]);
        mean(&self.attempts[from.min(self.attempts.len())..]) / offered.max(f64::MIN_POSITIVE)
    }
}

fn mean(counts: &[u32]) -> f64 {
    counts.iter().copied().map(f64::from).sum::<f64>() / counts.len().max(1) as f64
}
