//! A few nodes and the paths between them, on virtual time. One seed, one course of events.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use ninefold_core::rng::Rng;
use ninefold_core::time::Timestamp;

use crate::membership::wire::WireError;
use crate::membership::{Config, Membership, MembershipEvent, Node, NodeId};

/// A node under test, or the place of one that is not running.
pub(super) struct Host {
    pub(super) node: Node,
    pub(super) machine: Option<Membership>,
    /// It does nothing before that; what comes meanwhile waits.
    stalled_until: Timestamp,
    starts: u64,
}

pub(super) struct Network {
    pub(super) config: Config,
    pub(super) hosts: Vec<Host>,
    pub(super) now: Timestamp,
    pub(super) events: Vec<(Timestamp, usize, MembershipEvent)>,
    /// Percent of packets that are lost from one to another.
    loss: BTreeMap<(usize, usize), u64>,
    /// Packets under way: when, and in which order.
    flight: BTreeMap<(Timestamp, u64), (usize, usize, Vec<u8>)>,
    order: u64,
    /// With whom no stream is opened.
    pub(super) unreachable: Vec<usize>,
    /// Bytes of answers on streams.
    pub(super) streamed: usize,
    pub(super) bytes: BTreeMap<(usize, u64), u64>,
    rng: Rng,
}

impl Network {
    pub(super) fn new(count: usize, zones: usize, seed: u64, config: Config) -> Self {
        let node = |n: usize| Node {
            id: NodeId::of_name(&format!("n{n}")),
            name: format!("n{n}").into(),
            zone: format!("z{}", n % zones).into(),
            addr: addr(n),
        };
        let hosts = (0..count).map(|n| Host {
            node: node(n),
            machine: None,
            stalled_until: Timestamp::ZERO,
            starts: 0,
        });
        let mut network = Self {
            config,
            hosts: hosts.collect(),
            now: Timestamp::from_secs(100),
            events: Vec::new(),
            loss: BTreeMap::new(),
            flight: BTreeMap::new(),
            order: 0,
            unreachable: Vec::new(),
            streamed: 0,
            bytes: BTreeMap::new(),
            rng: Rng::new(seed),
        };
        for n in 0..count {
            network.start(n, 0);
        }
        network
    }

    pub(super) fn start(&mut self, n: usize, incarnation: u64) {
        let host = &mut self.hosts[n];
        host.starts += 1;
        let seeds = vec![addr(0), addr(1)];
        let seed = self.rng.next_u64();
        let config = self.config.clone();
        let machine = Membership::new(
            config,
            host.node.clone(),
            incarnation,
            seeds,
            seed,
            self.now,
        );
        host.machine = Some(machine);
        self.drain(n);
    }

    pub(super) fn kill(&mut self, n: usize) {
        self.hosts[n].machine = None;
    }

    /// It ends, and its host tells those who observe it.
    pub(super) fn end(&mut self, n: usize) {
        let id = self.hosts[n].node.id;
        let nonce = self
            .machine(n)
            .members()
            .find(|record| record.node.id == id);
        let nonce = nonce.unwrap().nonce;
        self.kill(n);
        let now = self.now;
        for other in 0..self.hosts.len() {
            if self.hosts[other].machine.is_some() {
                self.machine(other).process_ended(id, nonce, now);
                self.drain(other);
            }
        }
    }

    pub(super) fn stall(&mut self, n: usize, time: Duration) {
        self.hosts[n].stalled_until = self.now + time;
    }

    pub(super) fn lose(&mut self, from: usize, to: usize, percent: u64) {
        self.loss.insert((from, to), percent);
    }

    pub(super) fn heal(&mut self) {
        self.loss.clear();
    }

    pub(super) fn machine(&mut self, n: usize) -> &mut Membership {
        self.hosts[n].machine.as_mut().unwrap()
    }

    /// Lets time pass.
    pub(super) fn run(&mut self, time: Duration) {
        let end = self.now + time;
        loop {
            let packet = self.flight.keys().next().map(|(at, _)| *at);
            let timer = |host: &Host| {
                let at = host.machine.as_ref()?.poll_timeout()?;
                Some(at.max(host.stalled_until))
            };
            let timers = self.hosts.iter().enumerate();
            let timer = timers.filter_map(|(n, host)| Some((timer(host)?, n))).min();
            let next = packet.into_iter().chain(timer.map(|(at, _)| at)).min();
            let Some(next) = next.filter(|next| *next <= end) else {
                break;
            };
            self.now = self.now.max(next);
            match timer {
                Some((at, n)) if packet.is_none_or(|packet| at < packet) => {
                    let now = self.now;
                    self.machine(n).handle_timeout(now);
                    self.drain(n);
                }
                _ => self.deliver(),
            }
        }
        self.now = end;
    }

    fn deliver(&mut self) {
        let Some((_, (from, to, bytes))) = self.flight.pop_first() else {
            return;
        };
        let now = self.now;
        let until = self.hosts[to].stalled_until;
        if until > now {
            self.order += 1;
            self.flight.insert((until, self.order), (from, to, bytes));
        } else if let Some(machine) = &mut self.hosts[to].machine {
            let taken = machine.handle_packet(addr(from), &bytes, now);
            assert!(matches!(taken, Ok(()) | Err(WireError::KeptOut(_))));
            self.drain(to);
        }
    }

    /// Takes what a node wants.
    pub(super) fn drain(&mut self, n: usize) {
        let now = self.now;
        while let Some(transmit) = self.machine(n).poll_transmit() {
            *self.bytes.entry((n, now.as_secs())).or_default() += transmit.bytes.len() as u64;
            let to = usize::from(transmit.to.port()) - 1_000;
            let lost = self.loss.get(&(n, to)).copied().unwrap_or(0);
            if self.rng.below(100) < lost {
                continue;
            }
            self.order += 1;
            let delay = Duration::from_micros(200 + self.rng.below(800));
            self.flight
                .insert((now + delay, self.order), (n, to, transmit.bytes));
        }
        while let Some(event) = self.machine(n).poll_event() {
            let wanted = match event {
                MembershipEvent::StateWanted(peer) => Some(peer),
                _ => None,
            };
            self.events.push((now, n, event));
            if let Some(peer) = wanted {
                self.stream(n, peer);
            }
        }
    }

    /// A stream from one to another: in no time, or not at all.
    fn stream(&mut self, n: usize, peer: NodeId) {
        let now = self.now;
        let peer = self.hosts.iter().position(|host| host.node.id == peer);
        let peer = peer.unwrap();
        let cut = |from, to| self.loss.get(&(from, to)) == Some(&100);
        let host = &self.hosts[peer];
        let there = host.machine.is_some()
            && host.stalled_until <= now
            && !self.unreachable.contains(&peer);
        if !there || cut(n, peer) || cut(peer, n) {
            return self.machine(n).state_failed(now);
        }
        while let Some(question) = self.machine(n).state_question(now) {
            let answer = self.machine(peer).answer_state(&question, now).unwrap();
            self.streamed += answer.len();
            if self.machine(n).take_state(&answer, now).unwrap() {
                break;
            }
        }
    }

    pub(super) fn name(&self, id: NodeId) -> String {
        let found = self.hosts.iter().find(|host| host.node.id == id);
        found.map_or_else(|| id.to_string(), |host| host.node.name.to_string())
    }
}

pub(super) fn addr(n: usize) -> SocketAddr {
    ([10, 0, 0, 1], 1_000 + u16::try_from(n).unwrap()).into()
}
