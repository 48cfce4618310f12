//! The endpoints as the control plane sees them, shared by all data threads.

mod budgets;
mod endpoint;
mod heirlooms;
mod hub;
mod outliers;
mod snapshot;
mod spill;

pub use endpoint::{Cause, EndpointView};
pub(crate) use endpoint::{ConnectionPlace, Endpoint, Place};
pub(crate) use hub::Hub;
pub(crate) use snapshot::{Member, Snapshot};
