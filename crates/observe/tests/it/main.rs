//! The crate against real files and processes.

// `cfg(test)` tells clippy that the functions beside the tests belong to them.
#[cfg(test)]
mod journal;
#[cfg(test)]
mod kill;
#[cfg(test)]
mod ledger;
#[cfg(test)]
mod metrics;
