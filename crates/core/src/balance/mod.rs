//! Endpoint choice.

mod p2c;

pub use p2c::{DECAY, FAILURE_PENALTY, PeakEwma, cost, p2c};
