//! An open loop: requests start at their intended moments whatever became of those before them, and
//! latency counts from the intended start, so that a stall is paid for by every request that it met.

mod client;
mod driver;
mod plan;

pub(crate) use client::{Client, Reuse};
pub(crate) use driver::{Record, drive};
pub(crate) use plan::{Phase, Plan};
