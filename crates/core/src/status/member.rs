//! The cluster in a status.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// One node of the cluster, as another one knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MemberStatus {
    /// Its name, as in `n2`.
    pub node: String,
    /// Its zone, if it has one.
    pub zone: Option<String>,
    /// Where it gossips.
    pub address: String,
    /// What is decided about it.
    pub state: MemberState,
    /// How the node that says so hears from it.
    pub path: MemberPath,
    /// Observers that accuse it now.
    pub accused_by: u32,
    /// Whether it came, or came back, a short while ago.
    pub warming: bool,
    /// Grows with each of its starts, and each time that it contradicts.
    pub incarnation: u64,
    /// Instances that it runs.
    pub instances: u32,
    /// When its certificate runs out, if that is in less than 30 days.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate_ends: Option<Timestamp>,
    /// The generation of its keys of gossip.
    #[serde(default)]
    pub keys: u64,
    /// The rack that it stands in, if it says one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rack: Option<String>,
    /// Its Ninefold's version, where it has said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// A hash of what the file that it goes by declares for all nodes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
}

/// What a node has gossiped since it began.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GossipStatus {
    /// How far the node trusts itself, 0 (well) to 7: its accusations weigh less accordingly.
    pub health: u8,
    /// Whether so many of the nodes that it observes do not answer it that it takes itself for the cause: it accuses nobody of
    /// silence then. Of one node alone it could not tell.
    #[serde(default)]
    pub isolated: bool,
    /// Processes of other nodes that it holds on to, whose ends it sees at once.
    #[serde(default)]
    pub lifelines: u64,
    /// Packets sent.
    pub sent: u64,
    /// Their bytes.
    pub sent_bytes: u64,
    /// Packets that were understood.
    pub received: u64,
    /// Packets that were not, and changed nothing.
    pub refused: u64,
    /// Packets that found no room in the budget of bytes.
    pub over_budget: u64,
    /// Things that members say about themselves and that came otherwise than they were said, or became so here.
    #[serde(default)]
    pub corrupt: u64,
    /// Times that the node stood still.
    pub stalls: u64,
    /// Processes that it observed and whose hosts said that they have ended.
    #[serde(default)]
    pub ends: u64,
    /// Accusations of others.
    pub accusations: u64,
    /// Refutations of accusations of itself.
    pub refutations: u64,
    /// States that nodes told each other over streams.
    #[serde(default)]
    pub syncs: SyncStatus,
    /// The keys that it is sealed with.
    #[serde(default)]
    pub keys: KeysStatus,
    /// Nodes that were expelled from the cluster, and not taken back.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub expelled: Vec<String>,
}

impl GossipStatus {
    /// What is wrong with the node in its cluster, if anything is.
    #[must_use]
    pub fn problem(&self) -> Option<String> {
        let problem = "cut off: so many of the nodes that this one observes do not answer it that it convicts nobody for silence";
        self.isolated.then(|| problem.to_owned())
    }
}

/// The keys of gossip that a node has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KeysStatus {
    /// Grows with each step from one key to the next; 0 where there was none.
    pub generation: u64,
    /// How far that is.
    pub step: KeysStep,
    /// Keys that it opens packets with.
    pub count: u32,
}

/// How far a cluster is from one key of gossip to the next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum KeysStep {
    /// There is one key.
    #[default]
    Settled,
    /// The next one is opened with, and not sealed with yet.
    Spreading,
    /// The one before is opened with, and not sealed with any more.
    Retiring,
}

impl KeysStep {
    /// The name used in text and JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Settled => "settled",
            Self::Spreading => "spreading",
            Self::Retiring => "retiring",
        }
    }
}

/// How streams ended on which one node asks another for all that it knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SyncStatus {
    /// Fetched, all that the other one knew.
    pub fetched: u64,
    /// Not fetched, or not all: the other one could not be reached, fell silent or made no sense.
    pub fetches_failed: u64,
    /// Not fetched, since the other one served as many as it does.
    pub fetches_refused: u64,
    /// Served to others.
    pub served: u64,
    /// Broken off by others, or not what they should have been.
    pub serves_failed: u64,
    /// Not served, since others were.
    pub serves_refused: u64,
    /// Connections of those who have no certificate of the cluster, or do not believe this node's.
    pub strangers: u64,
}

/// What is decided about a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum MemberState {
    /// It is there.
    Alive,
    /// It said that it leaves.
    Left,
    /// Enough of its observers hear nothing of it, on no path.
    Down,
}

impl MemberState {
    /// The name used in text and JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Alive => "alive",
            Self::Left => "left",
            Self::Down => "down",
        }
    }
}

/// How one node hears from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum MemberPath {
    /// It is the node itself.
    Itself,
    /// It answers.
    Direct,
    /// It answers others, and not this one.
    Relayed,
    /// It answers nobody who was asked.
    Silent,
    /// Others observe it.
    Unobserved,
}

impl MemberPath {
    /// The name used in text and JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Itself => "itself",
            Self::Direct => "direct",
            Self::Relayed => "relayed",
            Self::Silent => "silent",
            Self::Unobserved => "unobserved",
        }
    }
}
