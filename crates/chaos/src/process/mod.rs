//! Processes by pid and start time, so that a reused pid is never taken for its predecessor.

mod identity;
mod stat;

pub use identity::{Presence, Process};
pub(crate) use stat::{group_members, keeper_of};
