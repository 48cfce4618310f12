use std::fmt;

use super::Path;
use super::draw::{LogNormal, Pareto};

/// A kind of network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Model {
    /// Between continents.
    Wan,
    /// A switch.
    Lan,
    /// Virtual machines that share theirs with others.
    Cloud,
}

impl Model {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Wan, Self::Lan, Self::Cloud];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Wan => "wan",
            Self::Lan => "lan",
            Self::Cloud => "cloud",
        }
    }

    /// What an observer sees of a sender that lives for ever; the whole of it follows from the seed.
    #[must_use]
    pub fn trace(self, seed: u64) -> Path {
        Path::new(self.figures(), seed)
    }

    /// The figures, in milliseconds; those that come at random, in heartbeats or in milliseconds apart.
    fn figures(self) -> Figures {
        match self {
            Self::Wan => Figures {
                interval: 103.5,
                // Two of them make an interval, whose σ is 0.19.
                jitter: 0.19 / std::f64::consts::SQRT_2,
                calm: Delay::new(135.0, 6.5, 13.5, 359.0),
                rough: None,
                burst_begins: 814.0 / 5_845_713.0,
                burst: pareto(1.0, 1_094.0, 0.54),
                pause: None,
                stall: None,
            },
            Self::Lan => Figures {
                interval: 100.0,
                jitter: 0.05,
                calm: Delay::new(0.08, 0.04, 0.06, 5.0),
                rough: None,
                burst_begins: 1e-5,
                burst: pareto(1.0, 4.0, 1.5),
                pause: Some(Pause {
                    apart: 3_600_000.0,
                    length: pareto(20.0, 200.0, 1.2),
                }),
                stall: None,
            },
            Self::Cloud => Figures {
                interval: 100.0,
                jitter: 0.3,
                calm: Delay::new(0.25, 0.35, 0.8, 150.0),
                rough: Some(Rough {
                    apart: 300_000.0,
                    length: 10_000.0,
                    delay: Delay::new(0.25, 8.0, 15.0, 300.0),
                }),
                burst_begins: 5e-5,
                burst: pareto(1.0, 30.0, 1.1),
                pause: Some(Pause {
                    apart: 1_200_000.0,
                    length: pareto(50.0, 800.0, 1.1),
                }),
                stall: Some(Pause {
                    apart: 600_000.0,
                    length: pareto(100.0, 3_000.0, 1.0),
                }),
            },
        }
    }
}

const fn pareto(least: f64, most: f64, alpha: f64) -> Pareto {
    Pareto { least, most, alpha }
}

/// All that a path is made of.
#[derive(Clone, Copy, Debug)]
pub(super) struct Figures {
    pub(super) interval: f64,
    /// σ of the time between the schedule and the sending.
    pub(super) jitter: f64,
    pub(super) calm: Delay,
    pub(super) rough: Option<Rough>,
    /// The chance that a burst of losses begins with a heartbeat, and how many it takes.
    pub(super) burst_begins: f64,
    pub(super) burst: Pareto,
    pub(super) pause: Option<Pause>,
    pub(super) stall: Option<Pause>,
}

/// The time on the way.
#[derive(Clone, Copy, Debug)]
pub(super) struct Delay {
    pub(super) least: f64,
    pub(super) above: LogNormal,
    pub(super) most: f64,
}

impl Delay {
    fn new(least: f64, mean_above: f64, sigma: f64, most: f64) -> Self {
        Self {
            least,
            above: LogNormal::new(mean_above, sigma),
            most,
        }
    }
}

/// Episodes in which the way takes longer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rough {
    pub(super) apart: f64,
    pub(super) length: f64,
    pub(super) delay: Delay,
}

/// Times in which one of the two stands still.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pause {
    pub(super) apart: f64,
    pub(super) length: Pareto,
}

impl fmt::Display for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
