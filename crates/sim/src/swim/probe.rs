//! Probes, direct and through others (SWIM, section 3.1; Lifeguard, sections 4.1 and 4.3).

use super::message::Message;
use super::node::{Swim, Timer};
use super::records::State;
use crate::NodeId;
use crate::node::Context;

/// When a member that probes for another says that it has no answer yet, of the probe's time.
const NACK_PERCENT: u64 = 80;

/// The probe under way.
#[derive(Clone, Copy, Debug)]
pub(super) struct Probe {
    seq: u32,
    target: NodeId,
    is_acked: bool,
    /// Who was asked to probe as well, and has not said anything.
    silent: u32,
    asked: u32,
}

/// A probe for somebody else.
#[derive(Clone, Copy, Debug)]
pub(super) struct Relay {
    origin: NodeId,
    seq: u32,
}

impl Swim {
    /// Judges the probe that is over, and begins the next one.
    pub(super) fn next_probe(&mut self, cx: &mut Context<'_>) {
        if let Some(probe) = self.probe.take() {
            self.judge(probe, cx);
        }
        let interval = self.awareness.scale(self.config.probe_interval);
        Self::arm(cx, interval, Timer::Probe, 0);
        let Some(target) = self.records.next_target(self.me, cx.rng()) else {
            return;
        };
        let seq = self.next_seq();
        self.probe = Some(Probe {
            seq,
            target,
            is_acked: false,
            silent: 0,
            asked: 0,
        });
        let ping = Message::Ping { seq, target };
        // The suspect is told first, so that it can refute at once.
        match self.records.get(target) {
            Some((incarnation, State::Suspect)) => {
                let suspect = Message::Suspect {
                    incarnation,
                    node: target,
                    from: self.me,
                };
                self.send(target, &[ping, suspect], cx);
            }
            _ => self.send(target, &[ping], cx),
        }
        let timeout = self.awareness.scale(self.config.probe_timeout);
        Self::arm(cx, timeout, Timer::Direct, seq);
    }

    /// Who misses an answer and those of the helpers too has reason to suspect itself.
    fn judge(&mut self, probe: Probe, cx: &mut Context<'_>) {
        if probe.is_acked {
            self.awareness.add(-1);
            return;
        }
        let delta = if probe.asked > 0 { probe.silent } else { 1 };
        self.awareness.add(i32::try_from(delta).unwrap_or(i32::MAX));
        if let Some((incarnation, state)) = self.records.get(probe.target)
            && state != State::Dead
        {
            self.suspect(probe.target, incarnation, self.me, cx);
        }
    }

    pub(super) fn probe_indirectly(&mut self, seq: u32, cx: &mut Context<'_>) {
        let Some(probe) = self
            .probe
            .filter(|probe| probe.seq == seq && !probe.is_acked)
        else {
            return;
        };
        let fits = |node| {
            let is_alive = self
                .records
                .get(node)
                .is_some_and(|(_, state)| state == State::Alive);
            is_alive && node != self.me && node != probe.target
        };
        let helpers = self
            .records
            .draw(self.config.indirect_probes, cx.rng(), fits);
        for helper in &helpers {
            self.send(
                *helper,
                &[Message::PingReq {
                    seq,
                    target: probe.target,
                }],
                cx,
            );
        }
        if let Some(probe) = &mut self.probe {
            probe.asked = u32::try_from(helpers.len()).unwrap_or_default();
            probe.silent = probe.asked;
        }
    }

    pub(super) fn probe_for(
        &mut self,
        origin: NodeId,
        origin_seq: u32,
        target: NodeId,
        cx: &mut Context<'_>,
    ) {
        let seq = self.next_seq();
        self.relays.insert(
            seq,
            Relay {
                origin,
                seq: origin_seq,
            },
        );
        self.send(target, &[Message::Ping { seq, target }], cx);
        let timeout = self.config.probe_timeout;
        Self::arm(cx, timeout / 100 * NACK_PERCENT, Timer::Nack, seq);
        Self::arm(cx, timeout, Timer::Relay, seq);
    }

    pub(super) fn acked(&mut self, seq: u32, cx: &mut Context<'_>) {
        if let Some(relay) = self.relays.remove(&seq) {
            self.send(relay.origin, &[Message::Ack { seq: relay.seq }], cx);
        } else if let Some(probe) = self.probe.as_mut().filter(|probe| probe.seq == seq) {
            probe.is_acked = true;
        }
    }

    pub(super) fn nacked(&mut self, seq: u32) {
        if let Some(probe) = self.probe.as_mut().filter(|probe| probe.seq == seq) {
            probe.silent = probe.silent.saturating_sub(1);
        }
    }

    pub(super) fn nack(&mut self, seq: u32, cx: &mut Context<'_>) {
        if let Some(relay) = self.relays.get(&seq).copied() {
            self.send(relay.origin, &[Message::Nack { seq: relay.seq }], cx);
        }
    }

    pub(super) fn end_relay(&mut self, seq: u32) {
        self.relays.remove(&seq);
    }
}
