//! Endpoint choice: who may take traffic, and which of them takes the next request.
//!
//! The default is the power of two choices over load and latency, in [`p2c`] with [`cost`]; the
//! others are for services that need something else of their traffic than to be fast.

mod again;
mod eligible;
mod hash;
mod load_meter;
mod load_report;
mod locality;
mod p2c;
mod prequal;
mod round_robin;

pub use again::{LOST_AFTER, TRIAL_AFTER, again_after};
pub use eligible::{Eligible, Standing, Wanted, WhenTooFew, eligible};
pub use hash::{HashTable, hash_of, load_max};
pub use load_meter::LoadMeter;
pub use load_report::{LOAD_HEADER, LoadReport, NoLoadReport};
pub use locality::{
    Domain, Drift, DriftMemento, LocalityRules, NearMax, Place, Reach, Spillover, drawn,
    place_shares, shares,
};
pub use p2c::{DECAY, FAILURE_PENALTY, PeakEwma, cost, p2c, p2c_by_weight};
pub use prequal::Prequal;
pub use round_robin::RoundRobin;
