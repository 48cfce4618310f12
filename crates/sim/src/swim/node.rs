//! The member: what comes in, and what it is for.

use std::collections::BTreeMap;
use std::time::Duration;

use super::awareness::Awareness;
use super::broadcasts::Broadcasts;
use super::config::Config;
use super::message::{self, Message};
use super::probe::{Probe, Relay};
use super::records::{Records, State};
use super::suspicion::Suspicion;
use crate::NodeId;
use crate::node::{Boot, Context, Node};

/// What a timer is for, in the highest byte of its token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Timer {
    /// The probe is over, and the next one begins.
    Probe,
    /// A direct probe was not answered in time.
    Direct,
    /// A probe for somebody else: tell that there is no answer yet.
    Nack,
    /// A probe for somebody else is over.
    Relay,
    Suspicion,
    Gossip,
    Exchange,
    Reconnect,
}

const TIMERS: [Timer; 8] = [
    Timer::Probe,
    Timer::Direct,
    Timer::Nack,
    Timer::Relay,
    Timer::Suspicion,
    Timer::Gossip,
    Timer::Exchange,
    Timer::Reconnect,
];

/// A member that speaks SWIM with Lifeguard. In the beginning it knows everybody, all alive.
#[derive(Debug)]
pub struct Swim {
    pub(super) me: NodeId,
    pub(super) config: Config,
    pub(super) records: Records,
    pub(super) suspicions: BTreeMap<NodeId, Suspicion>,
    /// Who is held for dead, and since when.
    pub(super) dead: BTreeMap<NodeId, u64>,
    pub(super) broadcasts: Broadcasts,
    pub(super) awareness: Awareness,
    pub(super) incarnation: u32,
    pub(super) probe: Option<Probe>,
    pub(super) relays: BTreeMap<u32, Relay>,
    seq: u32,
    is_first_start: bool,
}

impl Swim {
    /// A member as it is when its process starts.
    #[must_use]
    pub fn new(boot: Boot, config: Config) -> Self {
        Self {
            me: boot.node,
            config,
            records: Records::new(boot.nodes),
            suspicions: BTreeMap::new(),
            dead: BTreeMap::new(),
            broadcasts: Broadcasts::default(),
            awareness: Awareness::new(config.awareness_max),
            incarnation: 0,
            probe: None,
            relays: BTreeMap::new(),
            seq: 0,
            is_first_start: boot.starts == 0,
        }
    }

    pub(super) const fn next_seq(&mut self) -> u32 {
        self.seq = self.seq.wrapping_add(1);
        self.seq
    }

    pub(super) fn log10_nodes(&self) -> f64 {
        f64::from(self.records.len()).log10()
    }

    pub(super) fn arm(cx: &mut Context<'_>, after: u64, timer: Timer, value: u32) {
        let kind = TIMERS
            .iter()
            .position(|other| *other == timer)
            .unwrap_or_default();
        let token = (kind as u64) << 56 | u64::from(value);
        cx.set_timer(cx.now() + Duration::from_nanos(after), token);
    }

    /// Sends messages, and as many updates as there is room for.
    pub(super) fn send(&mut self, to: NodeId, messages: &[Message], cx: &mut Context<'_>) {
        let mut packet = message::begin();
        for message in messages {
            message.encode(&mut packet);
        }
        let limit =
            self.config.retransmit_mult * (f64::from(self.records.len()) + 1.0).log10().ceil();
        let limit = u32::try_from(crate::draw::whole(limit)).unwrap_or(u32::MAX);
        self.broadcasts
            .fill(&mut packet, self.config.packet_size, limit);
        message::seal(&mut packet);
        cx.send(to, &packet);
    }

    fn gossip(&mut self, cx: &mut Context<'_>) {
        Self::arm(cx, self.config.gossip_interval, Timer::Gossip, 0);
        if self.broadcasts.is_empty() {
            return;
        }
        let now = cx.now().as_nanos();
        let fits = |node| {
            let since = self.dead.get(&node);
            let is_told = |since: &u64| now < since.saturating_add(self.config.gossip_to_the_dead);
            node != self.me && since.is_none_or(is_told)
        };
        for node in self.records.draw(self.config.gossip_nodes, cx.rng(), fits) {
            if self.broadcasts.is_empty() {
                break;
            }
            self.send(node, &[], cx);
        }
    }

