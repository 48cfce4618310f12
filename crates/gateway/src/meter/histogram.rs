//! Latencies by bucket.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// The classic Prometheus bounds, in nanoseconds.
pub(crate) const CLASSIC: [u64; 14] = [
    5_000_000,
    10_000_000,
    25_000_000,
    50_000_000,
    75_000_000,
    100_000_000,
    250_000_000,
    500_000_000,
    750_000_000,
    1_000_000_000,
    2_500_000_000,
    5_000_000_000,
    7_500_000_000,
    10_000_000_000,
];

/// The buckets of the classic bounds, with the one above them all.
pub(crate) const CLASSIC_BUCKETS: usize = CLASSIC.len() + 1;

/// The finest bound.
const FINEST_NS: u64 = 50_000;

/// The coarsest bound of the fine grid: a minute.
const COARSEST_NS: u64 = 60_000_000_000;

/// Latencies counted in buckets. A bucket holds what is above the bound before it and not above
/// its own; the last one what is above all bounds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Histogram {
    bounds: Arc<[u64]>,
    counts: Vec<u64>,
    sum_ns: u64,
}

/// The bounds of a route: the classic ones, its thresholds, and a grid of steps of an eighth, so
/// that percentiles are exact within 12.5 %.
pub(crate) fn bounds(thresholds: &[u64]) -> Arc<[u64]> {
    let mut all: Vec<u64> = CLASSIC.iter().chain(thresholds).copied().collect();
    let mut bound = FINEST_NS;
    while bound < COARSEST_NS {
        all.push(bound);
        bound += bound / 8;
    }
    all.sort_unstable();
    all.dedup();
    all.into()
}

/// For each bucket of `bounds`, which must hold the classic ones: in which classic bucket it lies.
pub(crate) fn classic_buckets(bounds: &[u64]) -> Box<[u8]> {
    let of = |bound: &u64| CLASSIC.partition_point(|classic| classic < bound);
    let buckets = bounds.iter().map(of).chain([CLASSIC.len()]);
    buckets
        .map(|bucket| u8::try_from(bucket).unwrap_or(u8::MAX))
        .collect()
}

impl Histogram {
    /// An empty histogram.
    #[must_use]
    pub fn new(bounds: Arc<[u64]>) -> Self {
        Self {
            counts: vec![0; bounds.len() + 1],
            bounds,
            sum_ns: 0,
        }
    }

    /// The upper bounds in nanoseconds, ascending.
    #[must_use]
    pub fn bounds(&self) -> &[u64] {
        &self.bounds
    }

    /// The counts per bucket, one more than there are bounds; not cumulative.
    #[must_use]
    pub fn counts(&self) -> &[u64] {
        &self.counts
    }

    /// The sum of all latencies in nanoseconds.
    #[must_use]
    pub const fn sum_ns(&self) -> u64 {
        self.sum_ns
    }

    /// How many latencies were counted.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// How many were not above `ns`. Exact where `ns` is a bound.
    #[must_use]
    pub fn at_most(&self, ns: u64) -> u64 {
        let full = self.bounds.partition_point(|bound| *bound <= ns);
        self.counts.iter().take(full).sum()
    }

