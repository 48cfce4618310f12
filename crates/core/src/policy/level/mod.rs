//! Levels: which requests are let in while there is not room for all.
//!
//! Criticality and cohort together order all requests in 512 ranks. A [`Level`] cuts that order:
//! ranks above it come in, ranks below do not, and of the rank it falls into a share, so that
//! traffic of a single rank can be cut as finely as any other.

mod cut;
mod tally;
mod watch;

pub use cut::{Level, ParseLevelError};
pub use watch::LevelWatch;

pub(crate) use cut::RANKS;
pub(crate) use tally::Tally;

#[cfg(test)]
#[cfg(loom)]
mod loom_tests;
