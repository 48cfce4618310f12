//! The loop: what is next happens, and what it leads to is queued.

use std::fmt;

use ninefold_core::rng::Rng;

use crate::draw::between;
use crate::history::History;
use crate::host::Host;
use crate::link::{Arrival, Links};
use crate::node::{Boot, Context, Event, Node, Outbox};
use crate::queue::{Action, Entry, Queue};
use crate::traffic::Traffic;
use crate::truth::Truth;
use crate::{NodeId, Topology};

/// 100 MB/s.
const STREAM_NS_PER_BYTE: u64 = 10;
/// How often a piece of a stream is sent, and after how long again; then twice that, and so on.
const STREAM_TRIES: u32 = 5;
const STREAM_AGAIN: u64 = 200_000_000;

/// Makes the process of a node.
pub type Build = dyn Fn(Boot) -> Box<dyn Node>;

/// What a node said, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Said {
    /// True time, ns from the start.
    pub at: u64,
    /// Who said it.
    pub by: NodeId,
    /// What.
    pub event: Event,
    /// Number of the call in which it was said: what is said in one call is one change of a view.
    pub call: u64,
    /// Whether it changed whom `by` takes for members.
    pub is_change: bool,
}

/// Is told what nodes say while a simulation runs.
pub trait Watch {
    /// A node has said something; `truth` has what it believes now.
    fn said(&mut self, said: Said, truth: &Truth);
}

/// Nobody watches.
impl Watch for () {
    fn said(&mut self, _: Said, _: &Truth) {}
}

/// A cluster on virtual time.
pub struct Simulation {
    pub(crate) seed: u64,
    pub(crate) now: u64,
    pub(crate) queue: Queue,
    pub(crate) hosts: Vec<Host>,
    pub(crate) links: Links,
    /// Draws what happens to packets and hosts.
    pub(crate) rng: Rng,
    pub(crate) truth: Truth,
    pub(crate) history: History,
    traffic: Traffic,
    /// Bytes on streams.
    streamed: u64,
    build: Box<Build>,
    out: Outbox,
    calls: u64,
}

impl Simulation {
    /// A cluster whose nodes all start at once. All that will happen follows from `seed`.
    #[must_use]
    pub fn new(topology: Topology, seed: u64, build: Box<Build>) -> Self {
        let nodes = topology.nodes();
        let mut rng = Rng::new(seed);
        let mut simulation = Self {
            seed,
            now: 0,
            queue: Queue::default(),
            hosts: (0..nodes).map(|_| Host::new(rng.next_u64())).collect(),
            links: Links::new(topology),
            rng,
            truth: Truth::new(nodes),
            history: History::new(seed),
            traffic: Traffic::new(nodes),
            streamed: 0,
            build,
            out: Outbox::default(),
            calls: 0,
        };
        for node in (0..nodes).map(NodeId) {
            simulation.start(node, &mut ());
        }
        simulation
    }

    /// Lets everything happen that happens by `until`, ns from the start.
    pub fn run_until(&mut self, until: u64, watch: &mut dyn Watch) {
        while let Some(Entry {
            at, node, action, ..
        }) = self.queue.pop(until)
        {
            self.now = at;
            self.happen(node, action, watch);
        }
        self.now = self.now.max(until);
        self.traffic.pass(self.now);
    }

    /// True time, ns from the start.
    #[must_use]
    pub const fn now(&self) -> u64 {
        self.now
    }

    /// What is so.
    #[must_use]
    pub const fn truth(&self) -> &Truth {
        &self.truth
    }

    /// Where nodes stand.
    #[must_use]
    pub const fn topology(&self) -> &Topology {
        self.links.topology()
    }

    /// The process of a node, if it runs, and the how manieth of it that is.
    #[must_use]
    pub fn process(&self, node: NodeId) -> Option<(u32, &dyn Node)> {
        let host = self.hosts.get(node.index())?;
        Some((host.starts, host.node.as_deref()?))
    }

    /// A hash of all that has happened so far.
    #[must_use]
    pub const fn hash(&self) -> u64 {
        self.history.hash()
    }

    /// Bytes sent by each node in each second that is over, since [`Self::forget_traffic`].
    #[must_use]
    pub fn traffic(&self) -> &[u32] {
        self.traffic.samples()
    }

    /// Packets sent so far.
    #[must_use]
    pub const fn packets(&self) -> u64 {
        self.traffic.packets()
    }

    /// Bytes sent on streams so far, by all nodes; they are no part of their [`Self::traffic`].
    #[must_use]
    pub const fn streamed(&self) -> u64 {
        self.streamed
    }

    /// Counts bytes from here on.
    pub fn forget_traffic(&mut self) {
        self.traffic.clear();
    }

    fn happen(&mut self, node: NodeId, action: Action, watch: &mut dyn Watch) {
        let now = self.now;
        let Some(host) = self.hosts.get_mut(node.index()) else {
            return;
        };
        match action {
            Action::Stall { epoch } if host.epoch == epoch => self.stall_again(node),
            Action::Resume { epoch } if host.epoch == epoch => {
                let (waiting, held) = (host.resume(), host.held());
                if let Some(stalls) = host.stalls {
                    let run = between(&mut self.rng, stalls.run / 2, stalls.run / 2 * 3);
                    self.queue
                        .push(now.saturating_add(run), node, Action::Stall { epoch });
                }
                for (to, packet) in held {
                    self.transmit(node, to, &packet);
                }
                for action in waiting {
                    self.happen(node, action, watch);
                }
            }
            Action::Stall { .. } | Action::Resume { .. } => {}
            Action::Timer { starts, .. } if starts != host.starts => {}
            Action::Timer { .. } if !host.has_timers() => host.defer(action),
            Action::Packet { .. } | Action::Stream { .. } if host.stalled => host.defer(action),
            Action::Timer { token, .. } => {
                self.history.add(token ^ 1);
                self.call(node, watch, |node, cx| node.timer(token, cx));
            }
            Action::Packet { from, bytes } => {
                self.history.add(u64::from(from.0) << 1);
                self.history.add_bytes(&bytes);
                self.call(node, watch, |node, cx| node.packet(from, &bytes, cx));
            }
            Action::Stream { from, bytes } => {
                self.history.add(u64::from(from.0) << 1);
                self.history.add_bytes(&bytes);
                self.call(node, watch, |node, cx| node.stream(from, &bytes, cx));
            }
        }
    }

