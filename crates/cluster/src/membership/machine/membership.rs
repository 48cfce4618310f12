use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use ninefold_core::rng::Rng;
use ninefold_core::time::{Timestamp, nanos};

use super::packets::Relay;
use super::state::Fetch;
use crate::membership::broadcasts::Broadcasts;
use crate::membership::budget::{Budget, Class};
use crate::membership::config::Config;
use crate::membership::cut::Cut;
use crate::membership::defence::Defence;
use crate::membership::edge::Edge;
use crate::membership::event::{MembershipEvent, Transmit};
use crate::membership::gate::Gate;
use crate::membership::health::LocalHealth;
use crate::membership::node::{Node, NodeId, Path, Record, Status};
use crate::membership::ring::Ring;
use crate::membership::rounds::Look;
use crate::membership::store::{SetError, Store};
use crate::membership::table::{Index, Table};
use crate::membership::wire::{Body, Entry, Packet, Update, WireError};

/// Packets waiting to be fetched at most; those above are counted and lost.
const TRANSMITS_MAX: usize = 1_024;
/// Events waiting to be fetched at most.
const EVENTS_MAX: usize = 65_536;

/// What has happened so far, for metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Packets that went out, and their bytes.
    pub sent: u64,
    /// See above.
    pub sent_bytes: u64,
    /// Packets that found no room in the budget.
    pub over_budget: u64,
    /// Packets that were understood.
    pub received: u64,
    /// Packets that were not, and changed nothing.
    pub refused: u64,
    /// Times that this node stood still.
    pub stalls: u64,
    /// For how long in all, in nanoseconds.
    pub stalled_ns: u64,
    /// Processes that this node observed and whose hosts said that they have ended.
    pub ends: u64,
    /// Accusations of others by this node.
    pub accusations: u64,
    /// Refutations of accusations of this node.
    pub refutations: u64,
    /// Entries that were not what their owners had said.
    pub corrupt: u64,
}

/// One node's part of the cluster: a state machine without clock, sockets or threads.
///
/// Whoever drives it hands in packets and the time, and then fetches what is to be sent, what has changed, and
/// when it wants to be called again. All timestamps are of one monotonic clock.
#[derive(Clone, Debug)]
pub struct Membership {
    pub(super) config: Config,
    pub(super) me: Index,
    pub(super) id: NodeId,
    pub(super) nonce: u64,
    pub(super) incarnation: u64,
    pub(super) left: bool,
    pub(super) table: Table,
    pub(super) ring: Ring,
    pub(super) edges: BTreeMap<Index, Edge>,
    /// Who observes this node, since who does has last changed.
    pub(super) observers: Vec<Index>,
    /// When each of them last asked.
    pub(super) heard: BTreeMap<Index, Timestamp>,
    pub(super) relays: Vec<Relay>,
    pub(super) cut: Cut,
    pub(super) gate: Gate,
    /// Whom enough accuse, and whom a gate keeps from being convicted.
    pub(super) withheld: BTreeSet<Index>,
    /// Who is no member any more, whatever it or others say.
    pub(super) kept_out: BTreeSet<NodeId>,
    pub(super) health: LocalHealth,
    pub(super) isolated: bool,
    pub(super) defence: Defence,
    pub(super) broadcasts: Broadcasts,
    pub(super) budget: Budget,
    pub(super) store: Store,
    pub(super) seeds: Vec<SocketAddr>,
    pub(super) asked: u32,
    /// It asks to be taken in.
    pub(super) alone: bool,
    pub(super) cursor: NodeId,
    /// Since when this node has compared all it knows with others once.
    pub(super) caught_up: Option<Timestamp>,
    pub(super) fetch: Fetch,
    pub(super) number: u64,
    pub(super) rng: Rng,
    pub(super) ask_at: Option<Timestamp>,
    pub(super) gossip_at: Option<Timestamp>,
    pub(super) sync_at: Timestamp,
    pub(super) judge_at: Option<Timestamp>,
    pub(super) tidy_at: Timestamp,
    pub(super) clock: Timestamp,
    pub(super) gone: Vec<NodeId>,
    /// Who observes whom has changed.
    pub(super) rewire: bool,
    transmits: VecDeque<Transmit>,
    events: VecDeque<MembershipEvent>,
    pub(super) counters: Counters,
}

