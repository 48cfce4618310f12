//! Endpoint choice: power of two choices over load and latency.
//!
//! Two candidates are drawn at random and the cheaper one is taken (Mitzenmacher, "The Power of
//! Two Choices in Randomized Load Balancing", 2001). The cost is Finagle's peak EWMA: it rises at
//! once with a slow answer and falls slowly, so that a slow endpoint is left quickly. A failure
//! counts as a slow answer, however fast it came: otherwise an endpoint that refuses everything
//! within microseconds would look best and draw all traffic.

use std::time::Duration;

use crate::rng::Rng;
use crate::time::{Timestamp, nanos};

/// How fast a [`PeakEwma`] forgets: after this time without news 37 % of it is left.
///
/// Short, so that one failed attempt does not starve an endpoint for longer than a few seconds.
pub const DECAY: Duration = Duration::from_secs(1);

/// What a failed attempt costs at least, as a latency.
pub const FAILURE_PENALTY: Duration = Duration::from_millis(250);

/// Differences below this latency do not count: they are noise of the scheduler, not of the
/// endpoint. It is also the cost of an endpoint about which nothing is known.
const FLOOR_NS: f64 = 50_000.0;

/// The smallest weight that is told from none.
const WEIGHT_FLOOR: f64 = 0.01;

/// The latency of one endpoint, quick to rise and slow to fall.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct PeakEwma {
    value_ns: f64,
    at: Timestamp,
}

impl PeakEwma {
    /// The latency now in nanoseconds: it decays while nothing is observed, so that an endpoint
    /// that was slow is tried again.
    #[must_use]
    pub fn get(&self, now: Timestamp) -> f64 {
        self.value_ns * weight_left(now.since(self.at))
    }

    /// The latency now in nanoseconds, of an endpoint that requests wait for and that has been
    /// silent for `stalled`: what does not answer at all has no latency that could be observed, and
    /// would look better with time.
    #[must_use]
    pub fn at_least(&self, now: Timestamp, stalled: Duration) -> f64 {
        self.get(now).max(as_f64(stalled))
    }

    /// An answer came after `latency`.
    pub fn observe(&mut self, now: Timestamp, latency: Duration) {
        let sample = as_f64(latency);
        let left = weight_left(now.since(self.at));
        self.value_ns = if sample > self.value_ns * left {
            sample
        } else {
            self.value_ns.mul_add(left, sample * (1.0 - left))
        };
        self.at = self.at.max(now);
    }

    /// Nothing that was observed before `since` counts any more.
    pub fn forget_before(&mut self, since: Timestamp) {
        if self.at < since {
            *self = Self::default();
        }
    }

    /// An attempt failed after `latency`: it counts at least [`FAILURE_PENALTY`].
    pub fn penalise(&mut self, now: Timestamp, latency: Duration) {
        self.observe(now, latency.max(FAILURE_PENALTY));
    }
}

/// The cost of one more request: latency times the queue it joins, which counts for less the more
/// weight it has. Weights of their own make nobody cheaper: [`p2c_by_weight`] draws by them.
#[must_use]
pub fn cost(latency_ns: f64, in_flight: u32, weight: f64) -> f64 {
    latency_ns.max(FLOOR_NS) * (f64::from(in_flight) / weight.max(WEIGHT_FLOOR) + 1.0)
}

/// The index of the endpoint to take among `count`: the cheaper one of two different ones drawn
/// at random. `None` if there is none.
pub fn p2c(rng: &mut Rng, count: usize, mut cost_of: impl FnMut(usize) -> f64) -> Option<usize> {
    match count {
        0 => None,
        1 => Some(0),
        _ => {
            let bound = u64::try_from(count).unwrap_or(u64::MAX);
            let first = index(rng.below(bound));
            let other = index(rng.below(bound - 1));
            let second = if other >= first { other + 1 } else { other };
            Some(if cost_of(second) < cost_of(first) {
                second
            } else {
                first
            })
        }
    }
}

/// As [`p2c`], for endpoints of different weights: each of the two is drawn by weight, so that equal
/// ones take traffic in proportion; both may be the same one.
pub fn p2c_by_weight(
    rng: &mut Rng,
    count: usize,
    weight_of: impl Fn(usize) -> f64,
    mut cost_of: impl FnMut(usize) -> f64,
) -> Option<usize> {
    let weight = |index| weight_of(index).max(WEIGHT_FLOOR);
    let total: f64 = (0..count).map(weight).sum();
    let mut draw = || {
        let mut left = rng.unit() * total;
        let drawn = (0..count).find(|index| {
            left -= weight(*index);
            left < 0.0
        });
        // What rounding leaves over is the last one's.
        drawn.or_else(|| count.checked_sub(1))
    };
    let (first, second) = (draw()?, draw()?);
    Some(if first != second && cost_of(second) < cost_of(first) {
        second
    } else {
        first
    })
}

fn index(value: u64) -> usize {
    usize::try_from(value).unwrap_or(usize::MAX)
}

