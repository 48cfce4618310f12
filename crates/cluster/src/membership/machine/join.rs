use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;

use ninefold_core::policy::{Backoff, Jitter};
use ninefold_core::time::Timestamp;

use super::membership::Membership;
use crate::membership::broadcasts::{Broadcasts, bytes};
use crate::membership::budget::Class;
use crate::membership::node::{NodeId, Record, Status};
use crate::membership::table::{Index, Member};
use crate::membership::view::View;
use crate::membership::wire::{Body, Delta, Update};

/// Addresses that are asked at once at most, seeds and members that were known.
const ASKED_MAX: usize = 6;

/// What a node says first is told to who asks to be taken in, if it is short.
const FIRST_WORDS: usize = 1;
const FIRST_WORDS_ROOM: usize = 128;

/// How often a small cluster asks those that are gone.
const GONE_PAUSE: Duration = Duration::from_secs(5);

impl Membership {
    /// Takes the members of a view for those there are, without a word and without an event. For a node that has
    /// just begun: what it knew before is gone, but for itself.
    pub fn know(&mut self, view: &View, now: Timestamp) {
        let Some(mut own) = self.own_record() else {
            return;
        };
        self.clock = self.clock.max(now);
        let said = self.own_entries();
        (self.table, self.ring) = (view.table.clone(), view.ring.clone());
        self.store = view.store.clone();
        if let Some(known) = self.table.by_id(self.id).map(|member| member.record(now))
            && known != own
        {
            self.incarnation = self.incarnation.max(known.incarnation.saturating_add(1));
            own.incarnation = self.incarnation;
        }
        let (me, _) = self.table.apply(&own, now);
        self.me = me.unwrap_or(self.me);
        let told = self.store.known(self.me, self.nonce);
        if said.iter().all(|entry| entry.version <= told) {
            (self.broadcasts, self.gossip_at) = (Broadcasts::default(), None);
        }
        for entry in &said {
            self.store.take(self.me, entry, true, now);
        }
        if self.ring.zone_of(self.id, self.me).is_some() {
            self.move_zone(self.me, self.id);
        } else if let Some(member) = self.table.get(self.me) {
            self.ring.insert(self.id, self.me, member.zone);
        }
        (self.ask_at, self.caught_up) = (None, Some(now));
        self.edges.clear();
        self.rewire();
    }

    /// This node is alone, or cut off: it asks to be taken in, until it is.
    pub(super) fn ask_soon(&mut self) {
        let alone = std::mem::replace(&mut self.alone, true);
        if !(alone || self.left) {
            self.asked = 0;
            self.ask_at = Some(self.clock + self.rng.jitter(Duration::from_millis(200)));
        }
    }

    pub(super) fn ask_if_due(&mut self) {
        if self.ask_at.is_none_or(|at| at > self.clock) {
            return;
        }
        if self.table.alive() > 1 && !self.isolated {
            self.alone = false;
            self.ask_one_that_is_gone();
            return;
        }
        let mut backoff = Backoff::exponential(Duration::from_millis(500), Duration::from_secs(30));
        backoff.jitter = Jitter::Equal;
        let wait = backoff.wait(self.asked, None, &mut self.rng);
        self.asked = self.asked.saturating_add(1);
        self.ask_at = Some(self.clock + wait.max(Duration::from_millis(100)));
        let Some(own) = self.own_record() else { return };
        for addr in self.whom_to_ask() {
            self.send(addr, Body::Join(own.clone()), Class::News);
        }
    }

    /// Two halves of a cluster have convicted each other: somebody must ask, or they stay apart. All members together
    /// ask about as often as a few would.
    fn ask_one_that_is_gone(&mut self) {
        let down = |(_, member): &(Index, &Member)| member.status == Status::Down;
        let down: Vec<SocketAddr> = self
            .table
            .gone()
            .filter(down)
            .map(|(_, member)| member.node.addr)
            .collect();
        self.ask_at = None;
        let Some(own) = self.own_record().filter(|_| !down.is_empty()) else {
            return;
        };
        let bound = u64::try_from(down.len()).unwrap_or(1);
        let at = usize::try_from(self.rng.below(bound)).unwrap_or(0);
        if let Some(addr) = down.get(at) {
            self.send(*addr, Body::Join(own), Class::Bulk);
        }
        self.ask_gone_later();
    }

