//! What members say about each other (SWIM, section 4.2; Lifeguard, section 4.2).

use super::message::Message;
use super::node::{Swim, Timer};
use super::records::State;
use super::suspicion::Suspicion;
use crate::NodeId;
use crate::draw::whole;
use crate::node::{Context, Event};

/// Incarnations have 30 bits; one near the end is not believed.
const INCARNATION_MAX: u32 = 1 << 29;

impl Swim {
    pub(super) fn alive(&mut self, node: NodeId, incarnation: u32, cx: &mut Context<'_>) {
        if node == self.me {
            // Of a life before.
            if incarnation > self.incarnation && incarnation < INCARNATION_MAX {
                self.refute(incarnation);
            }
            return;
        }
        let Some((known, state)) = self.records.get(node) else {
            return;
        };
        if incarnation <= known || incarnation >= INCARNATION_MAX {
            return;
        }
        self.suspicions.remove(&node);
        self.dead.remove(&node);
        self.records.set(node, incarnation, State::Alive);
        self.broadcasts
            .add(node, Message::Alive { incarnation, node });
        match state {
            State::Alive => {}
            State::Suspect => cx.event(Event::Cleared(node)),
            State::Dead => cx.event(Event::Up(node)),
        }
    }

    /// What was known of somebody who is accused, if that is to be believed. I defend myself.
    fn state_before(&mut self, node: NodeId, incarnation: u32) -> Option<State> {
        let (known, state) = self.records.get(node)?;
        if incarnation < known || incarnation >= INCARNATION_MAX {
            return None;
        }
        if node == self.me {
            self.accused(incarnation);
            return None;
        }
        Some(state)
    }

    pub(super) fn suspect(
        &mut self,
        node: NodeId,
        incarnation: u32,
        from: NodeId,
        cx: &mut Context<'_>,
    ) {
        let Some(state) = self.state_before(node, incarnation) else {
            return;
        };
        let message = Message::Suspect {
            incarnation,
            node,
            from,
        };
        if let Some(suspicion) = self.suspicions.get_mut(&node) {
            if suspicion.confirm(from) {
                self.broadcasts.add(node, message);
                self.arm_suspicion(node, cx);
            }
            return;
        }
        if state != State::Alive {
            return;
        }
        self.records.set(node, incarnation, State::Suspect);
        self.broadcasts.add(node, message);
        let nodes = self.records.len();
        // As many as may be needed less than the helpers and the target, where there are so many.
        let wanted = whole(self.config.suspicion_mult - 2.0);
        let wanted = if u64::from(nodes) < wanted + 2 {
            0
        } else {
            wanted
        };
        let least = self.config.suspicion_mult * self.log10_nodes().max(1.0);
        let least = whole(least * self.config.probe_interval as f64);
        let most = whole(least as f64 * self.config.suspicion_max_mult);
        let wanted = usize::try_from(wanted).unwrap_or_default();
        let now = cx.now().as_nanos();
        self.suspicions
            .insert(node, Suspicion::new(now, least, most, wanted, from));
        cx.event(Event::Suspect(node));
        self.arm_suspicion(node, cx);
    }

    pub(super) fn dead(
        &mut self,
        node: NodeId,
        incarnation: u32,
        from: NodeId,
        cx: &mut Context<'_>,
    ) {
        let Some(state) = self.state_before(node, incarnation) else {
            return;
        };
        if state == State::Dead {
            return;
        }
        self.suspicions.remove(&node);
        self.records.set(node, incarnation, State::Dead);
        self.dead.insert(node, cx.now().as_nanos());
        self.broadcasts.add(
            node,
            Message::Dead {
                incarnation,
                node,
                from,
            },
        );
        cx.event(Event::Down(node));
    }

    pub(super) fn suspicion_is_over(&mut self, node: u32, cx: &mut Context<'_>) {
        let node = NodeId(node);
        let now = cx.now().as_nanos();
        match self.suspicions.get(&node) {
            None => return,
            // An older timer, or the clock was set back.
            Some(suspicion) if suspicion.deadline() > now => {
                self.arm_suspicion(node, cx);
                return;
            }
            Some(_) => {}
        }
        if let Some((incarnation, _)) = self.records.get(node) {
            self.dead(node, incarnation, self.me, cx);
        }
    }

    fn arm_suspicion(&self, node: NodeId, cx: &mut Context<'_>) {
        if let Some(suspicion) = self.suspicions.get(&node) {
            let wait = suspicion.deadline().saturating_sub(cx.now().as_nanos());
            Self::arm(cx, wait, Timer::Suspicion, node.0);
        }
    }

    /// Somebody thinks that I am dead: a reason to doubt my own health, too.
    fn accused(&mut self, incarnation: u32) {
        if incarnation >= self.incarnation {
            self.refute(incarnation);
            self.awareness.add(1);
        }
    }

    fn refute(&mut self, incarnation: u32) {
        self.incarnation = incarnation.max(self.incarnation) + 1;
        let alive = Message::Alive {
            incarnation: self.incarnation,
            node: self.me,
        };
        self.broadcasts.add(self.me, alive);
    }
}
