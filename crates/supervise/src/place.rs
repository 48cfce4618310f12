//! Which node of a cluster a supervisor is.

use std::net::IpAddr;

use ninefold_cluster::placement::Placement;
use ninefold_config::model::{File, Spread, Supervised};
use ninefold_config::{LoopbackError, at_loopback};
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
        self.home(instance, supervised) == self.me
    }

    /// The node, from 0, that a replica of a service runs on.
    #[must_use]
    pub fn home(&self, instance: &InstanceId, supervised: &Supervised) -> u32 {
        let spread = supervised.spread == Spread::Zone;
        self.placement
            .home(&instance.service, instance.ordinal, spread)
    }

    /// The file as this node goes on by it: with its zone, and on a loopback address with all that it listens on
    /// [there](ninefold_config::at_loopback).
    ///
    /// # Errors
    /// All that nodes on one machine cannot share.
    pub fn own_file(&self, file: &File) -> Result<File, Vec<LoopbackError>> {
        let mut own = if self.address.is_loopback() {
            at_loopback(file, self.me)?
        } else {
            file.clone()
        };
        if own.node.zone.is_none() {
            let zone = self.placement.zone_of(self.me);
            own.node.zone = zone.and_then(|zone| zone.parse().ok());
        }
        Ok(own)
    }
}
