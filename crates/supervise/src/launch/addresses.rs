//! Where the services of a file are reached.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use ninefold_core::address::Address;

/// What instances are told of where others are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Addresses {
    /// What `{address.NAME}` stands for: by service, the address of the first listener that routes to
    /// it.
    pub services: BTreeMap<String, SocketAddr>,
    /// Where calls to other services go through the same policies, if anywhere: `{egress}`, and
    /// `NINEFOLD_EGRESS`.
    pub egress: Option<Address>,
}

impl Addresses {
    /// These, and what only `other` has.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        let mut services = other.services.clone();
        services.extend(self.services.clone());
        Self {
            services,
            egress: self.egress.clone().or_else(|| other.egress.clone()),
        }
    }
}