    /// The upper bound of the bucket that holds the quantile `q` (0 to 1) in nanoseconds; `None`
    /// without any latency.
    #[must_use]
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a rank between 0 and a count of requests"
    )]
    pub fn quantile(&self, q: f64) -> Option<u64> {
        let count = self.count();
        if count == 0 {
            return None;
        }
        let rank = ((count as f64 * q.clamp(0.0, 1.0)).ceil() as u64).clamp(1, count);
        let mut seen = 0;
        let bucket = self.counts.iter().position(|bucket| {
            seen += bucket;
            seen >= rank
        })?;
        self.bounds
            .get(bucket)
            .or_else(|| self.bounds.last())
            .copied()
    }

    /// Adds what another one counted, which may have other bounds: this one has both afterwards.
    pub fn merge(&mut self, other: &Self) {
        if self.bounds != other.bounds {
            *self = self.rebound(&other.bounds);
        }
        let other = other.rebound(&self.bounds);
        self.add(other.counts.iter().copied(), other.sum_ns);
    }

    /// The same counts with more bounds. A bucket that is divided stays whole, below the bound that
    /// it had: no count below a bound goes back.
    #[must_use]
    pub fn rebound(&self, more: &[u64]) -> Self {
        if *self.bounds == *more {
            return self.clone();
        }
        let mut bounds: Vec<u64> = self.bounds.iter().chain(more).copied().collect();
        bounds.sort_unstable();
        bounds.dedup();
        let mut wider = Self::new(bounds.into());
        for (index, count) in self.counts.iter().enumerate() {
            let bucket = match self.bounds.get(index) {
                Some(bound) => wider.bounds.partition_point(|other| other < bound),
                None => wider.bounds.len(),
            };
            if let Some(total) = wider.counts.get_mut(bucket) {
                *total += count;
            }
        }
        wider.sum_ns = self.sum_ns;
        wider
    }

    pub(super) fn add(&mut self, counts: impl Iterator<Item = u64>, sum_ns: u64) {
        for (total, more) in self.counts.iter_mut().zip(counts) {
            *total += more;
        }
        self.sum_ns = self.sum_ns.wrapping_add(sum_ns);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::meter::RouteCells;

    #[test]
    fn what_has_other_bounds_is_added_and_no_count_goes_back() {
        let of = |thresholds: &[u64], ms: &[u64]| {
            let cells = RouteCells::new(bounds(thresholds));
            for ms in ms {
                cells.answer(ms * 1_000_000, None);
            }
            let mut total = Histogram::new(bounds(thresholds));
            cells.add_latency_to(&mut total);
            total
        };
        let before = of(&[300_000_001], &[1, 290, 301, 90_000]);
        let mut both = before.clone();
        both.merge(&of(&[123_456_789], &[100, 124, 400]));
        assert_eq!(both.count(), 7);
        assert_eq!(
            both.sum_ns(),
            (1 + 290 + 301 + 90_000 + 100 + 124 + 400) * 1_000_000
        );
        for bound in before.bounds() {
            assert!(both.at_most(*bound) >= before.at_most(*bound), "{bound}");
        }
        assert_eq!(both.at_most(300_000_001), 4);
        assert_eq!(both.at_most(123_456_789), 2);
        assert_eq!(before.rebound(both.bounds()).at_most(300_000_001), 2);
    }

    #[test]
    fn every_bucket_lies_within_one_classic_bucket() {
        let bounds = bounds(&[300_000_001, 90_000_000_000]);
        let classic = classic_buckets(&bounds);
        assert_eq!(classic.len(), bounds.len() + 1);
        for (index, bucket) in classic.iter().enumerate() {
            let bucket = usize::from(*bucket);
            let below = index.checked_sub(1).map_or(0, |before| bounds[before]);
            let above = bounds.get(index).copied().unwrap_or(u64::MAX);
            assert!(bucket == 0 || CLASSIC[bucket - 1] <= below, "{index}");
            assert!(above <= CLASSIC.get(bucket).copied().unwrap_or(u64::MAX));
        }
    }

    #[test]
    fn thresholds_are_exact_and_quantiles_close() {
        let cells = RouteCells::new(bounds(&[300_000_001]));
        for ms in 1..=1_000 {
            cells.answer(ms * 1_000_000, None);
        }
        cells.answer(300_000_001, None);
        let mut total = Histogram::new(bounds(&[300_000_001]));
        cells.add_latency_to(&mut total);
        assert_eq!(total.count(), 1_001);
        assert_eq!(total.at_most(300_000_001), 301);
        assert_eq!(total.at_most(500_000_000), 501);
        let p50 = total.quantile(0.5).unwrap();
        assert!((500_000_000..570_000_000).contains(&p50), "{p50}");
        assert_eq!(Histogram::new(bounds(&[])).quantile(0.5), None);
        assert!(bounds(&[]).len() < 160);
    }
}
