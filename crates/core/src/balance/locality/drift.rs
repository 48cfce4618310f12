//! How much traffic has to leave although enough endpoints are there: the near ones are slower than
//! they should be, or have just come back.
//!
//! A near median beyond [`BUSY`] times that of the others, or of its own past while nobody else is
//! asked, moves a tenth of the traffic away at each look. A share falls at once and rises slowly,
//! and between [`CALM`] and [`BUSY`] it stays where it is: traffic that sloshes between zones would
//! overload each in turn. Less than an even share never stays, whatever is measured: that many
//! endpoints, loaded as all others, are no slower than they for lack of capacity.

use std::collections::VecDeque;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::ejection::Tally;
use crate::time::nanos;

/// The near median is so many times the others': some of its traffic moves away.
const BUSY: f64 = 2.0;

/// Below so many times the others' it comes back.
const CALM: f64 = 1.25;

/// What moves away at one look, and what comes back.
const FALL: f64 = 0.1;
const RISE: f64 = 0.05;

/// Differences below this are the distance between zones, not load.
const NOISE: Duration = Duration::from_millis(5);

/// How fast its own past is forgotten at one look: upwards slowly, for an overload must not be taken
/// for normal, downwards quickly.
const PAST_RISE: f64 = 0.02;
const PAST_FALL: f64 = 0.2;

/// Looks that are compared: two seconds.
const LOOKS: usize = 4;

/// Answers without which a median says nothing.
const SAMPLES: u64 = 10;

/// Between what the near share may be, by what is in rotation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reach {
    /// What an even division over all endpoints would leave here.
    pub even: f64,
    /// What those here may take.
    pub able: f64,
}

/// What is remembered of the traffic of one service between two looks.
#[derive(Clone, Debug)]
pub struct Drift {
    /// The most that stays near.
    near_max: f64,
    /// Whether all could stay near once. Before that endpoints are not back, but new.
    settled: bool,
    /// The near median as it usually is, in nanoseconds; 0 before the first.
    past_ns: f64,
    near: Recent,
    others: Recent,
}

/// What a [`Drift`] knows, without what it counts.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct DriftMemento {
    near_max: f64,
    settled: bool,
    past_ns: f64,
}

impl Default for Drift {
    fn default() -> Self {
        Self {
            near_max: 1.0,
            settled: false,
            past_ns: 0.0,
            near: Recent::default(),
            others: Recent::default(),
        }
    }
}

impl Drift {
    /// The most that stays near, 0 to 1.
    #[must_use]
    pub const fn near_max(&self) -> f64 {
        self.near_max
    }

    /// What another one has to know to go on in its place, with answers that are counted anew.
    #[must_use]
    pub const fn memento(&self) -> DriftMemento {
        DriftMemento {
            near_max: self.near_max,
            settled: self.settled,
            past_ns: self.past_ns,
        }
    }

    /// Goes on from what another one knew, as far as it makes sense.
    #[must_use]
    pub fn restore(memento: &DriftMemento) -> Self {
        let known = memento.near_max.is_finite() && memento.past_ns.is_finite();
        if !known {
            return Self::default();
        }
        Self {
            near_max: memento.near_max.clamp(0.0, 1.0),
            settled: memento.settled,
            past_ns: memento.past_ns.max(0.0),
            ..Self::default()
        }
    }

    /// What goes on where answers are counted anew.
    #[must_use]
    pub fn carried(&self) -> Self {
        Self {
            near: Recent::default(),
            others: Recent::default(),
            ..*self
        }
    }

    /// Looks at everything counted so far of the near endpoints and of all others. Returns the most
    /// that stays near now.
    #[expect(
        clippy::cast_precision_loss,
        reason = "a latency beyond 2^53 ns is 104 days"
    )]
    pub fn look(&mut self, reach: Reach, near: Tally, others: Tally) -> f64 {
        let near = self.near.median(near).map(|median| nanos(median) as f64);
        let others = self
            .others
            .median(others)
            .map(|median| nanos(median) as f64);
        let noise = nanos(NOISE) as f64;
        let usual = others.or_else(|| Some(self.past_ns).filter(|past| *past > 0.0));
        let (busy, calm) = match (near, usual) {
            (Some(near), Some(usual)) => (
                near > (usual * BUSY).max(usual + noise),
                near <= (usual * CALM).max(usual + noise),
            ),
            _ => (false, true),
        };
        self.near_max = match (busy, calm) {
            (true, _) => self.near_max - FALL,
            (_, true) if self.settled => self.near_max + RISE,
            (_, true) => 1.0,
            _ => self.near_max,
        };
        self.near_max = self.near_max.max(reach.even).min(reach.able);
        self.settled |= reach.able >= 1.0;
        if let Some(near) = near {
            let rate = match near > self.past_ns {
                _ if self.past_ns <= 0.0 => 1.0,
                true => PAST_RISE,
                false => PAST_FALL,
            };
            self.past_ns += (near - self.past_ns) * rate;
        }
        self.near_max
    }
}

/// What was counted lately.
#[derive(Clone, Debug, Default)]
struct Recent {
    total: Option<Tally>,
    looks: VecDeque<Tally>,
}

impl Recent {
    /// The median of the last [`LOOKS`], this one included.
    fn median(&mut self, total: Tally) -> Option<Duration> {
        if let Some(before) = self.total.replace(total.clone()) {
            if self.looks.len() >= LOOKS {
                self.looks.pop_front();
            }
            self.looks.push_back(total.since(&before));
        }
        let mut sum = Tally::default();
        for look in &self.looks {
            sum.add(look);
        }
        sum.median().filter(|_| sum.answered() >= SAMPLES)
    }
}

#[cfg(test)]
mod tests;
