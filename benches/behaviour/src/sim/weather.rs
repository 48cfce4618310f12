//! What the world is like.

use std::time::Duration;

use ninefold_core::rng::Rng;
use ninefold_core::time::Timestamp;

/// A service: workers, and how long they work on a call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Service {
    /// Calls that are worked on at once.
    pub(crate) workers: usize,
    /// The least time of a call. What comes on top is exponential.
    pub(crate) least: Duration,
    /// The mean time of a call.
    pub(crate) mean: Duration,
}

impl Service {
    /// Calls a second that it can do.
    pub(crate) fn capacity(&self) -> f64 {
        self.workers as f64 / self.mean.as_secs_f64()
    }

    /// How long the next call takes.
    pub(crate) fn draw(&self, rng: &mut Rng) -> Duration {
        let tail = self.mean - self.least;
        self.least + exponential(tail, rng)
    }
}

/// A time in which the service works more slowly.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Trigger {
    /// When it begins.
    pub(crate) from: Timestamp,
    /// When it ends.
    pub(crate) to: Timestamp,
    /// How many times longer a call takes that is begun within it.
    pub(crate) slowdown: f64,
}

/// All that a run is about, but for who decides.
#[derive(Clone, Debug)]
pub(crate) struct Weather {
    /// The service.
    pub(crate) service: Service,
    /// New requests a second by rank of criticality, as a Poisson process.
    pub(crate) rates: [f64; 4],
    /// After this a caller gives up on an attempt.
    pub(crate) patience: Duration,
    /// What goes wrong for a while.
    pub(crate) trigger: Option<Trigger>,
    /// Until then nothing is counted.
    pub(crate) warm_up: Duration,
    /// When requests end to come.
    pub(crate) length: Duration,
    /// What is drawn.
    pub(crate) seed: u64,
}

impl Weather {
    /// New requests a second.
    pub(crate) fn rate(&self) -> f64 {
        self.rates.iter().sum()
    }

    /// How long the work on a call takes that is begun now.
    pub(super) fn work(&self, now: Timestamp, rng: &mut Rng) -> Duration {
        let usual = self.service.draw(rng);
        match self.trigger {
            Some(trigger) if (trigger.from..trigger.to).contains(&now) => {
                usual.mul_f64(trigger.slowdown)
            }
            _ => usual,
        }
    }

    /// The rank of a new request's criticality.
    pub(super) fn rank(&self, rng: &mut Rng) -> usize {
        let mut draw = rng.unit() * self.rate();
        for (rank, rate) in self.rates.iter().enumerate() {
            draw -= rate;
            if draw < 0.0 {
                return rank;
            }
        }
        self.rates.iter().rposition(|rate| *rate > 0.0).unwrap_or(0)
    }
}

/// An exponential time with a mean, at least a nanosecond.
pub(super) fn exponential(mean: Duration, rng: &mut Rng) -> Duration {
    mean.mul_f64(-(1.0 - rng.unit()).ln())
        .max(Duration::from_nanos(1))
}
