//! When a burning budget wakes a person.

use std::time::Duration;

use super::{Objective, Windows};
use crate::time::Timestamp;

/// A budget that burns `factor` times too fast over both windows. The long one says that it is worth
/// a call, the short one that it goes on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rule {
    /// Its name, as in `page 14.4x over 1h/5m`.
    pub name: &'static str,
    /// How many times faster than sustainable.
    pub factor: f64,
    /// The long window.
    pub long: Duration,
    /// The short window.
    pub short: Duration,
    /// Bad events in the long window before it may begin.
    pub bad_min: u64,
}

const fn hours(hours: u64) -> Duration {
    Duration::from_secs(hours * 3_600)
}

/// The rules, the most urgent first ("Site Reliability Workbook", chapter 5, table 5-8).
pub const RULES: [Rule; 4] = [
    Rule {
        name: "page 14.4x over 1h/5m",
        factor: 14.4,
        long: hours(1),
        short: Duration::from_secs(300),
        bad_min: 5,
    },
    Rule {
        name: "page 6x over 6h/30m",
        factor: 6.0,
        long: hours(6),
        short: Duration::from_secs(1_800),
        bad_min: 5,
    },
    Rule {
        name: "ticket 3x over 1d/2h",
        factor: 3.0,
        long: hours(24),
        short: hours(2),
        bad_min: 3,
    },
    Rule {
        name: "ticket 1x over 3d/6h",
        factor: 1.0,
        long: hours(72),
        short: hours(6),
        bad_min: 3,
    },
];

/// A share of bad events that is an outage whatever the objective.
const OUTAGE: f64 = 0.9;

impl Rule {
    /// The share of bad events from which the rule holds.
    #[must_use]
    pub fn threshold(&self, objective: &Objective) -> f64 {
        let budget = objective.budget();
        (self.factor * budget).min(budget.max(OUTAGE))
    }

    /// Whether the alert begins: both windows burn, and the long one holds enough evidence.
    #[must_use]
    pub fn begins(&self, objective: &Objective, windows: &Windows, now: Timestamp) -> bool {
        let long = windows.sum(now, self.long);
        long.bad >= self.bad_min
            && long.bad_ratio_lower() >= self.threshold(objective)
            && self.goes_on(objective, windows, now)
    }

    /// Whether an alert that began goes on: both windows burn. It asks for less than
    /// [`Rule::begins`], so that an alert does not flap.
    #[must_use]
    pub fn goes_on(&self, objective: &Objective, windows: &Windows, now: Timestamp) -> bool {
        let threshold = self.threshold(objective);
        [self.short, self.long].into_iter().all(|window| {
            let count = windows.sum(now, window);
            count.bad > 0 && count.bad_ratio().is_some_and(|ratio| ratio >= threshold)
        })
    }
}

/// Which of the [`RULES`] fire for one objective.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AlertState {
    firing: [bool; RULES.len()],
}

impl AlertState {
    /// The state in which the rules of these names fire; unknown names are ignored.
    pub fn restore<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        let mut state = Self::default();
        for name in names {
            for (rule, firing) in RULES.iter().zip(&mut state.firing) {
                *firing |= rule.name == name;
            }
        }
        state
    }

    /// The names of the alerts that fire, the most urgent first.
    pub fn firing(&self) -> impl Iterator<Item = &'static str> + '_ {
        RULES
            .iter()
            .zip(self.firing)
            .filter_map(|(rule, firing)| firing.then_some(rule.name))
    }

    /// Judges anew; returns the alerts that changed and whether each fires now.
    pub fn update(
        &mut self,
        objective: &Objective,
        windows: &Windows,
        now: Timestamp,
    ) -> Vec<(&'static str, bool)> {
        let mut changes = Vec::new();
        for (rule, firing) in RULES.iter().zip(&mut self.firing) {
            let judged = if *firing {
                rule.goes_on(objective, windows, now)
            } else {
                rule.begins(objective, windows, now)
            };
            if judged != *firing {
                *firing = judged;
                changes.push((rule.name, judged));
            }
        }
        changes
    }
}
