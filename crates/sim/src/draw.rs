//! Random variables.

use std::f64::consts::TAU;

use ninefold_core::rng::Rng;

/// A standard normal variable, by Box and Muller (1958); the second one of each pair is thrown away.
fn normal(rng: &mut Rng) -> f64 {
    let radius = (-2.0 * (1.0 - rng.unit()).ln()).sqrt();
    radius * (TAU * rng.unit()).cos()
}

/// A lognormal variable, told by its own mean and σ, both in ns.
pub(crate) fn lognormal(rng: &mut Rng, mean: u64, sigma: u64) -> u64 {
    if mean == 0 {
        return 0;
    }
    let (mean, sigma) = (mean as f64, sigma as f64);
    let squared = (sigma / mean).powi(2).ln_1p();
    let mu = mean.ln() - squared / 2.0;
    whole((mu + squared.sqrt() * normal(rng)).exp())
}

/// The time in ns to the next of events that come at random, `mean` apart.
pub(crate) fn exponential(rng: &mut Rng, mean: u64) -> u64 {
    whole(-(1.0 - rng.unit()).ln() * mean as f64)
}

/// Uniform from `least` to `most`.
pub(crate) const fn between(rng: &mut Rng, least: u64, most: u64) -> u64 {
    least.saturating_add(rng.below(most.saturating_sub(least).saturating_add(1)))
}

/// Without its fraction; 0 for what is negative.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a cast of a float saturates, which is what is wanted"
)]
pub(crate) const fn whole(value: f64) -> u64 {
    value as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_as_asked() {
        let mut rng = Rng::new(5);
        let n = 100_000;
        let mean = |sum: u64| sum as f64 / f64::from(n);
        let lognormals = mean((0..n).map(|_| lognormal(&mut rng, 10_000, 5_000)).sum());
        assert!((lognormals - 10_000.0).abs() < 100.0, "{lognormals}");
        let exponentials = mean((0..n).map(|_| exponential(&mut rng, 10_000)).sum());
        assert!((exponentials - 10_000.0).abs() < 200.0, "{exponentials}");
        assert!((0..1_000).all(|_| (3..=5).contains(&between(&mut rng, 3, 5))));
        assert_eq!(lognormal(&mut rng, 0, 5), 0);
    }
}
