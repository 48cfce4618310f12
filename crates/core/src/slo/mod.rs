//! Objectives: exact counting over windows, error budgets, burn rates, alerts.
//!
//! Counts are integers in rings of fixed size: 10 s buckets for 6 h, 5 min buckets for 3 d, and 1 h
//! buckets for the objective's own window of at most 90 d. Nothing is averaged over averages and
//! nothing is scraped, so a total outage, a restart or an hour without traffic neither hide nor
//! invent an event.
//!
//! Alerts are the four of the SRE Workbook (chapter 5, "Alerting on SLOs", multiwindow,
//! multi-burn-rate). Each also needs [`BAD_MIN`] bad events and a lower confidence bound (Wilson,
//! one-sided 95 %) of the long window's error ratio above its line: at ten requests an hour, one
//! error is no evidence of anything and pages nobody. Without traffic there is no rate, not NaN.

mod alert;
mod classes;
mod ledger;
mod objective;
mod ring;
mod totals;
mod windows;

pub use alert::{ALERTS, Alert, AlertChange, BAD_MIN, surely_worse};
pub use classes::{BadEvents, Suspect, share_out};
pub use ledger::Ledger;
pub use objective::{Indicator, Objective};
pub use ring::{Counts, Ring};
pub use totals::RouteTotals;
pub use windows::{BURN_WINDOWS, Resolution, WINDOW_MAX, Windows};
