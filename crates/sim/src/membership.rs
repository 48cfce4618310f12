//! Ninefold's own membership, hosted: the core that runs in production, with its packets as they leave it. Who drives it
//! there seals them; here each has a checksum, as those of the peers.
//!
//! In the beginning everybody knows everybody, as the peers do. Who starts anew knows nobody but a few seeds, and the
//! incarnation on its disk.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use ninefold_cluster::membership::{
    Config, Membership, MembershipEvent, Node as ClusterNode, NodeId as ClusterId, Record, View,
};
use ninefold_core::hash::{CHECKSUM_SIZE, checksum};
use ninefold_core::rng::Rng;
use ninefold_core::time::Timestamp;

use crate::node::{Boot, Context, Disk, Event};
use crate::polled::{Machine, Polled};
use crate::simulation::Build;
use crate::state_stream::{Next, Piece, Streams};
use crate::{NodeId, Topology};

/// Whom one that starts anew asks to be taken in.
const SEEDS: u32 = 3;
/// Where all of them listen, each at an address of its own.
const PORT: u16 = 7_946;

/// What members say about themselves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Words {
    /// Under so many keys.
    pub keys: u32,
    /// Bytes of each, and of its key.
    pub bytes: usize,
    /// How often each member says another thing under one of them; never, where that is none.
    pub every: Option<Duration>,
    /// How many times it does.
    pub times: u32,
}

/// Makes members for a topology, whose zones are theirs, that say nothing.
#[must_use]
pub fn build(topology: Topology, config: Config) -> Box<Build> {
    build_saying(topology, config, Words::default())
}

/// Makes members that say something about themselves, which all know from the start.
#[must_use]
pub fn build_saying(topology: Topology, mut config: Config, words: Words) -> Box<Build> {
    config.packet_overhead += CHECKSUM_SIZE;
    let cluster = Rc::new(Cluster {
        topology,
        config,
        words,
        first: RefCell::new(None),
    });
    Box::new(move |boot| {
        let cluster = Rc::clone(&cluster);
        Box::new(Polled::new(
            boot,
            Box::new(move |boot, cx| cluster.member(boot, cx)),
        ))
    })
}

/// What all of its members have in common.
struct Cluster {
    topology: Topology,
    config: Config,
    words: Words,
    /// Those that have not started yet, and what they will know.
    first: RefCell<Option<(Vec<Option<Membership>>, View)>>,
}

impl Cluster {
    fn member(&self, boot: Boot, cx: &mut Context<'_>) -> Member {
        let now = cx.now();
        let machine = if boot.starts == 0 {
            self.first(boot, cx)
        } else {
            let kept = <[u8; 8]>::try_from(cx.disk().0.as_slice());
            let incarnation = kept.map_or(0, u64::from_le_bytes);
            let seeds = (0..SEEDS).map(NodeId).filter(|seed| *seed != boot.node);
            let (seeds, seed) = (seeds.map(addr).collect(), cx.rng().next_u64());
            let node = self.node(boot.node);
            Membership::new(self.config.clone(), node, incarnation, seeds, seed, now)
        };
        let mut machine = machine;
        if boot.starts > 0 {
            self.speak(&mut machine, now);
        }
        let every = self.words.every;
        Member {
            machine,
            events: VecDeque::new(),
            streams: Streams::default(),
            pieces: VecDeque::new(),
            now,
            words: self.words,
            // Not all at the same moment.
            says_at: every.map(|every| now + cx.rng().jitter(every)),
            said: 0,
        }
    }

    /// Says its first words.
    fn speak(&self, machine: &mut Membership, now: Timestamp) {
        for key in 0..self.words.keys {
            let (key, value) = (key_of(key), vec![b'0'; self.words.bytes]);
            // All within the limits, or else nothing is said.
            let _refused = machine.set(&key, Some(&value), Duration::ZERO, now);
        }
    }

