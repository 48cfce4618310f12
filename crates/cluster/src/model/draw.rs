//! Random variables.

use std::f64::consts::TAU;

use ninefold_core::rng::Rng;

/// A standard normal variable, by Box and Muller (1958); the second one of each pair is thrown away.
fn normal(rng: &mut Rng) -> f64 {
    let radius = (-2.0 * (1.0 - rng.unit()).ln()).sqrt();
    radius * (TAU * rng.unit()).cos()
}

/// A normal variable with mean 0, no farther from it than three times its σ.
pub(super) fn truncated_normal(rng: &mut Rng, sigma: f64) -> f64 {
    sigma * normal(rng).clamp(-3.0, 3.0)
}

/// A lognormal variable, told by its own mean and σ.
#[derive(Clone, Copy, Debug)]
pub(super) struct LogNormal {
    mu: f64,
    sigma: f64,
}

impl LogNormal {
    pub(super) fn new(mean: f64, sigma: f64) -> Self {
        let squared = (sigma / mean).powi(2).ln_1p();
        Self {
            mu: mean.ln() - squared / 2.0,
            sigma: squared.sqrt(),
        }
    }

    pub(super) fn draw(&self, rng: &mut Rng) -> f64 {
        (self.mu + self.sigma * normal(rng)).exp()
    }
}

/// A Pareto variable between two ends.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pareto {
    pub(super) least: f64,
    pub(super) most: f64,
    pub(super) alpha: f64,
}

impl Pareto {
    pub(super) fn draw(&self, rng: &mut Rng) -> f64 {
        let tail = 1.0 - (self.least / self.most).powf(self.alpha);
        self.least / (1.0 - rng.unit() * tail).powf(1.0 / self.alpha)
    }
}

/// The time to the next of events that come at random, `mean` apart.
pub(super) fn exponential(rng: &mut Rng, mean: f64) -> f64 {
    -(1.0 - rng.unit()).ln() * mean
}

#[cfg(test)]
mod tests {
    use super::*;

    const N: u32 = 200_000;

    /// Mean and σ of what is drawn.
    fn moments(draw: impl Fn(&mut Rng) -> f64) -> (f64, f64) {
        let mut rng = Rng::new(5);
        let (mut sum, mut squares) = (0.0, 0.0);
        for _ in 0..N {
            let value = draw(&mut rng);
            sum += value;
            squares += value * value;
        }
        let mean = sum / f64::from(N);
        (mean, (squares / f64::from(N) - mean * mean).sqrt())
    }

    fn near(found: f64, expected: f64, error: f64) {
        assert!((found - expected).abs() <= error, "{found} {expected}");
    }

    #[test]
    fn moments_are_as_asked() {
        // Cut off at 3 σ, the variance of a normal variable is 0.9946 where the tails are laid on the ends.
        let (mean, sigma) = moments(|rng| truncated_normal(rng, 2.0));
        near(mean, 0.0, 0.02);
        near(sigma, 1.995, 0.02);
        let (mean, sigma) = moments(|rng| LogNormal::new(10.0, 5.0).draw(rng));
        near(mean, 10.0, 0.05);
        near(sigma, 5.0, 0.1);
        near(moments(|rng| exponential(rng, 3.0)).0, 3.0, 0.03);
        let pareto = Pareto {
            least: 1.0,
            most: 1_000.0,
            alpha: 1.5,
        };
        // α / (α − 1) · (1 − 1000^−0.5) / (1 − 1000^−1.5) = 2.905.
        near(moments(|rng| pareto.draw(rng)).0, 2.905, 0.1);
        // A burst of the WAN: 28.38 in the mean, with a σ of 98, says the sum over its distribution.
        let burst = Pareto {
            least: 1.0,
            most: 1_094.0,
            alpha: 0.54,
        };
        near(moments(|rng| burst.draw(rng).floor()).0, 28.38, 0.6);
        let mut rng = Rng::new(1);
        assert!((0..N).all(|_| (1.0..=1_000.0).contains(&pareto.draw(&mut rng))));
    }
}
