//! A small seeded generator, so that every choice can be replayed.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::time::nanos;

/// xoshiro256++ (Blackman and Vigna, 2019), seeded through SplitMix64. Not for secrets.
#[derive(Clone, Debug)]
pub struct Rng {
    s: [u64; 4],
}

impl Rng {
    /// A generator whose whole sequence follows from `seed`.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        let (a, s0) = split_mix(seed);
        let (b, s1) = split_mix(a);
        let (c, s2) = split_mix(b);
        let (_, s3) = split_mix(c);
        Self {
            s: [s0, s1, s2, s3],
        }
    }

    /// The next 64 uniform bits.
    pub const fn next_u64(&mut self) -> u64 {
        let [s0, s1, s2, s3] = self.s;
        let result = s0.wrapping_add(s3).rotate_left(23).wrapping_add(s0);
        let s2x = s2 ^ s0;
        let s3x = s3 ^ s1;
        self.s = [s0 ^ s3x, s1 ^ s2x, s2x ^ (s1 << 17), s3x.rotate_left(45)];
        result
    }

    /// Uniform in `0..bound` by Lemire's multiply-shift; 0 for a bound of 0.
    pub const fn below(&mut self, bound: u64) -> u64 {
        ((self.next_u64() as u128 * bound as u128) >> 64) as u64
    }

    /// Uniform in `0.0..1.0`, 53 bits.
    #[expect(clippy::cast_precision_loss, reason = "53 bits are exact in an f64")]
    pub fn unit(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Uniform in `0..=limit`: "full jitter".
    pub fn jitter(&mut self, limit: Duration) -> Duration {
        Duration::from_nanos(self.below(nanos(limit).saturating_add(1)))
    }
}

/// A generator that many threads draw from without a lock: SplitMix64 over an atomic counter
/// (Steele, Lea and Flood, 2014). Which thread gets which number is not determined.
#[derive(Debug)]
pub struct SharedRng(AtomicU64);

impl SharedRng {
    /// A generator whose numbers, as a set, follow from `seed`.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }

    /// The next 64 uniform bits.
    pub fn next_u64(&self) -> u64 {
        split_mix(self.0.fetch_add(GOLDEN, Ordering::Relaxed)).1
    }

    /// Uniform in `0.0..1.0`, 53 bits.
    #[expect(clippy::cast_precision_loss, reason = "53 bits are exact in an f64")]
    pub fn unit(&self) -> f64 {
        (self.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// A generator of one's own, seeded by the next number.
    #[must_use]
    pub fn fork(&self) -> Rng {
        Rng::new(self.next_u64())
    }
}

const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

const fn split_mix(state: u64) -> (u64, u64) {
    let state = state.wrapping_add(GOLDEN);
    let z = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (state, z ^ (z >> 31))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_sequence() {
        let (mut a, mut b, mut c) = (Rng::new(7), Rng::new(7), Rng::new(8));
        let first: Vec<u64> = (0..8).map(|_| a.next_u64()).collect();
        assert_eq!(first, (0..8).map(|_| b.next_u64()).collect::<Vec<_>>());
        assert_ne!(first, (0..8).map(|_| c.next_u64()).collect::<Vec<_>>());
    }

    #[test]
    fn below_is_bounded_and_covers() {
        let mut rng = Rng::new(1);
        let mut seen = [0u32; 5];
        for _ in 0..5_000 {
            seen[usize::try_from(rng.below(5)).unwrap()] += 1;
        }
        assert!(seen.iter().all(|n| (800..1_200).contains(n)), "{seen:?}");
        assert_eq!(rng.below(0), 0);
    }

    #[test]
    fn threads_share_one_sequence() {
        let shared = SharedRng::new(5);
        let drawn = std::thread::scope(|scope| {
            let draw = || (0..1_000).map(|_| shared.next_u64()).collect::<Vec<_>>();
            let (a, b) = (scope.spawn(draw), scope.spawn(draw));
            [a.join().unwrap(), b.join().unwrap()].concat()
        });
        let alone = SharedRng::new(5);
        let expected: std::collections::BTreeSet<u64> =
            (0..2_000).map(|_| alone.next_u64()).collect();
        assert_eq!(
            drawn.into_iter().collect::<std::collections::BTreeSet<_>>(),
            expected
        );
    }

    #[test]
    fn unit_and_jitter_stay_in_range() {
        let mut rng = Rng::new(3);
        for _ in 0..1_000 {
            assert!((0.0..1.0).contains(&rng.unit()));
            assert!(rng.jitter(Duration::from_millis(5)) <= Duration::from_millis(5));
        }
    }
}
