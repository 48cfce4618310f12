//! Ninefold's own membership, hosted: the core that runs in production, with its packets as they leave it. Who drives it
//! there seals them; here each has a checksum, as those of the peers.
//!
//! In the beginning everybody knows everybody, as the peers do. Who starts anew knows nobody but a few seeds, and the
//! incarnation on its disk.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::rc::Rc;

use ninefold_cluster::membership::{
    Config, Membership, MembershipEvent, Node as ClusterNode, NodeId as ClusterId, Record, View,
};
use ninefold_core::rng::Rng;
use ninefold_core::time::Timestamp;

use crate::checksum::{CHECKSUM_SIZE, checksum};
use crate::node::{Boot, Context, Disk, Event};
use crate::polled::{Machine, Polled};
use crate::simulation::Build;
use crate::{NodeId, Topology};

/// Whom one that starts anew asks to be taken in.
const SEEDS: u32 = 3;
/// Where all of them listen, each at an address of its own.
const PORT: u16 = 7_946;

/// Makes members for a topology, whose zones are theirs.
#[must_use]
pub fn build(topology: Topology, mut config: Config) -> Box<Build> {
    config.packet_overhead += CHECKSUM_SIZE;
    let cluster = Rc::new(Cluster {
        topology,
        config,
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
        Member {
            machine,
            events: VecDeque::new(),
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
            let machines: Vec<_> = (0..boot.nodes).map(NodeId).map(make).collect();
            let records = machines.iter().filter_map(Membership::own_record);
            let view = View::new(&self.config, records, now);
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
}

impl Member {
    /// What of the core's events there are words for here.
    fn translate(&mut self, event: MembershipEvent) {
        match event {
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
            | MembershipEvent::Entry { .. } => {}
        }
    }
}

impl Machine for Member {
    fn handle_packet(&mut self, from: NodeId, bytes: &[u8], now: Timestamp) {
        let opened = bytes.split_first_chunk::<CHECKSUM_SIZE>();
        let whole = opened.filter(|(sum, rest)| u32::from_le_bytes(**sum) == checksum(rest));
        if let Some((_, rest)) = whole {
            // What is refused is counted there, and changes nothing.
            let _refused = self.machine.handle_packet(addr(from), rest, now);
        }
    }

    fn handle_timeout(&mut self, now: Timestamp) {
        self.machine.handle_timeout(now);
    }

    fn poll_transmit(&mut self) -> Option<(NodeId, Vec<u8>)> {
        loop {
            let transmit = self.machine.poll_transmit()?;
            if let Some(to) = of_addr(transmit.to) {
                let sum = checksum(&transmit.bytes).to_le_bytes();
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
        self.machine.poll_timeout()
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
