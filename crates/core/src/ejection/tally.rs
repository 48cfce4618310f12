//! What is counted of one endpoint for the comparison with its peers.

use std::time::Duration;

use crate::time::nanos;

/// Answers shorter than 2^16 ns, 66 us, count as that.
const EXPONENT_MIN: u32 = 16;

/// Each power of two is divided into four.
const BITS: u32 = 2;

/// Buckets of latency: from 66 us to 68 s, each a fifth wider than the one before.
pub const BUCKETS: usize = 80;

/// The bucket of an answer's latency.
#[must_use]
pub fn bucket(took: Duration) -> usize {
    let nanos = nanos(took).max(1 << EXPONENT_MIN);
    let exponent = nanos.ilog2();
    let fourth = (nanos >> (exponent - BITS)) & ((1 << BITS) - 1);
    let index = ((exponent - EXPONENT_MIN) << BITS) as usize + usize::try_from(fourth).unwrap_or(0);
    index.min(BUCKETS - 1)
}

/// The latency that a bucket's answers are below.
#[must_use]
pub const fn bucket_end(bucket: usize) -> Duration {
    let octave = bucket as u64 >> BITS;
    let fourth = (bucket as u64 & ((1 << BITS) - 1)) + 1 + (1 << BITS);
    Duration::from_nanos(fourth << (octave + (EXPONENT_MIN - BITS) as u64))
}

/// Counts of one endpoint: since it began, or within some time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tally {
    /// Attempts that ended with an answer or a failure of the endpoint.
    pub attempts: u64,
    /// Of these: failures, answers of 500 and above included.
    pub failures: u64,
    /// Good answers by latency.
    pub answers: [u64; BUCKETS],
}

impl Default for Tally {
    fn default() -> Self {
        Self {
            attempts: 0,
            failures: 0,
            answers: [0; BUCKETS],
        }
    }
}

impl Tally {
    /// What came since `earlier`.
    pub(crate) fn since(&self, earlier: &Self) -> Self {
        let mut delta = Self {
            attempts: self.attempts.saturating_sub(earlier.attempts),
            failures: self.failures.saturating_sub(earlier.failures),
            answers: self.answers,
        };
        for (count, earlier) in delta.answers.iter_mut().zip(&earlier.answers) {
            *count = count.saturating_sub(*earlier);
        }
        delta
    }

    /// Adds what another counted.
    pub fn add(&mut self, more: &Self) {
        self.attempts += more.attempts;
        self.failures += more.failures;
        for (count, more) in self.answers.iter_mut().zip(&more.answers) {
            *count += more;
        }
    }

    /// How many good answers there are.
    pub(crate) fn answered(&self) -> u64 {
        self.answers.iter().sum()
    }

    /// The end of the bucket with the median answer; nothing without answers.
    pub(crate) fn median(&self) -> Option<Duration> {
        self.below(1, 2)
    }

    /// The end of the bucket that `share` in `of` answers are not above; nothing without answers.
    pub(super) fn below(&self, share: u64, of: u64) -> Option<Duration> {
        let rank = (self.answered() * share).div_ceil(of);
        let mut seen = 0;
        let at = self.answers.iter().position(|count| {
            seen += count;
            rank > 0 && seen >= rank
        })?;
        Some(bucket_end(at))
    }

    /// How many answers took certainly longer than `limit`.
    pub(super) fn slower_than(&self, limit: Duration) -> u64 {
        let first = bucket(limit) + 1;
        self.answers.iter().skip(first).sum()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_median_is_within_a_fifth() {
        let mut tally = Tally::default();
        assert_eq!(tally.median(), None);
        for ms in [1, 10, 10, 10, 500] {
            tally.answers[bucket(Duration::from_millis(ms))] += 1;
        }
        let median = tally.median().unwrap();
        assert!((10_000..12_600).contains(&median.as_micros()), "{median:?}");
        assert_eq!(tally.slower_than(Duration::from_millis(30)), 1);
        assert_eq!(tally.slower_than(Duration::ZERO), 5);
    }

    proptest! {
        #[test]
        fn an_answer_is_below_its_buckets_end_and_not_below_the_one_before(ns in 0u64..1 << 36) {
            let took = Duration::from_nanos(ns);
            let at = bucket(took);
            prop_assert!(took < bucket_end(at));
            prop_assert!(at == 0 || took >= bucket_end(at - 1));
            if at > 0 {
                prop_assert!(bucket_end(at).as_secs_f64() <= 1.26 * bucket_end(at - 1).as_secs_f64());
            }
        }
    }
}
