use std::net::SocketAddr;
use std::time::Duration;

use ninefold_core::time::{Timestamp, nanos};

use super::membership::Membership;
use crate::membership::budget::Class;
use crate::membership::event::MembershipEvent;
use crate::membership::node::NodeId;
use crate::membership::rounds::Outcome;
use crate::membership::table::Index;
use crate::membership::wire::{Body, Packet, Update};

/// Questions that are asked for others at once at most.
const RELAYS_MAX: usize = 128;
/// How often one is told at most that others know better.
const TELL_EVERY: Duration = Duration::from_secs(1);

/// A question that is asked for another node.
#[derive(Clone, Debug)]
pub(super) struct Relay {
    origin: SocketAddr,
    origin_seq: u64,
    target: Index,
    seq: u64,
    nack_at: Timestamp,
    until: Timestamp,
    nacked: bool,
}

impl Relay {
    pub(super) fn due(&self) -> Timestamp {
        if self.nacked {
            self.until
        } else {
            self.nack_at
        }
    }
}

impl Membership {
    pub(super) fn packet(&mut self, from: SocketAddr, packet: Packet) {
        self.heard(from, packet.from);
        self.tell_if_behind(from, &packet);
        match packet.body {
            Body::Ping { seq, target, .. } => self.ping(from, packet.from, seq, target),
            Body::Ack {
                seq,
                nonce,
                next_in_ms,
            } => self.ack(packet.from, seq, nonce, next_in_ms),
            Body::IndirectPing {
                seq,
                target,
                wait_ms,
            } => self.indirect_ping(from, seq, target, wait_ms),
            Body::IndirectAck { seq, target, nonce } => {
                if let Some(target) = self.process_of(target, nonce) {
                    self.answered_indirectly(target, seq);
                }
            }
            Body::Nack { seq, target } => {
                let edge = self
                    .table
                    .find(target)
                    .and_then(|target| self.edges.get_mut(&target));
                let probe = edge.and_then(|edge| edge.probe.as_mut());
                if let Some(probe) = probe.filter(|probe| probe.seq == seq) {
                    probe.nacks += 1;
                }
            }
            Body::Gossip(updates) => updates
                .into_iter()
                .for_each(|update| self.apply(update, packet.from)),
            Body::Summary(ranges) => self.summary(from, &ranges),
            Body::Digest(digest) => self.digest(from, &digest),
            Body::Delta(delta) => self.delta(packet.from, delta),
            Body::Join(record) => self.joining(from, record),
        }
    }

    /// Whatever a subject sends shows that its way to here is open.
    fn heard(&mut self, from: SocketAddr, id: NodeId) {
        let clock = self.clock;
        if let Some(subject) = self.table.find(id)
            && self.addr(subject) == Some(from)
            && let Some(edge) = self.edges.get_mut(&subject)
        {
            edge.rounds.heard(clock);
        }
    }

    /// One that was convicted, or goes on at an incarnation that is over, is told what is known of it.
    fn tell_if_behind(&mut self, from: SocketAddr, packet: &Packet) {
        let clock = self.clock;
        let found = self.table.find(packet.from);
        let Some((index, member)) = found.and_then(|i| Some((i, self.table.get(i)?))) else {
            return;
        };
        let behind = packet.incarnation < member.incarnation
            || (packet.incarnation == member.incarnation && !member.is_alive());
        let lately = member
            .told
            .is_some_and(|told| clock.since(told) < TELL_EVERY);
        if behind && !lately {
            let record = member.record(clock);
            if let Some(member) = self.table.get_mut(index) {
                member.told = Some(clock);
            }
            self.send(
                from,
                Body::Gossip(vec![Update::Member(record)]),
                Class::News,
            );
        }
    }

    fn ping(&mut self, from: SocketAddr, observer: NodeId, seq: u64, target: NodeId) {
        if target != self.id {
            return;
        }
        if let Some(observer) = self.table.find(observer)
            && self.observers.contains(&observer)
        {
            self.heard.insert(observer, self.clock);
        }
        let body = Body::Ack {
            seq,
            nonce: self.nonce,
            next_in_ms: self.next_in_ms(observer),
        };
        self.send(from, body, Class::Probe);
    }

