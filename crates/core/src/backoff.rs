//! Jittered exponential back-off.
//!
//! "Full jitter" of Brooker, "Exponential Backoff And Jitter" (AWS Architecture Blog, 2015): the
//! n-th wait is uniform between zero and `min(max, min * 2^n)`. It spreads the restarts of many
//! instances that died together better than a fixed wait with a small tremble.

use std::time::Duration;

use crate::rng::Rng;

/// The bounds of a back-off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// The first wait at most.
    pub min: Duration,
    /// Every wait at most. Less than `min` counts as `min`.
    pub max: Duration,
}

impl Backoff {
    /// The longest wait before try `attempt` (0 is the first repetition).
    #[must_use]
    pub fn ceiling(&self, attempt: u32) -> Duration {
        let factor = 1u32.checked_shl(attempt).unwrap_or(u32::MAX);
        self.min.saturating_mul(factor).min(self.max.max(self.min))
    }

    /// The wait before try `attempt` (0 is the first repetition): uniform up to
    /// [`Backoff::ceiling`].
    pub fn wait(&self, attempt: u32, rng: &mut Rng) -> Duration {
        rng.jitter(self.ceiling(attempt))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BACKOFF: Backoff = Backoff {
        min: Duration::from_millis(100),
        max: Duration::from_secs(30),
    };

    #[test]
    fn ceilings_double_up_to_the_maximum() {
        let ceilings: Vec<u128> = (0..11).map(|n| BACKOFF.ceiling(n).as_millis()).collect();
        assert_eq!(
            ceilings,
            [
                100, 200, 400, 800, 1_600, 3_200, 6_400, 12_800, 25_600, 30_000, 30_000
            ]
        );
        assert_eq!(BACKOFF.ceiling(u32::MAX), BACKOFF.max);
    }

    #[test]
    fn waits_are_uniform_below_the_ceiling() {
        let mut rng = Rng::new(11);
        let waits: Vec<Duration> = (0..2_000).map(|_| BACKOFF.wait(3, &mut rng)).collect();
        assert!(waits.iter().all(|wait| *wait <= Duration::from_millis(800)));
        let mean = waits.iter().sum::<Duration>() / 2_000;
        assert!(
            (370..430).contains(&mean.as_millis()),
            "mean of {} ms is not near 400",
            mean.as_millis()
        );
    }

    #[test]
    fn a_maximum_below_the_minimum_is_the_minimum() {
        let odd = Backoff {
            min: Duration::from_secs(2),
            max: Duration::from_secs(1),
        };
        assert_eq!(odd.ceiling(5), Duration::from_secs(2));
    }
}
