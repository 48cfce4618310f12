//! What SRV records (RFC 2782) say of how traffic is shared, and when records are asked for again.

use std::time::Duration;

/// The largest weight of an endpoint.
const WEIGHT_MAX: f64 = 100.0;

/// The part of a target in the traffic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// Of each of its addresses, beside those of others.
    pub weight: u32,
    /// Whether it takes traffic only in the absence of those of the first priority.
    pub backup: bool,
}

/// One target: priority, weight, and how many addresses it has.
pub type SrvTarget = (u16, u16, usize);

/// The shares of targets. All addresses of a target together have its weight. Weights beyond 100 are
/// scaled down together, and none is 0: RFC 2782 gives those a very small share too. A target without
/// addresses does not count.
#[must_use]
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "between 1 and 100; numbers of addresses far below 2^53"
)]
pub fn shares(targets: &[SrvTarget]) -> Vec<Share> {
    let there = targets.iter().filter(|(_, _, addresses)| *addresses > 0);
    let first = there.clone().map(|(priority, ..)| *priority).min();
    let each = |(_, weight, addresses): &SrvTarget| f64::from(*weight) / (*addresses).max(1) as f64;
    let most = there.clone().map(each).fold(0.0, f64::max);
    // Halves of small weights would be lost in whole numbers.
    let divided = there.clone().any(|(_, _, addresses)| *addresses > 1);
    let scale = if most > WEIGHT_MAX || (divided && most > 0.0) {
        WEIGHT_MAX / most
    } else {
        1.0
    };
    let share = |target: &SrvTarget| Share {
        weight: (each(target) * scale).round().clamp(1.0, WEIGHT_MAX) as u32,
        backup: Some(target.0) != first,
    };
    targets.iter().map(share).collect()
}

/// When records are asked for again that live so long: not sooner than after `min`, and after `max`
/// at the latest.
#[must_use]
pub fn ask_again(ttl: Duration, min: Duration, max: Duration) -> Duration {
    ttl.max(min).min(max)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn weights(targets: &[SrvTarget]) -> Vec<(u32, bool)> {
        let shares = shares(targets).into_iter();
        shares.map(|share| (share.weight, share.backup)).collect()
    }

    #[test]
    fn small_weights_stay_and_large_ones_are_scaled() {
        assert_eq!(weights(&[(0, 3, 1), (0, 1, 1)]), [(3, false), (1, false)]);
        assert_eq!(
            weights(&[(0, 600, 1), (0, 200, 1)]),
            [(100, false), (33, false)]
        );
        assert_eq!(
            weights(&[(0, 65_535, 1), (0, 0, 1)]),
            [(100, false), (1, false)]
        );
        assert_eq!(weights(&[(0, 0, 1), (0, 0, 2)]), [(1, false), (1, false)]);
        assert_eq!(weights(&[]), []);
    }

    #[test]
    fn addresses_of_a_target_share_its_weight() {
        assert_eq!(
            weights(&[(0, 1, 2), (0, 1, 1)]),
            [(50, false), (100, false)]
        );
    }

    #[test]
    fn all_but_the_first_priority_that_is_there_are_backups() {
        let found = weights(&[(20, 1, 1), (10, 1, 1), (30, 1, 1), (5, 1, 0)]);
        assert_eq!(found, [(1, true), (1, false), (1, true), (1, true)]);
    }

    #[test]
    fn a_ttl_has_a_floor_and_a_ceiling() {
        let secs = Duration::from_secs;
        for (ttl, expected) in [(0, 2), (1, 2), (7, 7), (90, 30)] {
            assert_eq!(
                ask_again(secs(ttl), secs(2), secs(30)),
                secs(expected),
                "{ttl}"
            );
        }
        assert_eq!(ask_again(secs(1), secs(50), secs(30)), secs(30));
    }
}
