//! An objective in figures.

use std::time::Duration;

use super::{AlertState, Count, Objective, WINDOW_MAX, Windows};
use crate::status::{BurnRate, SloStatus};
use crate::time::Timestamp;

/// The windows whose burn rates are shown, and their names.
pub const BURN_WINDOWS: [(&str, Duration); 7] = [
    ("5m", Duration::from_secs(300)),
    ("30m", Duration::from_secs(1_800)),
    ("1h", Duration::from_secs(3_600)),
    ("2h", Duration::from_secs(7_200)),
    ("6h", Duration::from_secs(21_600)),
    ("1d", Duration::from_secs(86_400)),
    ("3d", Duration::from_secs(259_200)),
];

/// How fast these events burn the budget: 1 spends it exactly in the objective's window. Nothing
/// without events.
#[must_use]
pub fn burn_rate(objective: &Objective, count: Count) -> Option<f64> {
    count.bad_ratio().map(|ratio| ratio / objective.budget())
}

/// The objective at one moment.
#[must_use]
pub fn status(
    objective: &Objective,
    windows: &Windows,
    alerts: &AlertState,
    now: Timestamp,
) -> SloStatus {
    let window = objective.window.min(WINDOW_MAX);
    let count = windows.sum(now, window);
    SloStatus {
        slo: objective.slo.clone(),
        route: objective.route.clone(),
        indicator: objective.indicator.name().to_owned(),
        objective: objective.objective,
        window_seconds: window.as_secs(),
        total: count.total(),
        bad: count.bad,
        measured: count.bad_ratio().map(|ratio| 1.0 - ratio),
        budget_remaining: 1.0 - burn_rate(objective, count).unwrap_or(0.0),
        burn: BURN_WINDOWS
            .into_iter()
            .map(|(name, window)| BurnRate {
                window: name.to_owned(),
                rate: burn_rate(objective, windows.sum(now, window)),
            })
            .collect(),
        alerts: alerts.firing().map(str::to_owned).collect(),
    }
}
