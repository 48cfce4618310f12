use std::net::SocketAddr;
use std::sync::Arc;

use ninefold_trust::{Identity, SecretsFolder};

/// How a node takes part in a cluster.
#[derive(Clone, Debug)]
pub struct ClusterOptions {
    /// Who it is, and what it proves that with. No other node of the cluster has the same name.
    pub identity: Identity,
    /// Where its secrets are: with the cluster's authority among them it answers joins.
    pub secrets: SecretsFolder,
    /// Its zone.
    pub zone: Option<Arc<str>>,
    /// Where it gossips, over UDP. Others send there.
    pub gossip: SocketAddr,
    /// Where other nodes gossip: they are asked to take it in.
    pub seeds: Vec<SocketAddr>,
}

impl ClusterOptions {
    /// Its name, as in `n2`.
    #[must_use]
    pub fn name(&self) -> Arc<str> {
        self.identity.node().shared()
    }
}
