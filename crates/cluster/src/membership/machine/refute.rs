//! Contradictions, and how far they are told: as far as what they contradict.

use super::membership::Membership;
use crate::membership::budget::Class;
use crate::membership::cut::thresholds;
use crate::membership::table::Index;
use crate::membership::wire::{Body, Cause, Update};

impl Membership {
    /// This node is accused: it says that it is there, quoting what is held against it. Where others may know of that
    /// than its observers it goes on as another incarnation, and everybody hears of it.
    pub(super) fn refute_if_due(&mut self) {
        let (_, low) = thresholds(self.observers.len());
        let Some((challenges, accusers, open)) = self.defence.take(low, self.clock) else {
            return;
        };
        self.health.worse();
        self.counters.refutations += 1;
        if open {
            self.become_incarnation(self.incarnation.saturating_add(1));
        }
        let update = Update::Refute {
            subject: self.id,
            nonce: self.nonce,
            incarnation: self.incarnation,
            challenges,
        };
        let mut told = self.observers.clone();
        told.extend(accusers.iter().filter_map(|id| self.table.find(*id)));
        told.sort_unstable();
        told.dedup();
        for addr in told
            .into_iter()
            .filter_map(|index| self.addr(index))
            .collect::<Vec<_>>()
        {
            self.send(addr, Body::Gossip(vec![update.clone()]), Class::Decision);
        }
        if open {
            self.spread(update);
        }
    }

    /// Whether few more accusers are needed to convict a subject, or none.
    fn may_convict(&self, subject: Index) -> bool {
        let observers = self.table.get(subject).map(|member| {
            let observers = self.ring.observers(member.node.id, subject);
            observers.len()
        });
        let (high, _) = thresholds(observers.unwrap_or_default());
        self.cut.accusers(subject).count() + 2 >= high || self.cut.is_convicted_elsewhere(subject)
    }

    /// A member contradicts.
    pub(super) fn refuted(&mut self, update: Update) {
        let Update::Refute {
            subject,
            nonce,
            incarnation,
            ref challenges,
        } = update
        else {
            return;
        };
        let Some(subject) = self.table.find(subject).filter(|index| *index != self.me) else {
            return;
        };
        let Some(member) = self.table.get(subject) else {
            return;
        };
        if !member.is_alive() || member.nonce != nonce || incarnation < member.incarnation {
            return;
        }
        let newer = member.incarnation < incarnation;
        if newer && let Some(member) = self.table.get_mut(subject) {
            member.incarnation = incarnation;
        }
        let matters = self.may_convict(subject);
        self.is_there(subject, challenges, incarnation);
        if newer {
            self.spread_if(update, matters);
        }
    }

    /// A subject has proved that it is there: those accusations are over that it quotes, or that mean it as it was
    /// before this incarnation.
    pub(super) fn is_there(&mut self, subject: Index, challenges: &[u32], incarnation: u64) {
        if !self.cut.refute(subject, (challenges, incarnation)) {
            return;
        }
        self.judge_soon();
        if let Some(edge) = self.edges.get_mut(&subject)
            && let Some(accused) = edge.accused
            && accused.cause != Cause::Lossy
            && challenges.contains(&accused.challenge)
        {
            edge.accused = None;
            edge.misses = 0;
            edge.mistaken(self.clock);
        }
    }
}
