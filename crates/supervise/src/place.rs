//! Which node of a cluster a supervisor is.

use std::net::IpAddr;

use ninefold_cluster::placement::Placement;
use ninefold_config::model::{Spread, Supervised};
use ninefold_core::id::InstanceId;

/// One node among others: it runs the replicas whose home it is, and no others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// This node, from 0.
    pub me: u32,
    /// The nodes and their zones. It must be the same on all of them: else a replica runs twice, or
    /// nowhere.
    pub placement: Placement,
    /// Where this node's instances listen.
    pub address: IpAddr,
}

impl Place {
    /// Whether a replica of a service runs on this node.
    #[must_use]
    pub fn is_home(&self, instance: &InstanceId, supervised: &Supervised) -> bool {
        let spread = supervised.spread == Spread::Zone;
        self.placement
            .home(&instance.service, instance.ordinal, spread)
            == self.me
    }
}