fn weight_left(age: Duration) -> f64 {
    (-age.as_secs_f64() / DECAY.as_secs_f64()).exp()
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a latency beyond 2^53 ns is 104 days"
)]
fn as_f64(latency: Duration) -> f64 {
    nanos(latency) as f64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::rng::Rng;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn rises_at_once_and_falls_slowly() {
        let mut ewma = PeakEwma::default();
        let t0 = Timestamp::from_secs(10);
        ewma.observe(t0, MS);
        ewma.observe(t0 + MS, 100 * MS);
        assert!(ewma.get(t0 + MS) >= 99_000_000.0);
        ewma.observe(t0 + 2 * MS, MS);
        assert!(
            ewma.get(t0 + 2 * MS) > 90_000_000.0,
            "one fast answer does not absolve"
        );
        assert!(
            ewma.get(t0 + Duration::from_secs(60)) < 1_000.0,
            "time does"
        );
    }

    #[test]
    fn what_is_forgotten_costs_nothing() {
        let mut ewma = PeakEwma::default();
        let t0 = Timestamp::from_secs(10);
        ewma.penalise(t0, MS);
        ewma.forget_before(t0);
        assert!(ewma.get(t0) > 0.0);
        ewma.forget_before(t0 + MS);
        assert_eq!(ewma, PeakEwma::default());
    }

    #[test]
    fn silence_is_no_merit() {
        let mut ewma = PeakEwma::default();
        let t0 = Timestamp::from_secs(10);
        ewma.observe(t0, 10 * MS);
        let later = t0 + 300 * MS;
        assert!(ewma.get(later) < 10_000_000.0);
        assert!(ewma.at_least(later, 300 * MS) >= 300_000_000.0);
        assert!(ewma.at_least(later, Duration::ZERO) <= ewma.get(later));
    }

    #[test]
    fn a_fast_failing_endpoint_repels_traffic() {
        let now = Timestamp::from_secs(1);
        let mut rng = Rng::new(1);
        let mut healthy = PeakEwma::default();
        let mut black_hole = PeakEwma::default();
        healthy.observe(now, 5 * MS);
        black_hole.penalise(now, MS / 100);
        let taken = (0..1_000)
            .filter(|_| {
                p2c(&mut rng, 2, |i| {
                    let ewma = if i == 0 { healthy } else { black_hole };
                    cost(ewma.get(now), 3, 1.0)
                }) == Some(1)
            })
            .count();
        assert_eq!(taken, 0);
    }

    #[test]
    fn equal_endpoints_share_evenly() {
        let mut rng = Rng::new(9);
        let mut seen = [0u32; 4];
        for _ in 0..8_000 {
            seen[p2c(&mut rng, 4, |_| 1.0).unwrap()] += 1;
        }
        assert!(seen.iter().all(|n| (1_800..2_200).contains(n)), "{seen:?}");
    }

    #[test]
    fn equals_share_by_weight() {
        let mut rng = Rng::new(3);
        let weights = [3.0, 1.0, 0.1];
        let mut seen = [0u32; 3];
        for _ in 0..10_000 {
            let taken = p2c_by_weight(&mut rng, 3, |i| weights[i], |_| 1.0);
            seen[taken.unwrap()] += 1;
        }
        assert!(seen[0].abs_diff(7_317) < 300, "{seen:?}");
        assert!(seen[1].abs_diff(2_439) < 300, "{seen:?}");
        assert!(seen[2].abs_diff(244) < 100, "{seen:?}");
        assert_eq!(p2c_by_weight(&mut rng, 0, |_| 1.0, |_| 1.0), None);
    }

    #[test]
    fn the_slower_of_a_drawn_pair_is_left_whatever_its_weight() {
        let mut rng = Rng::new(4);
        let slow = (0..4_000)
            .filter(|_| {
                let cost_of = |index| if index == 0 { 9.0 } else { 1.0 };
                p2c_by_weight(&mut rng, 2, |_| 1.0, cost_of) == Some(0)
            })
            .count();
        // Only when it is drawn twice.
        assert!(slow.abs_diff(1_000) < 150, "{slow}");
    }

    proptest! {
        #[test]
        fn the_choice_is_in_range_and_never_the_dearest_of_all(
            seed: u64,
            costs in prop::collection::vec(0.0f64..1e9, 2..20),
        ) {
            let mut rng = Rng::new(seed);
            let taken = p2c(&mut rng, costs.len(), |i| costs[i]).unwrap();
            let max = costs.iter().copied().fold(0.0, f64::max);
            let dearest = costs.iter().filter(|c| **c >= max).count();
            prop_assert!(dearest > 1 || costs[taken] < max);
        }

        #[test]
        fn latency_stays_finite_and_not_negative(
            samples in prop::collection::vec((0u64..1 << 40, 0u64..1 << 40), 1..50),
        ) {
            let mut ewma = PeakEwma::default();
            for (at, latency) in samples {
                ewma.observe(Timestamp::from_nanos(at), Duration::from_nanos(latency));
                let value = ewma.get(Timestamp::from_nanos(at));
                prop_assert!(value.is_finite() && value >= 0.0);
                prop_assert!(cost(value, 7, 0.1).is_finite());
            }
        }
    }
}
