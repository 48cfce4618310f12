//! What is promised.

use std::time::Duration;

/// One promise about one route: a share of good events over a window.
#[derive(Clone, Debug, PartialEq)]
pub struct Objective {
    /// Its key, unique in the file, as in `orders/availability`.
    pub name: String,
    /// The `[slo.NAME]` it comes from, as in `orders`.
    pub slo: String,
    /// The route it is about.
    pub route: String,
    /// What makes an event good.
    pub indicator: Indicator,
    /// The promised share of good events, as in 0.9995; between 0 and 1.
    pub objective: f64,
    /// The window of the budget; at most [`super::WINDOW_MAX`].
    pub window: Duration,
}

/// What makes an event good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Indicator {
    /// It did not fail.
    Availability,
    /// It was answered within a bound.
    Latency {
        /// The bound.
        under: Duration,
    },
}

impl Indicator {
    /// The name used in status and metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Availability => "availability",
            Self::Latency { .. } => "latency",
        }
    }
}

/// The smallest budget reckoned with: an objective of 100 % has none, and a rate over none is no
/// number.
const BUDGET_MIN: f64 = 1e-9;

impl Objective {
    /// The share of events that may be bad; always positive.
    #[must_use]
    pub fn budget(&self) -> f64 {
        let budget = 1.0 - self.objective;
        // Also the answer for an objective that is no number.
        if budget > BUDGET_MIN {
            budget.min(1.0)
        } else {
            BUDGET_MIN
        }
    }

    /// What the counts of this objective mean. Counts of another meaning must not be added to them;
    /// the objective and its window may change freely.
    #[must_use]
    pub fn meaning(&self) -> String {
        match self.indicator {
            Indicator::Availability => format!("availability of {}", self.route),
            Indicator::Latency { under } => {
                format!("latency of {} under {} ns", self.route, under.as_nanos())
            }
        }
    }
}