    /// All of them are made when the first one starts, so that each knows what the others say about themselves.
    fn first(&self, boot: Boot, cx: &mut Context<'_>) -> Membership {
        let now = cx.now();
        let mut first = self.first.borrow_mut();
        let (waiting, view) = first.get_or_insert_with(|| {
            let mut rng = Rng::new(cx.rng().next_u64());
            let make = |node| {
                let (config, node) = (self.config.clone(), self.node(node));
                Membership::new(config, node, 0, Vec::new(), rng.next_u64(), now)
            };
            let mut machines: Vec<_> = (0..boot.nodes).map(NodeId).map(make).collect();
            for machine in &mut machines {
                self.speak(machine, now);
            }
            let records = machines.iter().filter_map(Membership::own_record);
            let mut view = View::new(&self.config, records, now);
            view.said(machines.iter().flat_map(Membership::own_entries), now);
            (machines.into_iter().map(Some).collect(), view)
        });
        let taken = waiting.get_mut(boot.node.index()).and_then(Option::take);
        let mut machine = taken.unwrap_or_else(|| {
            let (config, node) = (self.config.clone(), self.node(boot.node));
            Membership::new(config, node, 0, Vec::new(), cx.rng().next_u64(), now)
        });
        machine.know(view, now);
        machine
    }

    fn node(&self, node: NodeId) -> ClusterNode {
        ClusterNode {
            id: id_of(node),
            name: format!("node-{}", node.0).into(),
            zone: format!("zone-{}", self.topology.zone(node)).into(),
            addr: addr(node),
        }
    }
}

fn key_of(key: u32) -> String {
    format!("i/service/{key}")
}

/// Any one-to-one mapping will do.
fn id_of(node: NodeId) -> ClusterId {
    ClusterId(u64::from(node.0))
}

fn of_id(id: ClusterId) -> Option<NodeId> {
    u32::try_from(id.0).ok().map(NodeId)
}

fn addr(node: NodeId) -> SocketAddr {
    let [_, a, b, c] = node.0.to_be_bytes();
    ([10, a, b, c], PORT).into()
}

fn of_addr(addr: SocketAddr) -> Option<NodeId> {
    match addr {
        SocketAddr::V4(addr) => {
            let [ten, a, b, c] = addr.ip().octets();
            (ten == 10).then(|| NodeId(u32::from_be_bytes([0, a, b, c])))
        }
        SocketAddr::V6(_) => None,
    }
}

/// One member.
#[derive(Debug)]
struct Member {
    machine: Membership,
    events: VecDeque<Event>,
    streams: Streams,
    pieces: VecDeque<(NodeId, Vec<u8>)>,
    now: Timestamp,
    words: Words,
    /// When it says another thing, and how often it has.
    says_at: Option<Timestamp>,
    said: u32,
}

impl Member {
    fn piece(&mut self, to: NodeId, piece: Piece) {
        self.pieces.push_back((to, piece.encode()));
    }

    /// The next question, or the stream is over.
    fn ask(&mut self, peer: NodeId, now: Timestamp) {
        match self.machine.state_question(now) {
            Some(question) => self.piece(peer, Piece::Question(question)),
            None => {
                self.streams.close();
                self.piece(peer, Piece::Closed);
            }
        }
    }

    fn fail(&mut self, now: Timestamp) {
        self.streams.close();
        self.machine.state_failed(now);
    }

    fn question(&mut self, from: NodeId, question: &[u8], now: Timestamp) {
        if let Ok(answer) = self.machine.answer_state(question, now)
            && self.streams.serves(from, now)
        {
            self.piece(from, Piece::Answer(answer));
        }
    }

    fn answer(&mut self, from: NodeId, answer: &[u8], now: Timestamp) {
        if !self.streams.is_with(from) {
            return;
        }
        match self.machine.take_state(answer, now) {
            Ok(false) => self.ask(from, now),
            // What is refused is over as well.
            Ok(true) | Err(_) => {
                self.streams.close();
                self.piece(from, Piece::Closed);
            }
        }
    }

    /// Says another thing under the next key.
    fn say_if_due(&mut self, now: Timestamp) {
        if self.says_at.is_some_and(|at| at <= now) && self.words.keys > 0 {
            self.said += 1;
            let key = key_of(self.said % self.words.keys);
            let value = format!("{:0>1$}", self.said, self.words.bytes);
            let _refused = self
                .machine
                .set(&key, Some(value.as_bytes()), Duration::ZERO, now);
            let again = self.words.every.filter(|_| self.said < self.words.times);
            self.says_at = again.map(|every| now + every);
        }
    }

