//! The φ accrual detector with Akka's approximation and defaults.

use std::f64::consts::LN_10;
use std::time::Duration;

use ninefold_core::time::{Timestamp, nanos};

use super::FailureDetector;
use super::latest::{Latest, News, float, narrow, offset};
use super::window::Window;

/// φ over a normal distribution of the intervals, `φ(t) = −log₁₀(1 − F(t))`, where F is the logistic
/// approximation `1 / (1 + e^−z)`, `z = y · (1.5976 + 0.070566 · y²)`, `y = (t − mean − pause) / max(σ, σ_min)`.
///
/// The history begins with two intervals around the interval that is configured, and an interval that ended a
/// suspicion does not enter it.
#[derive(Clone, Debug)]
pub struct PhiAkka {
    threshold: f64,
    /// Nanoseconds.
    pause: f64,
    /// The y at which φ is the threshold.
    y: f64,
    latest: Latest,
    intervals: Window,
    /// Nanoseconds: mean and pause, and σ or its least value.
    center: f64,
    sigma: f64,
    deadline: Option<Timestamp>,
}

impl PhiAkka {
    /// `threshold`.
    pub const THRESHOLD: f64 = 8.0;
    /// `acceptable-heartbeat-pause`.
    pub const PAUSE: Duration = Duration::from_secs(3);
    /// `min-std-deviation`.
    const SIGMA_MIN: f64 = 100e6;
    /// `heartbeat-interval`, which the history begins with.
    const FIRST_INTERVAL: i64 = 1_000_000_000;
    /// `max-sample-size`.
    const WINDOW: usize = 1_000;

    /// Suspects at a φ of `threshold`, after a `pause` that is acceptable.
    #[must_use]
    pub fn new(threshold: f64, pause: Duration) -> Self {
        let threshold = threshold.max(0.01);
        Self {
            threshold,
            pause: float(nanos(pause)),
            y: y_at(threshold),
            latest: Latest::default(),
            intervals: Window::new(Self::WINDOW),
            center: 0.0,
            sigma: Self::SIGMA_MIN,
            deadline: None,
        }
    }

    /// φ after a silence of so many nanoseconds.
    fn phi(&self, silence: f64) -> f64 {
        let y = (silence - self.center) / self.sigma;
        let z = y * (1.5976 + 0.070_566 * y * y);
        // log₁₀(1 + e^z), without an overflow of e^z.
        if z > 700.0 {
            z / LN_10
        } else {
            z.exp().ln_1p() / LN_10
        }
    }
}

impl FailureDetector for PhiAkka {
    fn heartbeat(&mut self, seq: u64, _sent: Option<Timestamp>, arrived: Timestamp) {
        let suspected = self.suspects(arrived);
        match self.latest.take(seq, arrived) {
            News::Stale => return,
            News::First => {
                self.intervals.clear();
                let spread = Self::FIRST_INTERVAL / 4;
                self.intervals.push(Self::FIRST_INTERVAL - spread);
                self.intervals.push(Self::FIRST_INTERVAL + spread);
            }
            News::Next(_) if suspected => {}
            News::Next(interval) => self.intervals.push(narrow(interval.into())),
        }
        if let Some((mean, variance)) = self.intervals.moments() {
            self.center = mean + self.pause;
            self.sigma = variance.sqrt().max(Self::SIGMA_MIN);
        }
        self.deadline = Some(offset(arrived, self.center + self.y * self.sigma));
    }

    fn deadline(&self) -> Option<Timestamp> {
        self.deadline
    }

    fn suspicion(&self, now: Timestamp) -> f64 {
        let silence = self.latest.silence(now);
        silence.map_or(0.0, |silence| self.phi(silence) / self.threshold)
    }
}

/// The y at which φ reaches a threshold: the only real root of `0.070566 · y³ + 1.5976 · y = z`, where `z` is
/// `ln(10^threshold − 1)`, in the hyperbolic form, which loses no digits near 0.
fn y_at(threshold: f64) -> f64 {
    let exponent = threshold * LN_10;
    let z = if exponent > 700.0 {
        exponent
    } else {
        exponent.exp_m1().ln()
    };
    let third = (1.5976 / 0.070_566f64 / 3.0).sqrt();
    let half = z / 0.070_566 / 2.0;
    2.0 * third * ((half / third.powi(3)).asinh() / 3.0).sinh()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_inverse_is_exact() {
        for threshold in [0.01, 0.1, 0.3, 1.0, 3.0, 8.0, 16.0, 300.0, 400.0] {
            let mut detector = PhiAkka::new(threshold, Duration::ZERO);
            (detector.center, detector.sigma) = (0.0, 1.0);
            let phi = detector.phi(y_at(threshold));
            assert!(
                (phi - threshold).abs() < 1e-9 * threshold.max(1.0),
                "{phi} {threshold}"
            );
        }
    }
}
