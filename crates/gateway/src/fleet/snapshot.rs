//! All endpoints at one moment; swapped as a whole.

use std::sync::Arc;

use ninefold_core::time::Timestamp;

use super::Endpoint;

/// The endpoints of all services, in the order of the plan.
#[derive(Debug, Default)]
pub(crate) struct Snapshot {
    pub(crate) services: Vec<Vec<Member>>,
}

/// An endpoint in a snapshot.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    pub(crate) endpoint: Arc<Endpoint>,
    pub(crate) admitted: bool,
    pub(crate) ready_since: Option<Timestamp>,
}

impl Snapshot {
    /// The members of a service, by ordinal.
    pub(crate) fn members(&self, service: usize) -> &[Member] {
        self.services.get(service).map_or(&[], Vec::as_slice)
    }
}
