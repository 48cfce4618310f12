//! Counters of the data threads: each is written by one thread and summed by readers.

mod cells;
mod histogram;

pub(crate) use cells::{EndpointCells, ListenerCells, RouteCells, add, load};
pub use histogram::Histogram;
pub(crate) use histogram::{CLASSIC, bounds};