    pub(crate) fn start(&mut self, node: NodeId, watch: &mut dyn Watch) {
        let nodes = self.topology().nodes();
        let Some(host) = self.hosts.get_mut(node.index()) else {
            return;
        };
        host.node = Some((self.build)(Boot {
            node,
            starts: host.starts,
            nodes,
        }));
        host.starts += 1;
        self.truth.started(node);
        self.call(node, watch, |node, cx| node.start(cx));
    }

    /// Calls a node, if its process is there, and carries out what it wants.
    fn call(
        &mut self,
        id: NodeId,
        watch: &mut dyn Watch,
        enter: impl FnOnce(&mut dyn Node, &mut Context<'_>),
    ) {
        let Some(host) = self.hosts.get_mut(id.index()) else {
            return;
        };
        let Some(node) = host.node.as_deref_mut() else {
            return;
        };
        self.calls += 1;
        self.history.add(self.now);
        self.history.add(u64::from(id.0));
        let mut cx = Context {
            now: host.clock.now(self.now),
            rng: &mut host.rng,
            disk: &mut host.disk,
            out: &mut self.out,
        };
        enter(node, &mut cx);
        let starts = host.starts;
        for (deadline, token) in self.out.timers.drain(..) {
            let due = host.clock.due(self.now, deadline);
            self.queue.push(due, id, Action::Timer { token, starts });
        }
        self.deliver(id);
        self.tell(id, watch);
    }

    /// Puts what was sent on its way, or keeps it where nothing leaves.
    fn deliver(&mut self, from: NodeId) {
        let mut sends = std::mem::take(&mut self.out.sends);
        let mut bytes = std::mem::take(&mut self.out.bytes);
        for (to, range) in sends.drain(..) {
            let packet = bytes.get(range).unwrap_or_default();
            match self.hosts.get_mut(from.index()).filter(|host| host.stalled) {
                Some(host) => host.hold(to, packet),
                None => self.transmit(from, to, packet),
            }
        }
        bytes.clear();
        (self.out.sends, self.out.bytes) = (sends, bytes);
        let stalled = |host: &Host| host.stalled;
        for (to, piece) in std::mem::take(&mut self.out.streams) {
            if !self.hosts.get(from.index()).is_some_and(stalled) {
                self.stream(from, to, piece);
            }
        }
    }

    /// A piece of a stream is sent again until it is through and the other side has said so, as by TCP; or it is lost.
    fn stream(&mut self, from: NodeId, to: NodeId, bytes: Vec<u8>) {
        self.streamed += bytes.len() as u64;
        if to.0 >= self.links.topology().nodes() {
            return;
        }
        let mut waited = bytes.len() as u64 * STREAM_NS_PER_BYTE;
        for again in 0..STREAM_TRIES {
            let at = self.now.saturating_add(waited);
            let [there, _] = self.links.fate(at, (from, to), &mut self.rng);
            let [back, _] = self.links.fate(at, (to, from), &mut self.rng);
            if let (Some(there), Some(_)) = (there, back) {
                let bytes = bytes.into_boxed_slice();
                let at = at.saturating_add(there.delay);
                self.queue.push(at, to, Action::Stream { from, bytes });
                return;
            }
            waited += STREAM_AGAIN << again;
        }
    }

    fn transmit(&mut self, from: NodeId, to: NodeId, packet: &[u8]) {
        self.traffic.sent(self.now, from, packet.len());
        if to.0 >= self.links.topology().nodes() {
            return;
        }
        let fate = self.links.fate(self.now, (from, to), &mut self.rng);
        for Arrival { delay, flip } in fate.into_iter().flatten() {
            let mut bytes = Box::from(packet);
            if let Some(bit) = flip {
                turn_over(&mut bytes, bit);
            }
            let at = self.now.saturating_add(delay);
            self.queue.push(at, to, Action::Packet { from, bytes });
        }
    }

    fn tell(&mut self, by: NodeId, watch: &mut dyn Watch) {
        for event in self.out.events.drain(..) {
            let (kind, about) = match event {
                Event::Suspect(about) => (1, about),
                Event::Cleared(about) => (2, about),
                Event::Down(about) => (3, about),
                Event::Up(about) => (4, about),
            };
            self.history.add(kind << 32 | u64::from(about.0));
            let is_change = self.truth.believe(by, event);
            let said = Said {
                at: self.now,
                by,
                event,
                call: self.calls,
                is_change,
            };
            watch.said(said, &self.truth);
        }
    }
}

/// Turns one bit of a packet over.
fn turn_over(bytes: &mut [u8], bit: u64) {
    let size = bytes.len() as u64 * 8;
    let at = bit.checked_rem(size).unwrap_or_default();
    let byte = usize::try_from(at / 8)
        .ok()
        .and_then(|byte| bytes.get_mut(byte));
    if let Some(byte) = byte {
        *byte ^= 1 << (at % 8);
    }
}

impl fmt::Debug for Simulation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Simulation")
            .field("seed", &self.seed)
            .field("now", &self.now)
            .field("nodes", &self.hosts.len())
            .finish_non_exhaustive()
    }
}
