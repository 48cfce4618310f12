//! What a run says, in figures.

mod isolation;
mod percentile;
mod sums;

pub(crate) use percentile::percentile_ms;
pub(crate) use sums::{Figures, Taken};
