//! What is hosted, and what it may do.

use std::ops::Range;

use ninefold_core::rng::Rng;
use ninefold_core::time::Timestamp;

use crate::NodeId;

/// A member of a cluster, driven by what happens to it. It acts through the [`Context`] alone.
pub trait Node {
    /// The process has started, or started anew.
    fn start(&mut self, cx: &mut Context<'_>);

    /// A packet has arrived, perhaps broken, perhaps twice.
    fn packet(&mut self, from: NodeId, bytes: &[u8], cx: &mut Context<'_>);

    /// A piece of a stream has arrived, whole and once.
    fn stream(&mut self, from: NodeId, bytes: &[u8], cx: &mut Context<'_>) {
        let (_, _, _) = (from, bytes, cx);
    }

    /// A timer that was set with `token` is due. By the node's clock it may be late, or early where that
    /// clock was set back meanwhile.
    fn timer(&mut self, token: u64, cx: &mut Context<'_>);

    /// The incarnations that it knows of members, its own among them, for those who check; of none, where it has no
    /// such thing or keeps it to itself.
    fn incarnations(&self) -> Vec<(NodeId, u64)> {
        Vec::new()
    }

    /// Whether it takes another one for gone, and does not say so yet; never, where it has no such thing.
    fn withholds(&self, subject: NodeId) -> bool {
        let _ = subject;
        false
    }

    /// A hash of all that it knows, but for one node, the same for two that know the same, for those who measure.
    fn fingerprint(&self, without: Option<NodeId>) -> Option<u64> {
        let _ = without;
        None
    }
}

/// What makes a process: who it is, and for the which time it starts.
#[derive(Clone, Copy, Debug)]
pub struct Boot {
    /// Who it is.
    pub node: NodeId,
    /// Starts before this one.
    pub starts: u32,
    /// How many nodes there are.
    pub nodes: u32,
}

/// What a node says about others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Event {
    /// It may have failed.
    Suspect(NodeId),
    /// The suspicion was refuted.
    Cleared(NodeId),
    /// Convicted: it is not a member any more.
    Down(NodeId),
    /// A member again.
    Up(NodeId),
}

/// What outlives the process, where the host keeps its disk.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Disk(pub Vec<u8>);

/// What a node may use while it is called.
#[derive(Debug)]
pub struct Context<'a> {
    pub(crate) now: Timestamp,
    pub(crate) rng: &'a mut Rng,
    pub(crate) disk: &'a mut Disk,
    pub(crate) out: &'a mut Outbox,
}

impl Context<'_> {
    /// The time by the node's own clock.
    #[must_use]
    pub const fn now(&self) -> Timestamp {
        self.now
    }

    /// The node's own generator.
    pub const fn rng(&mut self) -> &mut Rng {
        self.rng
    }

    /// The node's disk. What is written is there at once.
    pub const fn disk(&mut self) -> &mut Disk {
        self.disk
    }

    /// Sends a packet.
    pub fn send(&mut self, to: NodeId, bytes: &[u8]) {
        let start = self.out.bytes.len();
        self.out.bytes.extend_from_slice(bytes);
        self.out.sends.push((to, start..self.out.bytes.len()));
    }

    /// Sends a piece of a stream, which arrives whole, or not at all where the other side cannot be reached or cannot
    /// say that it has it. Whoever sends finds that out by waiting in vain.
    pub fn stream(&mut self, to: NodeId, bytes: Vec<u8>) {
        self.out.streams.push((to, bytes));
    }

    /// Calls [`Node::timer`] with `token` at a time of the node's clock. Timers cannot be taken back: a
    /// node does not heed those it has no use for.
    pub fn set_timer(&mut self, at: Timestamp, token: u64) {
        self.out.timers.push((at, token));
    }

    /// Tells the world.
    pub fn event(&mut self, event: Event) {
        self.out.events.push(event);
    }
}

/// What a node did in one call.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    pub(crate) bytes: Vec<u8>,
    pub(crate) sends: Vec<(NodeId, Range<usize>)>,
    pub(crate) streams: Vec<(NodeId, Vec<u8>)>,
    pub(crate) timers: Vec<(Timestamp, u64)>,
    pub(crate) events: Vec<Event>,
}
