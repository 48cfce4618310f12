//! What differs between two files, as a reload has to know it.

mod change;
mod compare;
mod service;

pub use change::{Change, ChangeKind};
pub use compare::diff;
