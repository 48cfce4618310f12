//! What callers do when an attempt fails: ours and the peers'.

mod broken;
mod client;
mod guarded;
mod ours;
mod throttled;
mod tower;
mod without_budget;

pub(crate) use broken::Broken;
pub(crate) use client::{Client, End};
pub(crate) use guarded::Guarded;
pub(crate) use ours::Ours;
pub(crate) use throttled::Throttled;
pub(crate) use tower::TowerBudget;
pub(crate) use without_budget::{Never, WithoutBudget};
