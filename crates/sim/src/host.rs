//! What a node runs on.

use std::fmt;

use ninefold_core::rng::Rng;

use crate::NodeId;
use crate::clock::LocalClock;
use crate::node::{Disk, Node};
use crate::queue::Action;

/// Packets that wait at a node that stalls, about what the buffer of a socket holds. More are lost.
const WAITING_MAX: usize = 256;

/// One that stalls again and again.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stalls {
    pub(crate) least: u64,
    pub(crate) most: u64,
    pub(crate) run: u64,
    /// Whether timers go on meanwhile.
    pub(crate) timers: bool,
}

pub(crate) struct Host {
    pub(crate) node: Option<Box<dyn Node>>,
    pub(crate) starts: u32,
    pub(crate) clock: LocalClock,
    pub(crate) rng: Rng,
    pub(crate) disk: Disk,
    pub(crate) stalled: bool,
    pub(crate) stalls: Option<Stalls>,
    /// Stalls and resumptions of an older number are not wanted any more.
    pub(crate) epoch: u32,
    timers: Vec<Action>,
    packets: Vec<Action>,
    sent: Vec<(NodeId, Box<[u8]>)>,
}

impl Host {
    pub(crate) const fn new(seed: u64) -> Self {
        Self {
            node: None,
            starts: 0,
            clock: LocalClock::new(),
            rng: Rng::new(seed),
            disk: Disk(Vec::new()),
            stalled: false,
            stalls: None,
            epoch: 0,
            timers: Vec::new(),
            packets: Vec::new(),
            sent: Vec::new(),
        }
    }

    /// Keeps what happens while the node stalls.
    pub(crate) fn defer(&mut self, action: Action) {
        match action {
            Action::Timer { .. } => self.timers.push(action),
            Action::Packet { .. } | Action::Stream { .. } if self.packets.len() < WAITING_MAX => {
                self.packets.push(action);
            }
            Action::Packet { .. }
            | Action::Stream { .. }
            | Action::Stall { .. }
            | Action::Resume { .. } => {}
        }
    }

    /// Whether timers go on, though the node stalls.
    pub(crate) fn has_timers(&self) -> bool {
        !self.stalled || self.stalls.is_some_and(|stalls| stalls.timers)
    }

    /// Keeps a packet that cannot leave.
    pub(crate) fn hold(&mut self, to: NodeId, packet: &[u8]) {
        if self.sent.len() < WAITING_MAX {
            self.sent.push((to, Box::from(packet)));
        }
    }

    /// What could not leave.
    pub(crate) fn held(&mut self) -> Vec<(NodeId, Box<[u8]>)> {
        std::mem::take(&mut self.sent)
    }

    /// What has waited: timers, and then packets. The worst order, as of a loop that looks at its clock
    /// before it looks at its socket: what would have stopped a timer comes too late.
    pub(crate) fn resume(&mut self) -> Vec<Action> {
        self.stalled = false;
        let mut waiting = std::mem::take(&mut self.timers);
        waiting.append(&mut self.packets);
        waiting
    }

    /// Ends the process, and what was going on with it.
    pub(crate) fn crash(&mut self) {
        self.node = None;
        self.stalled = false;
        self.stalls = None;
        self.epoch += 1;
        self.timers.clear();
        self.packets.clear();
        self.sent.clear();
    }
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Host")
            .field("runs", &self.node.is_some())
            .field("starts", &self.starts)
            .field("stalled", &self.stalled)
            .finish_non_exhaustive()
    }
}
