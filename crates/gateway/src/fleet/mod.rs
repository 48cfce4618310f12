//! The endpoints as the control plane sees them, shared by all data threads.

mod endpoint;
mod hub;
mod snapshot;

pub(crate) use endpoint::Endpoint;
pub use endpoint::EndpointView;
pub(crate) use hub::Hub;
pub(crate) use snapshot::{Member, Snapshot};