    /// When this subject wants to hear from an observer again: each has its own place in the interval, by this
    /// node's clock, so no clocks have to agree.
    fn next_in_ms(&self, observer: NodeId) -> u64 {
        let interval = nanos(self.probe_interval()).max(1);
        let observers = &self.observers;
        let place = self
            .table
            .find(observer)
            .and_then(|o| observers.iter().position(|p| *p == o));
        let wait = place.map_or(interval, |place| {
            let (place, all) = (place as u64, observers.len() as u64);
            let slot = interval / all.max(1) * place;
            let wait = (slot + interval - self.clock.as_nanos() % interval) % interval;
            if wait < interval / 2 {
                wait + interval
            } else {
                wait
            }
        });
        wait / 1_000_000
    }

    /// The member, if this is the process of it that is known.
    pub(super) fn process_of(&self, id: NodeId, nonce: u64) -> Option<Index> {
        let index = self.table.find(id)?;
        self.table
            .get(index)
            .filter(|member| member.nonce == nonce)
            .map(|_| index)
    }

    fn ack(&mut self, id: NodeId, seq: u64, nonce: u64, next_in_ms: u64) {
        let Some(subject) = self.process_of(id, nonce) else {
            return;
        };
        let of = |relay: &Relay| relay.seq == seq && relay.target == subject;
        if let Some(at) = self.relays.iter().position(of) {
            let relay = self.relays.swap_remove(at);
            let body = Body::IndirectAck {
                seq: relay.origin_seq,
                target: id,
                nonce,
            };
            self.send(relay.origin, body, Class::Probe);
            return;
        }
        let (interval, config, clock) = (self.probe_interval(), &self.config, self.clock);
        let Some(edge) = self.edges.get_mut(&subject) else {
            return;
        };
        let Some(probe) = edge.probe.take_if(|probe| probe.seq == seq) else {
            edge.rounds.came(seq, Outcome::Late);
            return;
        };
        let took = clock.since(probe.sent);
        edge.took(config, took);
        let late = took > probe.wait;
        let outcome = if late { Outcome::Late } else { Outcome::Direct };
        edge.rounds.came(seq, outcome);
        let next = Duration::from_millis(next_in_ms).clamp(interval / 2, interval * 3 / 2);
        edge.next_at = clock + next;
        let direct_again = std::mem::take(&mut edge.relayed);
        self.health.better();
        if direct_again {
            self.event(MembershipEvent::Direct(id));
        }
        self.answer(subject);
    }

    fn answered_indirectly(&mut self, subject: Index, seq: u64) {
        let next = self.clock + self.probe_interval() / 2;
        let Some(edge) = self.edges.get_mut(&subject) else {
            return;
        };
        if edge.probe.take_if(|probe| probe.seq == seq).is_none() {
            return;
        }
        edge.rounds.came(seq, Outcome::Relayed);
        edge.next_at = next;
        let first = !std::mem::replace(&mut edge.relayed, true);
        if let Some(member) = self.table.get(subject)
            && first
        {
            let id = member.node.id;
            self.event(MembershipEvent::Relayed(id));
        }
        self.answer(subject);
    }

    fn indirect_ping(&mut self, origin: SocketAddr, origin_seq: u64, target: NodeId, wait_ms: u64) {
        let Some(index) = self.table.find(target).filter(|i| self.table.is_alive(*i)) else {
            return;
        };
        if index == self.me || self.relays.len() >= RELAYS_MAX {
            return;
        }
        self.look_soon(index);
        let Some(addr) = self.addr(index) else { return };
        let wait = Duration::from_millis(wait_ms).min(self.config.probe_timeout_max * 8);
        let seq = self.next_number();
        let relay = Relay {
            origin,
            origin_seq,
            target: index,
            seq,
            nack_at: self.clock + wait * 4 / 5,
            until: self.clock + wait * 2,
            nacked: false,
        };
        self.relays.push(relay);
        self.send_ping(addr, seq, target, true);
    }

    /// Those who asked are told that this node at least is there.
    pub(super) fn nack_if_due(&mut self) {
        let clock = self.clock;
        self.relays.retain(|relay| relay.until > clock);
        let mut nacks = Vec::new();
        for relay in self
            .relays
            .iter_mut()
            .filter(|r| !r.nacked && r.nack_at <= clock)
        {
            relay.nacked = true;
            if let Some(member) = self.table.get(relay.target) {
                let (seq, target) = (relay.origin_seq, member.node.id);
                nacks.push((relay.origin, Body::Nack { seq, target }));
            }
        }
        for (origin, nack) in nacks {
            self.send(origin, nack, Class::Probe);
        }
    }

    pub(super) const fn next_number(&mut self) -> u64 {
        self.number += 1;
        self.number
    }
}