impl Membership {
    /// A node that knows nobody yet.
    ///
    /// `incarnation` is the last one that is known of it, or 0. The nonce of this process, and all its choices,
    /// follow from `seed`, which must never be the same twice. `seeds` are asked to take it in; a node without any
    /// waits for others.
    #[must_use]
    pub fn new(
        config: Config,
        node: Node,
        incarnation: u64,
        seeds: Vec<SocketAddr>,
        seed: u64,
        now: Timestamp,
    ) -> Self {
        let mut rng = Rng::new(seed);
        let (nonce, incarnation) = (rng.next_u64(), incarnation.saturating_add(1));
        let mut table = Table::default();
        let id = node.id;
        let own = Record {
            node,
            incarnation,
            nonce,
            status: Status::Alive,
            held_secs: 0,
        };
        let (me, _) = table.apply(&own, now);
        let me = me.unwrap_or(Index(0));
        let mut ring = Ring::new(config.observers);
        if let Some(member) = table.get(me) {
            ring.insert(id, me, member.zone);
        }
        Self {
            me,
            id,
            nonce,
            incarnation,
            left: false,
            table,
            ring,
            edges: BTreeMap::new(),
            observers: Vec::new(),
            heard: BTreeMap::new(),
            relays: Vec::new(),
            cut: Cut::default(),
            gate: Gate::default(),
            withheld: BTreeSet::new(),
            kept_out: BTreeSet::new(),
            health: LocalHealth::default(),
            isolated: false,
            defence: Defence::default(),
            broadcasts: Broadcasts::default(),
            budget: Budget::new(config.bytes_per_second),
            store: Store::default(),
            ask_at: (!seeds.is_empty()).then_some(now),
            seeds,
            asked: 0,
            alone: false,
            cursor: NodeId(0),
            caught_up: None,
            fetch: Fetch::default(),
            number: 0,
            gossip_at: None,
            sync_at: now + rng.jitter(config.sync_interval),
            judge_at: None,
            tidy_at: now + Duration::from_secs(1),
            clock: now,
            gone: Vec::new(),
            rewire: false,
            rng,
            config,
            transmits: VecDeque::new(),
            events: VecDeque::new(),
            counters: Counters::default(),
        }
    }

    /// Bytes that came from an address.
    ///
    /// # Errors
    ///
    /// If they are no packet of this cluster; nothing has changed then but a counter.
    pub fn handle_packet(
        &mut self,
        from: SocketAddr,
        bytes: &[u8],
        now: Timestamp,
    ) -> Result<(), WireError> {
        let packet = match Packet::decode(bytes, self.config.cluster) {
            Ok(packet) => packet,
            Err(error) => {
                self.counters.refused += 1;
                return Err(error);
            }
        };
        if self.kept_out.contains(&packet.from) {
            self.counters.refused += 1;
            return Err(WireError::KeptOut(packet.from));
        }
        self.counters.received += 1;
        self.advance(now);
        if !self.left && packet.from != self.id {
            self.packet(from, packet);
            self.settle();
        }
        Ok(())
    }

    /// It is later. To be called when [`poll_timeout`](Self::poll_timeout) says so; earlier does no harm.
    pub fn handle_timeout(&mut self, now: Timestamp) {
        self.advance(now);
        if self.left {
            return;
        }
        self.ask_if_due();
        self.probe_if_due();
        self.nack_if_due();
        self.refute_if_due();
        self.judge_if_due();
        self.sync_if_due();
        self.gossip_if_due();
        self.tidy_if_due();
        self.settle();
    }

    /// The next packet to send.
    pub fn poll_transmit(&mut self) -> Option<Transmit> {
        self.transmits.pop_front()
    }

