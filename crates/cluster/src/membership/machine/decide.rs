use std::time::Duration;

use super::membership::Membership;
use crate::membership::event::MembershipEvent;
use crate::membership::gate::Passage;
use crate::membership::node::Status;
use crate::membership::table::{Index, held_until};
use crate::membership::wire::Update;

/// How often what is waiting is looked at again, and what is old is thrown away.
const AGAIN: Duration = Duration::from_millis(100);
const TIDY: Duration = Duration::from_secs(1);
/// Comparisons after the first round until this node decides by itself.
const SYNCS: u32 = 5;
/// One that is convicted though it has contradicted again and again counts as convicted so often: it is taken back
/// after two minutes at the earliest.
const LOSSY: u32 = 4;

impl Membership {
    pub(super) fn judge_soon(&mut self) {
        self.judge_at.get_or_insert(self.clock);
    }

    /// There is nothing to wait for.
    pub(super) const fn judge_now(&mut self) {
        self.judge_at = Some(self.clock);
    }

    pub(super) fn judge_if_due(&mut self) {
        if self.judge_at.is_none_or(|at| at > self.clock) {
            return;
        }
        let before = self.clock - self.config.accusation_ttl;
        self.cut.expire(before);
        let mut levels = self
            .cut
            .levels(&self.table, &self.ring, self.config.hold, self.clock);
        // Silence may be a path's or this node's own fault, and more may fall silent: that is what all the waiting and
        // the gates are for. Of an end that its host vouches for there is no doubt.
        let ended = levels.stable.extract_if(.., |one| self.cut.has_ended(*one));
        let ended: Vec<Index> = ended.collect();
        self.convict(&ended);
        let suspects: Vec<_> = self.cut.suspects().collect();
        let silent = self.silent();
        let known = (&self.table, &self.ring);
        let passages = self
            .gate
            .look(&suspects, &silent, known, &self.config, self.clock);
        passages
            .into_iter()
            .for_each(|passage| self.passage(passage));
        let frozen = |index: &Index| {
            let zone = self.table.get(*index).map(|member| member.zone);
            zone.is_some_and(|zone| self.gate.is_frozen(zone))
        };
        levels.stable.retain(|index| !frozen(index));
        levels.between.retain(|index| !frozen(index));
        let quiet = self
            .cut
            .changed
            .is_none_or(|at| self.clock.since(at) >= self.config.cut_delay);
        let concerned = |(index, _): &&(Index, _)| {
            levels.stable.contains(index) || levels.between.contains(index)
        };
        let onset = suspects
            .iter()
            .filter(concerned)
            .map(|(_, since)| *since)
            .min();
        let connected = onset.is_none_or(|onset| self.is_connected_since(onset));
        // Who does not know everybody yet takes a few for all observers. A few comparisons after the first round it does.
        let since = self.caught_up.map(|at| self.clock.since(at));
        let knows = since.is_some_and(|since| since >= self.config.sync_interval * SYNCS);
        let may = levels.between.is_empty() && quiet && connected && !self.gate.is_quiesced();
        let may = may && knows;
        if may && !levels.stable.is_empty() {
            let wanted = levels.stable.len();
            let (room, passage) = self.gate.room(wanted, &self.table, &self.config);
            passage
                .into_iter()
                .for_each(|passage| self.passage(passage));
            levels.stable.truncate(room);
            for subject in &levels.stable {
                self.gate.convicted(*subject, self.clock);
            }
            self.convict(&levels.stable);
        }
        let waits = !self.cut.is_empty() || self.gate.has_frozen() || self.gate.is_quiesced();
        let settled = self.cut.changed.map(|at| at + self.config.cut_delay);
        let next = self.clock + AGAIN;
        let next = settled.map_or(next, |at| if at > self.clock { at.min(next) } else { next });
        self.judge_at = waits.then_some(next);
    }

    fn passage(&mut self, passage: Passage) {
        let zone = |index| self.table.get(index).map(|member| member.node.zone.clone());
        let event = match passage {
            Passage::Frozen(at, onsets) => {
                zone(at).map(|zone| MembershipEvent::Frozen { zone, onsets })
            }
            Passage::Thawed(at) => zone(at).map(|zone| MembershipEvent::Thawed { zone }),
            Passage::Quiesced => Some(MembershipEvent::Quiesced),
            Passage::Resumed => Some(MembershipEvent::Resumed),
            Passage::Capped => Some(MembershipEvent::Capped),
        };
        if let Some(event) = event {
            self.event(event);
        }
    }

    /// One view change.
    fn convict(&mut self, subjects: &[Index]) {
        for subject in subjects {
            let observers = self.cut.accusers(*subject).count();
            let ended = self.cut.has_ended(*subject);
            // Who has proved since then that it is there is not meant by those who accused it before.
            let meant = self.cut.accusers(*subject).map(|a| a.incarnation).max();
            let Some(member) = self.table.get_mut(*subject) else {
                continue;
            };
            let mut record = member.record();
            record.status = Status::Down;
            let update = Update::Down {
                subject: record.node.id,
                nonce: record.nonce,
                incarnation: meant.unwrap_or(record.incarnation),
                observers: u8::try_from(observers).unwrap_or(u8::MAX),
                ended,
            };
            self.table.apply(&record, self.clock);
            if ended && let Some(member) = self.table.get_mut(*subject) {
                member.ended = true;
                // It has not flapped: the next process may come at once.
                member.strikes = member.strikes.saturating_sub(1);
                member.held_until = None;
            }
            if self.has_contradicted(*subject)
                && let Some(member) = self.table.get_mut(*subject)
            {
                member.strikes = (member.strikes + 1).max(LOSSY);
                member.held_until = held_until(member.strikes, self.clock);
            }
            self.gone.push(record.node.id);
            if observers > 0 {
                self.spread(update);
            }
        }
        // Only now, so that all of them were judged by the same view.
        for subject in subjects {
            if let Some(id) = self.table.get(*subject).map(|member| member.node.id) {
                self.broadcasts.decided(id);
                self.lose(*subject, id);
            }
        }
        self.rewire |= !subjects.is_empty();
    }

    pub(super) fn tidy_if_due(&mut self) {
        if self.tidy_at > self.clock {
            return;
        }
        self.tidy_at = self.clock + TIDY;
        for (owner, key) in self.store.expire(self.me, self.clock) {
            if let Some(owner) = self.table.get(owner).map(|member| member.node.id) {
                self.event(MembershipEvent::Entry {
                    owner,
                    key,
                    value: None,
                });
            }
        }
        let before = self.clock - self.config.remember_gone;
        for index in self.table.prune(before) {
            self.store.forget(index);
            self.gate.forget(index);
            self.cut.forget(index);
        }
        if !self.silent().is_empty() {
            self.judge_soon();
        }
    }
}
