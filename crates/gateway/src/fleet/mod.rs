//! The endpoints as the control plane sees them, shared by all data threads.

mod budgets;
mod endpoint;
mod heirlooms;
mod hub;
mod memory;
mod outliers;
mod snapshot;
mod spill;

pub use endpoint::{Cause, EndpointView};
pub(crate) use endpoint::{ConnectionPlace, Endpoint, Place};
pub(crate) use hub::Hub;
pub(crate) use memory::{FaultEntry, RateEntry};
pub use memory::{Memory, Recalled};
pub(crate) use snapshot::{Member, Snapshot};
