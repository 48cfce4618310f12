//! All endpoints at one moment; swapped as a whole.

use std::sync::Arc;

use ninefold_core::balance::Standing;
use ninefold_core::time::Timestamp;

use super::{Endpoint, Place};

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
    pub(crate) degraded: bool,
    pub(crate) doubtful: bool,
    pub(crate) weight: u32,
    pub(crate) backup: bool,
    pub(crate) own: bool,
    pub(crate) ready_since: Option<Timestamp>,
}

impl Member {
    /// What speaks for it now.
    pub(crate) fn standing(&self) -> Standing {
        match (self.admitted, self.endpoint.fate.place()) {
            (true, Place::In) if self.degraded => Standing::Degraded,
            (true, Place::In) => Standing::In,
            (true, Place::Canary | Place::Ejected) => Standing::Ejected,
            (false, _) if self.doubtful => Standing::Doubtful,
            (false, _) => Standing::Out,
        }
    }
}

impl Snapshot {
    /// The members of a service, by ordinal.
    pub(crate) fn members(&self, service: usize) -> &[Member] {
        self.services.get(service).map_or(&[], Vec::as_slice)
    }
}