    /// Sends all that is known; who is held for dead is told as a suspect, who may refute.
    pub(super) fn send_state(&self, to: NodeId, reply: bool, cx: &mut Context<'_>) {
        let mut packet = message::begin();
        Message::State { reply }.encode(&mut packet);
        for node in (0..self.records.len()).map(NodeId) {
            let message = match self.records.get(node) {
                _ if node == self.me => Message::Alive {
                    incarnation: self.incarnation,
                    node,
                },
                Some((incarnation, State::Alive)) => Message::Alive { incarnation, node },
                Some((incarnation, _)) => Message::Suspect {
                    incarnation,
                    node,
                    from: self.me,
                },
                None => continue,
            };
            if packet.len() + message::LARGEST_SIZE > self.config.packet_size {
                message::seal(&mut packet);
                cx.send(to, &packet);
                packet = message::begin();
            }
            message.encode(&mut packet);
        }
        message::seal(&mut packet);
        cx.send(to, &packet);
    }

    /// Seldomer in a larger cluster, so that it costs a member always the same.
    fn exchange_interval(&self) -> u64 {
        let doublings = (f64::from(self.records.len()).log2() - 5.0).ceil().max(0.0);
        let times = crate::draw::whole(doublings) + 1;
        self.config.push_pull_interval.saturating_mul(times)
    }

    fn exchange(&self, cx: &mut Context<'_>) {
        Self::arm(cx, self.exchange_interval(), Timer::Exchange, 0);
        let fits = |node| {
            node != self.me
                && self
                    .records
                    .get(node)
                    .is_some_and(|(_, s)| s == State::Alive)
        };
        for node in self.records.draw(1, cx.rng(), fits) {
            self.send_state(node, true, cx);
        }
    }

    /// As serf does it: the more are held for dead, the more often one of them is tried.
    fn reconnect(&self, cx: &mut Context<'_>) {
        Self::arm(cx, self.config.reconnect_interval, Timer::Reconnect, 0);
        let alive = self.records.len() as usize - self.dead.len();
        if self.dead.is_empty() || cx.rng().unit() * alive.max(1) as f64 > self.dead.len() as f64 {
            return;
        }
        let which = cx.rng().below(self.dead.len() as u64);
        let which = usize::try_from(which).unwrap_or_default();
        if let Some(node) = self.dead.keys().nth(which) {
            self.send_state(*node, true, cx);
        }
    }
}

impl Node for Swim {
    fn start(&mut self, cx: &mut Context<'_>) {
        for (timer, interval) in [
            (Timer::Probe, self.config.probe_interval),
            (Timer::Gossip, self.config.gossip_interval),
            (Timer::Exchange, self.exchange_interval()),
            (Timer::Reconnect, self.config.reconnect_interval),
        ] {
            let wait = cx.rng().below(interval);
            Self::arm(cx, wait, timer, 0);
        }
        if !self.is_first_start {
            let me = self.me;
            let alive = Message::Alive {
                incarnation: self.incarnation,
                node: me,
            };
            self.broadcasts.add(me, alive);
            for node in self.records.draw(3, cx.rng(), |node| node != me) {
                self.send_state(node, true, cx);
            }
        }
    }

    fn packet(&mut self, from: NodeId, bytes: &[u8], cx: &mut Context<'_>) {
        for message in message::open(bytes) {
            match message {
                Message::Ping { seq, target } => {
                    if target == self.me {
                        self.send(from, &[Message::Ack { seq }], cx);
                    }
                }
                Message::PingReq { seq, target } => self.probe_for(from, seq, target, cx),
                Message::Ack { seq } => self.acked(seq, cx),
                Message::Nack { seq } => self.nacked(seq),
                Message::Alive { incarnation, node } => self.alive(node, incarnation, cx),
                Message::Suspect {
                    incarnation,
                    node,
                    from,
                } => {
                    self.suspect(node, incarnation, from, cx);
                }
                Message::Dead {
                    incarnation,
                    node,
                    from,
                } => self.dead(node, incarnation, from, cx),
                Message::State { reply } => {
                    if reply {
                        self.send_state(from, false, cx);
                    }
                }
            }
        }
    }

    fn timer(&mut self, token: u64, cx: &mut Context<'_>) {
        let value = u32::try_from(token & u64::from(u32::MAX)).unwrap_or_default();
        let kind = usize::try_from(token >> 56)
            .ok()
            .and_then(|kind| TIMERS.get(kind));
        match kind {
            Some(Timer::Probe) => self.next_probe(cx),
            Some(Timer::Direct) => self.probe_indirectly(value, cx),
            Some(Timer::Nack) => self.nack(value, cx),
            Some(Timer::Relay) => self.end_relay(value),
            Some(Timer::Suspicion) => self.suspicion_is_over(value, cx),
            Some(Timer::Gossip) => self.gossip(cx),
            Some(Timer::Exchange) => self.exchange(cx),
            Some(Timer::Reconnect) => self.reconnect(cx),
            None => {}
        }
    }
}