    /// Somebody is gone: it is asked now and then whether it is back.
    pub(super) fn ask_gone_later(&mut self) {
        let share = u32::try_from(self.table.alive() / 8)
            .unwrap_or(u32::MAX)
            .max(1);
        let pause = GONE_PAUSE.saturating_mul(share);
        let at = self.clock + pause / 2 + self.rng.jitter(pause);
        self.ask_at = Some(self.ask_at.map_or(at, |before| before.min(at)));
    }

    /// Some seeds, and some of those that were known: by chance, so that all have their turn.
    fn whom_to_ask(&mut self) -> Vec<SocketAddr> {
        let own = self.addr(self.me);
        let others = self
            .table
            .iter()
            .filter(|(index, member)| *index != self.me && member.status != Status::Left);
        let others: Vec<SocketAddr> = others.map(|(_, member)| member.node.addr).collect();
        let mut asked = Vec::new();
        for pool in [self.seeds.clone(), others] {
            let mut pool = pool;
            pool.retain(|addr| Some(*addr) != own && !asked.contains(addr));
            for _ in 0..ASKED_MAX / 2 {
                let Ok(bound @ 1..) = u64::try_from(pool.len()) else {
                    break;
                };
                let at = usize::try_from(self.rng.below(bound)).unwrap_or(0);
                asked.push(pool.swap_remove(at));
            }
        }
        asked
    }

    /// Somebody asks to be taken in: it gets to know this node, and the rest when it compares what it knows.
    pub(super) fn joining(&mut self, from: SocketAddr, record: Record) {
        if record.status != Status::Alive || record.node.id == self.id {
            return;
        }
        let known = self
            .table
            .by_id(record.node.id)
            .map(|member| member.record(self.clock));
        let stands = known.filter(|known| {
            let older = record.incarnation < known.incarnation;
            let same = record.incarnation == known.incarnation;
            older || (same && (record.nonce != known.nonce || known.status != Status::Alive))
        });
        let behind = stands.map(Update::Member);
        if behind.is_none() {
            self.record(&record, true);
        }
        // With what it said first: where its streams end.
        let mut said = self.own_entries();
        said.truncate(FIRST_WORDS);
        said.retain(|entry| bytes(&Update::Entry(entry.clone())) <= FIRST_WORDS_ROOM);
        let delta = Delta {
            records: self.own_record().into_iter().collect(),
            entries: said,
            left: 0,
        };
        self.send(from, Body::Delta(delta), Class::News);
        if let Some(behind) = behind {
            self.send(from, Body::Gossip(vec![behind]), Class::News);
        }
    }

    /// These nodes are no members any more, and those that were kept out before and are not among them may come back. One
    /// that is there counts as one that left: nobody asks for it, and nothing of it is believed.
    pub fn keep_out(&mut self, nodes: BTreeSet<NodeId>, now: Timestamp) {
        self.advance(now);
        let gone = nodes.iter().filter(|id| **id != self.id);
        let gone = gone.filter_map(|id| self.table.by_id(*id));
        let gone: Vec<Record> = gone
            .filter(|member| member.is_alive())
            .map(|member| Record {
                status: Status::Left,
                ..member.record(self.clock)
            })
            .collect();
        self.kept_out = nodes;
        for record in gone {
            self.record(&record, false);
        }
        self.settle();
    }

    /// Leaves in order: some members are told at once, and they tell the others. From then on this node is silent.
    pub fn leave(&mut self, now: Timestamp) {
        self.clock = self.clock.max(now);
        if self.left {
            return;
        }
        let targets = self.some_members(self.config.fanout * 2, None);
        if let Some(mut own) = self.own_record() {
            own.status = Status::Left;
            for target in targets {
                if let Some(addr) = self.addr(target) {
                    let news = Body::Gossip(vec![Update::Member(own.clone())]);
                    self.send(addr, news, Class::Probe);
                }
            }
        }
        self.left = true;
    }
}
