//! How long packets are under way.

use ninefold_core::rng::Rng;

use crate::draw::{between, lognormal};

/// A distribution of delays, in ns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delay {
    /// Always the same.
    Constant(u64),
    /// Uniform between two ends.
    Uniform(u64, u64),
    /// `shift` and a lognormal variable of this mean and σ on top.
    LogNormal {
        /// The least there is.
        shift: u64,
        /// Mean of what comes on top.
        mean: u64,
        /// Its σ.
        sigma: u64,
    },
}

impl Delay {
    /// Within a zone: 100 µs, and 150 µs in the mean on top.
    pub const ZONE: Self = Self::LogNormal {
        shift: 100_000,
        mean: 150_000,
        sigma: 100_000,
    };
    /// Between zones of a region: 500 µs, and 300 µs in the mean on top.
    pub const REGION: Self = Self::LogNormal {
        shift: 500_000,
        mean: 300_000,
        sigma: 200_000,
    };

    pub(crate) fn draw(self, rng: &mut Rng) -> u64 {
        match self {
            Self::Constant(delay) => delay,
            Self::Uniform(least, most) => between(rng, least, most),
            Self::LogNormal { shift, mean, sigma } => {
                shift.saturating_add(lognormal(rng, mean, sigma))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_stay_where_they_should() {
        let mut rng = Rng::new(1);
        assert_eq!(Delay::Constant(7).draw(&mut rng), 7);
        for _ in 0..1_000 {
            assert!((3..=9).contains(&Delay::Uniform(3, 9).draw(&mut rng)));
            assert!(Delay::ZONE.draw(&mut rng) >= 100_000);
        }
    }
}
