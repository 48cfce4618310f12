//! Objectives: exact counting over windows, error budgets, burn rates and alerts.
//!
//! The arithmetic is that of the "Site Reliability Workbook", chapter 5 (multiwindow,
//! multi-burn-rate alerts), with three differences, each against a complaint of its users:
//!
//! - Counts are integers in rings ([`Windows`]), never averages of ratios, so a long window is
//!   exactly the sum of what it holds, and silence is "nothing measured", never NaN.
//! - An alert begins only on enough evidence ([`Rule::begins`]): at least a few bad events, and a
//!   statistical lower bound of their share above the threshold. One error in ten requests at
//!   night pages nobody.
//! - A threshold never exceeds 90 % bad ([`Rule::threshold`]), so that a total outage pages even
//!   where the objective is so low that 14.4 times its budget is more than everything.

mod alert;
mod count;
mod objective;
mod report;
mod ring;
mod windows;

pub use alert::{AlertState, RULES, Rule};
pub use count::Count;
pub use objective::{Indicator, Objective};
pub use report::{BURN_WINDOWS, burn_rate, status};
pub use ring::Ring;
pub use windows::{WINDOW_MAX, Windows};
