//! `cargo xtask bench availability`: the gateway and its peers under the same faults.
//!
//! The program that drives them is `benches/availability`, a workspace of its own. It starts
//! proxies and replicas, drives an open loop of requests through each proxy, does the same faults at
//! the same moments to all, and says what came of it in lines of JSON. Here the peers are
//! installed, and the lines become a report.

mod behind;
mod column;
mod options;
mod peer;
mod programs;
mod report;
mod row;
mod run;
mod sample;

pub(super) use programs::{driver, ninefold};
pub(crate) use run::run;
