use std::net::SocketAddr;
use std::sync::Arc;

use ninefold_trust::seal::KeyRing;

/// How a node takes part in a cluster.
#[derive(Clone, Debug)]
pub struct ClusterOptions {
    /// Its name, as in `n2`: no other node of the cluster has the same.
    pub name: Arc<str>,
    /// Its zone.
    pub zone: Option<Arc<str>>,
    /// Where it gossips, over UDP. Others send there.
    pub gossip: SocketAddr,
    /// What gossip is sealed with: who has none of these keys is neither heard nor told anything.
    pub keys: KeyRing,
    /// Where other nodes gossip: they are asked to take it in.
    pub seeds: Vec<SocketAddr>,
}
