use std::net::SocketAddr;
use std::sync::Arc;

use super::node::{Node, NodeId};

/// Bytes that are to go somewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transmit {
    /// Where.
    pub to: SocketAddr,
    /// One packet.
    pub bytes: Vec<u8>,
}

/// What has changed, for whoever drives a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MembershipEvent {
    /// A member that is new here, or back after it was gone: then it is warming for a while.
    Joined {
        /// Who.
        node: Node,
        /// Whether it is back.
        returned: bool,
    },
    /// Another process of a member that was never seen gone. It is warming.
    Restarted(NodeId),
    /// A view change: all of these are convicted at once.
    Down(Vec<NodeId>),
    /// It said that it leaves.
    Left(NodeId),
    /// This node hears from a subject only through others: the link between the two is bad.
    Relayed(NodeId),
    /// This node hears from it directly again.
    Direct(NodeId),
    /// Of what this node asks a subject too much is lost.
    Lossy(NodeId),
    /// This node gets no answer from a subject, on no path.
    Silent(NodeId),
    /// Others had written this node off, or knew an incarnation above its own: it goes on with this one.
    Contradicted {
        /// From now on.
        incarnation: u64,
    },
    /// Onsets in one zone are too many for a coincidence: nobody there is convicted until it is quiet.
    Frozen {
        /// The zone.
        zone: Arc<str>,
        /// How many.
        onsets: usize,
    },
    /// It has been quiet for long enough.
    Thawed {
        /// The zone.
        zone: Arc<str>,
    },
    /// This node hears from half of the members or fewer: it decides nothing.
    Quiesced,
    /// It hears from more than half again.
    Resumed,
    /// As many were convicted in a minute as may be; the rest waits.
    Capped,
    /// These are accused by enough to be convicted, and a gate keeps them: all of them, as of now.
    Withheld(Vec<NodeId>),
    /// More than half of the subjects of this node are silent, so it takes itself for the cause, and accuses nobody.
    Isolated,
    /// No longer.
    Connected,
    /// More is missing here than packets bring soon: whoever drives this opens a stream to that member, asks there with
    /// [`state_question`](super::Membership::state_question), and says so if that fails.
    StateWanted(NodeId),
    /// All that a member knows was asked for over a stream, and has come.
    StateTaken {
        /// Whose.
        from: NodeId,
        /// Members of which more was told than was known here.
        members: usize,
        /// Entries that were not known.
        entries: usize,
        /// Of the answers.
        bytes: usize,
    },
    /// A stream with that member was not opened, or broke off.
    StateFailed(NodeId),
    /// Something that a member says about itself came otherwise than it said it, or has become so here: a memory has
    /// turned a bit on the way. It is not taken, or forgotten, and asked for again.
    Corrupt {
        /// Who passed it on, or this node, where it has become so here.
        from: NodeId,
        /// Who had said it.
        owner: NodeId,
    },
    /// A member says something new about itself.
    Entry {
        /// Who.
        owner: NodeId,
        /// The key.
        key: Arc<str>,
        /// Nothing if it was taken away.
        value: Option<Arc<[u8]>>,
    },
}