    /// What has changed.
    pub fn poll_event(&mut self) -> Option<MembershipEvent> {
        self.events.pop_front()
    }

    /// When [`handle_timeout`](Self::handle_timeout) is to be called.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Timestamp> {
        if self.left {
            return None;
        }
        let optional = [self.ask_at, self.gossip_at, self.judge_at, self.defence.at];
        let edges = self.edges.values().map(Edge::due);
        let relays = self.relays.iter().map(Relay::due);
        let fixed = [self.sync_at, self.tidy_at];
        optional
            .into_iter()
            .flatten()
            .chain(edges)
            .chain(relays)
            .chain(fixed)
            .min()
    }

    /// Members, those that are gone included, in the order of ids.
    pub fn members(&self) -> impl Iterator<Item = Record> {
        self.table
            .iter()
            .map(|(_, member)| member.record(self.clock))
    }

    /// Members that are alive.
    #[must_use]
    pub const fn alive(&self) -> usize {
        self.table.alive()
    }

    /// Members that are accused, with by how many.
    pub fn suspects(&self) -> impl Iterator<Item = (NodeId, usize)> {
        let id = |index| self.table.get(index).map(|member| member.node.id);
        self.cut.suspects().filter_map(move |(subject, _)| {
            Some((id(subject)?, self.cut.accusers(subject).count()))
        })
    }

    /// Whether enough accuse a member to convict it, and a gate keeps it: its zone is frozen, or as many were convicted as
    /// may be. It may be there after all, and is better asked last.
    #[must_use]
    pub fn is_withheld(&self, id: NodeId) -> bool {
        let index = self.table.find(id);
        index.is_some_and(|index| self.withheld.contains(&index))
    }

    /// Whether a member came back or began anew a short while ago.
    #[must_use]
    pub fn is_warming(&self, id: NodeId, now: Timestamp) -> bool {
        let returned = self.table.by_id(id).and_then(|member| member.returned);
        returned.is_some_and(|at| now.since(at) < self.config.warming)
    }

    /// The incarnation of this node, to be kept for its next start.
    #[must_use]
    pub const fn incarnation(&self) -> u64 {
        self.incarnation
    }

    /// How far this node trusts itself, 0 (well) to 7.
    #[must_use]
    pub const fn health(&self) -> u8 {
        self.health.score()
    }

    /// Whether so many of those that this node observes do not answer it that it takes itself for the cause: it accuses nobody
    /// of silence then. Of one alone it cannot tell.
    #[must_use]
    pub const fn is_isolated(&self) -> bool {
        self.isolated
    }

    /// What has happened so far.
    #[must_use]
    pub const fn counters(&self) -> Counters {
        self.counters
    }

    /// What a member says about itself under a key.
    #[must_use]
    pub fn entry(&self, owner: NodeId, key: &str) -> Option<&[u8]> {
        let (owner, nonce) = self.process(owner)?;
        self.store.get(owner, nonce, key).map(|value| &**value)
    }

    /// What this node says about itself, for the [view](crate::membership::View) of others.
    #[must_use]
    pub fn own_entries(&self) -> Vec<Entry> {
        self.store.above((self.me, self.id, self.nonce), 0)
    }

    /// All that a member says about itself, by key.
    pub fn entries(&self, owner: NodeId) -> impl Iterator<Item = (&Arc<str>, &Arc<[u8]>)> {
        let process = self.process(owner).into_iter();
        process.flat_map(|(owner, nonce)| self.store.all(owner, nonce))
    }

    /// Where a member is kept, and which process of it is known.
    fn process(&self, id: NodeId) -> Option<(Index, u64)> {
        let index = self.table.find(id)?;
        Some((index, self.table.get(index)?.nonce))
    }

    /// Whether a member is down by the word of its host: its process has ended.
    #[must_use]
    pub fn has_ended(&self, id: NodeId) -> bool {
        self.table.by_id(id).is_some_and(|member| member.ended)
    }

    /// How this node hears from a member that it observes; nothing of one that it does not.
    #[must_use]
    pub fn path(&self, id: NodeId) -> Option<Path> {
        let edge = self.edges.get(&self.table.find(id)?)?;
        Some(match (edge.misses, edge.relayed) {
            (0, false) => Path::Direct,
            (0, true) => Path::Relayed,
            _ => Path::Silent,
        })
    }

    /// How a member that this node observes answers it; nothing of one that it does not.
    #[must_use]
    pub fn look(&self, id: NodeId) -> Option<Look> {
        self.edges.get(&self.table.find(id)?)?.rounds.look()
    }

    /// Says something about this node to everybody; nothing takes the key away. Without renewal it counts as gone
    /// after `ttl`, where that is not zero.
    ///
    /// # Errors
    ///
    /// If it is above a limit; nothing has changed then.
    pub fn set(
        &mut self,
        key: &str,
        value: Option<&[u8]>,
        ttl: Duration,
        now: Timestamp,
    ) -> Result<(), SetError> {
        self.advance(now);
        let owner = (self.me, self.id, self.nonce);
        let entry = self.store.set(owner, key, value, ttl, now)?;
        self.spread(Update::Entry(entry));
        Ok(())
    }

    pub(super) fn event(&mut self, event: MembershipEvent) {
        if self.events.len() < EVENTS_MAX {
            self.events.push_back(event);
        }
    }

    /// Sends, if the budget has room.
    pub(super) fn send(&mut self, to: SocketAddr, body: Body, class: Class) -> bool {
        let packet = Packet {
            from: self.id,
            incarnation: self.incarnation,
            body,
        };
        let bytes = packet.encode(self.config.cluster);
        let size = bytes.len().saturating_add(self.config.packet_overhead);
        if self.transmits.len() >= TRANSMITS_MAX || !self.budget.take(size, class, self.clock) {
            self.counters.over_budget += 1;
            return false;
        }
        self.counters.sent += 1;
        self.counters.sent_bytes += u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        self.transmits.push_back(Transmit { to, bytes });
        true
    }

    pub(super) fn addr(&self, index: Index) -> Option<SocketAddr> {
        self.table.get(index).map(|member| member.node.addr)
    }

    /// What this node says about itself.
    #[must_use]
    pub fn own_record(&self) -> Option<Record> {
        self.table
            .get(self.me)
            .map(|member| member.record(self.clock))
    }

    /// Up to `count` members that are alive, by chance, without this node and `without`.
    pub(super) fn some_members(&mut self, count: usize, without: Option<Index>) -> Vec<Index> {
        let others = self
            .ring
            .len()
            .saturating_sub(1 + usize::from(without.is_some()));
        let mut chosen = BTreeSet::new();
        let tries = 8 * count;
        for _ in 0..tries {
            if chosen.len() >= count.min(others) {
                break;
            }
            let bound = u64::try_from(self.ring.len()).unwrap_or(u64::MAX);
            let at = usize::try_from(self.rng.below(bound)).unwrap_or(0);
            let one = self
                .ring
                .at(at)
                .filter(|one| *one != self.me && Some(*one) != without);
            chosen.extend(one);
        }
        chosen.into_iter().collect()
    }

    /// Time passes. What this node should have done long ago says that it stood still: then what it waited for says
    /// nothing about others.
    pub(super) fn advance(&mut self, now: Timestamp) {
        let now = now.max(self.clock);
        let due = self.poll_timeout();
        self.clock = now;
        if let Some(due) = due
            && now.since(due) > self.config.stall
        {
            self.counters.stalled_ns += nanos(now.since(due));
            self.stood_still();
        }
    }

    fn stood_still(&mut self) {
        self.counters.stalls += 1;
        self.health.worse();
        self.relays.clear();
        let interval = self.probe_interval();
        for edge in self.edges.values_mut() {
            let spread = self.rng.jitter(interval / 4);
            if edge.give_up() || edge.next_at < self.clock {
                edge.next_at = self.clock + spread;
            }
        }
    }
}
