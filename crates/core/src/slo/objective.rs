use std::time::Duration;

/// What an objective counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Indicator {
    /// Requests that did not fail, of all that were not refused as malformed or given up.
    Availability,
    /// Answers that came in time, of all that were answered.
    Latency {
        /// In time is faster than this.
        under: Duration,
    },
}

impl Indicator {
    /// The name used in text and JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Availability => "availability",
            Self::Latency { .. } => "latency",
        }
    }
}

/// One objective. An SLO with availability and latency makes two.
#[derive(Clone, Debug, PartialEq)]
pub struct Objective {
    /// The SLO's name.
    pub name: String,
    /// The route it is about.
    pub route: String,
    /// What is counted.
    pub indicator: Indicator,
    /// The share of good events, as in 0.9995.
    pub objective: f64,
    /// The time it holds for.
    pub window: Duration,
}

impl Objective {
    /// Its name among all objectives: `checkout/availability`.
    #[must_use]
    pub fn key(&self) -> String {
        format!("{}/{}", self.name, self.indicator.name())
    }

    /// What its counts mean, as a text: when it changes, old counts cannot go on. The share and the
    /// window may change freely.
    #[must_use]
    pub fn definition(&self) -> String {
        match self.indicator {
            Indicator::Availability => format!("availability of {}", self.route),
            Indicator::Latency { under } => {
                format!("latency of {} under {} ns", self.route, under.as_nanos())
            }
        }
    }

    /// The share of bad events that is allowed; never 0, so that every rate is finite.
    #[must_use]
    pub fn allowed(&self) -> f64 {
        let allowed = 1.0 - self.objective;
        if allowed.is_finite() {
            allowed.clamp(1e-9, 1.0)
        } else {
            1.0
        }
    }
}
