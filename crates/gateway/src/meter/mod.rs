//! Counters of the data threads: each is written by one thread and summed by readers.

mod cells;
mod exemplars;
mod histogram;

pub(crate) use cells::{EndpointCells, ListenerCells, RouteCells, add, load};
pub(crate) use exemplars::{Exemplar, ExemplarCells};
pub use histogram::Histogram;
pub(crate) use histogram::{CLASSIC, CLASSIC_BUCKETS, bounds, classic_buckets};