    /// What of the core's events there are words for here.
    fn translate(&mut self, event: MembershipEvent) {
        match event {
            MembershipEvent::StateWanted(peer) => {
                if let Some(peer) = of_id(peer) {
                    let piece = self.streams.open(peer, self.now);
                    self.piece(peer, piece);
                }
            }
            MembershipEvent::Silent(id) | MembershipEvent::Lossy(id) => {
                self.events.extend(of_id(id).map(Event::Suspect));
            }
            MembershipEvent::Down(ids) => {
                let nodes = ids.into_iter().filter_map(of_id);
                self.events.extend(nodes.map(Event::Down));
            }
            MembershipEvent::Joined { node, .. } => {
                self.events.extend(of_id(node.id).map(Event::Up));
            }
            MembershipEvent::Left(id) => self.events.extend(of_id(id).map(Event::Down)),
            MembershipEvent::Restarted(_)
            | MembershipEvent::Relayed(_)
            | MembershipEvent::Direct(_)
            | MembershipEvent::Contradicted { .. }
            | MembershipEvent::Frozen { .. }
            | MembershipEvent::Thawed { .. }
            | MembershipEvent::Quiesced
            | MembershipEvent::Resumed
            | MembershipEvent::Capped
            | MembershipEvent::Withheld(_)
            | MembershipEvent::Isolated
            | MembershipEvent::Connected
            | MembershipEvent::StateTaken { .. }
            | MembershipEvent::StateFailed(_)
            | MembershipEvent::Corrupt { .. }
            | MembershipEvent::Entry { .. } => {}
        }
    }
}

impl Machine for Member {
    fn handle_packet(&mut self, from: NodeId, bytes: &[u8], now: Timestamp) {
        self.now = now;
        let opened = bytes.split_first_chunk::<CHECKSUM_SIZE>();
        let is_whole = |(sum, rest): &(&[u8; CHECKSUM_SIZE], &[u8])| {
            u32::from_le_bytes(**sum) == checksum(rest.iter().copied())
        };
        let whole = opened.filter(is_whole);
        if let Some((_, rest)) = whole {
            // What is refused is counted there, and changes nothing.
            let _refused = self.machine.handle_packet(addr(from), rest, now);
        }
    }

    fn handle_timeout(&mut self, now: Timestamp) {
        self.now = now;
        self.machine.handle_timeout(now);
        self.say_if_due(now);
        if self.streams.is_late(now) {
            self.fail(now);
        }
    }

    fn handle_stream(&mut self, from: NodeId, bytes: &[u8], now: Timestamp) {
        self.now = now;
        let Some(piece) = Piece::decode(bytes) else {
            return;
        };
        match self.streams.came(from, &piece) {
            Next::Nothing => {}
            Next::Open(step) => return self.piece(from, Piece::Open(step)),
            Next::Ask => return self.ask(from, now),
            Next::Refused => return self.fail(now),
        }
        match piece {
            Piece::Open(step) => {
                let serves = self.streams.serves(from, now);
                self.piece(
                    from,
                    if serves {
                        Piece::Opened(step)
                    } else {
                        Piece::Busy
                    },
                );
            }
            Piece::Question(question) => self.question(from, &question, now),
            Piece::Answer(answer) => self.answer(from, &answer, now),
            Piece::Closed => self.streams.served(from),
            Piece::Opened(_) | Piece::Busy => {}
        }
    }

    fn poll_stream(&mut self) -> Option<(NodeId, Vec<u8>)> {
        self.pieces.pop_front()
    }

    fn poll_transmit(&mut self) -> Option<(NodeId, Vec<u8>)> {
        loop {
            let transmit = self.machine.poll_transmit()?;
            if let Some(to) = of_addr(transmit.to) {
                let sum = checksum(transmit.bytes.iter().copied()).to_le_bytes();
                return Some((to, [sum.as_slice(), &transmit.bytes].concat()));
            }
        }
    }

    fn poll_event(&mut self) -> Option<Event> {
        while let Some(event) = self.machine.poll_event() {
            self.translate(event);
        }
        self.events.pop_front()
    }

    fn poll_timeout(&self) -> Option<Timestamp> {
        let own = [self.streams.due(), self.says_at];
        let core = self.machine.poll_timeout();
        own.into_iter().chain([core]).flatten().min()
    }

    fn fingerprint(&self, without: Option<NodeId>) -> Option<u64> {
        Some(self.machine.fingerprint(without.map(id_of)))
    }

    fn incarnations(&self) -> Vec<(NodeId, u64)> {
        let known = |record: Record| Some((of_id(record.node.id)?, record.incarnation));
        self.machine.members().filter_map(known).collect()
    }

    fn withholds(&self, subject: NodeId) -> bool {
        self.machine.is_withheld(id_of(subject))
    }

    fn keep(&self, disk: &mut Disk) {
        let incarnation = self.machine.incarnation().to_le_bytes();
        if disk.0 != incarnation {
            disk.0 = incarnation.to_vec();
        }
    }
}
