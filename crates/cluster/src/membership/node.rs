use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use ninefold_core::balance::hash_of;

/// Bytes of a node's name or zone at most.
pub const LABEL_MAX: usize = 64;

/// Which node, over all its restarts: chosen once and kept by whoever runs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub u64);

impl NodeId {
    /// An id that follows from a name, for nodes that are known by their names.
    #[must_use]
    pub fn of_name(name: &str) -> Self {
        Self(hash_of(name.as_bytes()))
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// What a node says about where it is. It may change from one incarnation to the next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Which node.
    pub id: NodeId,
    /// For people; at most [`LABEL_MAX`] bytes.
    pub name: Arc<str>,
    /// The failure domain; at most [`LABEL_MAX`] bytes.
    pub zone: Arc<str>,
    /// Where its packets go.
    pub addr: SocketAddr,
}

/// What is decided about a member. Whoever is alive may be suspected; see
/// [`Membership::suspects`](super::Membership::suspects).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    /// A member.
    Alive,
    /// It said that it leaves.
    Left,
    /// Convicted.
    Down,
}

/// How an observer hears from its subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Path {
    /// From itself.
    Direct,
    /// Only through others: the link between the two is bad.
    Relayed,
    /// Not at all.
    Silent,
}

/// What is passed on about a member.
///
/// The higher incarnation is right; of the same, `Down` is before `Left` and `Left` before `Alive`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The node.
    pub node: Node,
    /// Grows with every restart, and whenever the node has to contradict.
    pub incarnation: u64,
    /// Drawn anew by every process of the node, so that an answer of another one is told apart.
    pub nonce: u64,
    /// What is decided about it.
    pub status: Status,
    /// For how many more seconds it is not taken back; only of one that was convicted, and too often.
    pub held_secs: u32,
}

impl Record {
    /// Whether this says more than `other` about the same node.
    #[must_use]
    pub fn supersedes(&self, incarnation: u64, status: Status) -> bool {
        (self.incarnation, self.status) > (incarnation, status)
    }
}
