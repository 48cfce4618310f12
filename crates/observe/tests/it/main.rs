//! The crate against real files and processes.

mod journal;
mod kill;
mod ledger;
mod metrics;
