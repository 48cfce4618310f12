use super::alert::{ALERTS, AlertChange, ratio};
use super::objective::Objective;
use super::ring::Counts;
use super::windows::{BURN_WINDOWS, WINDOW_MAX, Windows};
use crate::status::{BurnRate, SloStatus};
use crate::time::Timestamp;

/// The account of one objective.
#[derive(Clone, Debug, PartialEq)]
pub struct Ledger {
    objective: Objective,
    windows: Windows,
    /// One bit for each of [`ALERTS`] that fires.
    firing: u8,
}

impl Ledger {
    /// An empty account. A window above [`WINDOW_MAX`] is cut to it.
    #[must_use]
    pub fn new(mut objective: Objective) -> Self {
        objective.window = objective.window.min(WINDOW_MAX);
        Self {
            objective,
            windows: Windows::default(),
            firing: 0,
        }
    }

    /// What it accounts for.
    #[must_use]
    pub const fn objective(&self) -> &Objective {
        &self.objective
    }

    /// The counts.
    #[must_use]
    pub const fn windows(&self) -> &Windows {
        &self.windows
    }

    /// The counts, to be filled from disk.
    pub const fn windows_mut(&mut self) -> &mut Windows {
        &mut self.windows
    }

    /// The alerts that fire, a bit for each of [`ALERTS`], to be kept on disk.
    #[must_use]
    pub const fn firing(&self) -> u8 {
        self.firing
    }

    /// Sets the alerts that fire as they were kept, so that none begins twice.
    pub const fn set_firing(&mut self, firing: u8) {
        self.firing = firing & 0b1111;
    }

    /// Counts events.
    pub fn add(&mut self, now: Timestamp, counts: Counts) {
        self.windows.add(now, counts);
    }

    /// Looks at all alerts again; those that began or ended.
    pub fn alerts(&mut self, now: Timestamp) -> Vec<AlertChange> {
        let mut changes = Vec::new();
        for (bit, alert) in ALERTS.iter().enumerate() {
            let fires = alert.fires(&self.windows, now, self.objective.allowed());
            let fired = self.firing >> bit & 1 == 1;
            if fires != fired {
                self.firing ^= 1 << bit;
                changes.push(AlertChange {
                    slo: self.objective.key(),
                    alert: alert.name.to_owned(),
                    firing: fires,
                });
            }
        }
        changes
    }

    /// The account at `now`.
    #[must_use]
    pub fn status(&self, now: Timestamp) -> SloStatus {
        let objective = &self.objective;
        let counts = self.windows.sum(now, objective.window);
        let bad = ratio(counts);
        let burn = |(name, window): &(&str, _)| BurnRate {
            window: (*name).to_owned(),
            rate: ratio(self.windows.sum(now, *window)).map(|bad| bad / objective.allowed()),
        };
        let firing = |(bit, _): &(usize, _)| self.firing >> *bit & 1 == 1;
        SloStatus {
            slo: objective.name.clone(),
            route: objective.route.clone(),
            indicator: objective.indicator.name().to_owned(),
            objective: objective.objective,
            window_seconds: objective.window.as_secs(),
            total: counts.total(),
            bad: counts.bad,
            bad_by_class: Vec::new(),
            measured: bad.map(|bad| 1.0 - bad),
            budget_remaining: 1.0 - bad.unwrap_or(0.0) / objective.allowed(),
            burn: BURN_WINDOWS.iter().map(burn).collect(),
            alerts: ALERTS
                .iter()
                .enumerate()
                .filter(firing)
                .map(|(_, alert)| alert.name.to_owned())
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::slo::Indicator;

    fn ledger() -> Ledger {
        Ledger::new(Objective {
            name: "checkout".to_owned(),
            route: "/checkout".to_owned(),
            indicator: Indicator::Availability,
            objective: 0.99,
            window: Duration::from_secs(30 * 86_400),
        })
    }

    #[test]
    fn no_traffic_is_no_ratio_and_an_untouched_budget() {
        let status = ledger().status(Timestamp::from_secs(1_000_000));
        assert_eq!(status.measured, None);
        assert!(status.burn.iter().all(|burn| burn.rate.is_none()));
        assert_eq!(status.budget_remaining.to_string(), "1");
    }

    #[test]
    fn budget_and_burn_follow_the_counts() {
        let mut ledger = ledger();
        let now = Timestamp::from_secs(1_000_000);
        ledger.add(now, Counts { good: 995, bad: 5 });
        let status = ledger.status(now);
        assert_eq!((status.total, status.bad), (1_000, 5));
        assert!((status.budget_remaining - 0.5).abs() < 1e-9);
        let rate = status.burn[0].rate.unwrap();
        assert!((rate - 0.5).abs() < 1e-9, "{rate}");
    }

    #[test]
    fn an_alert_begins_once_and_ends_once() {
        let mut ledger = ledger();
        let now = Timestamp::from_secs(1_000_000);
        ledger.add(now, Counts { good: 0, bad: 100 });
        let begun = ledger.alerts(now);
        assert_eq!(begun.len(), 4);
        assert!(begun.iter().all(|change| change.firing));
        assert_eq!(ledger.alerts(now), []);
        assert_eq!(ledger.status(now).alerts.len(), 4);
        let later = now + Duration::from_secs(30 * 3_600);
        assert_eq!(ledger.alerts(later).len(), 4);
        assert_eq!(ledger.alerts(later), []);
    }
}
