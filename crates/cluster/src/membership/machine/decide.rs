use std::collections::BTreeSet;
use std::time::Duration;

use ninefold_core::time::Timestamp;

use super::membership::Membership;
use crate::membership::cut::Levels;
use crate::membership::event::MembershipEvent;
use crate::membership::gate::Passage;
use crate::membership::node::Status;
use crate::membership::strikes::{LOSSY, Told};
use crate::membership::table::{Index, Member};
use crate::membership::wire::{Cause, Update};

/// How often what is waiting is looked at again, and what is old is thrown away.
const AGAIN: Duration = Duration::from_millis(100);
const TIDY: Duration = Duration::from_secs(1);
/// Comparisons after the first round until this node decides by itself.
const SYNCS: u32 = 5;
/// A cut with those that are lossy is decided when nothing has changed for so long, and one between L and H holds
/// them up for so long at most: it takes observers a few questions to see it.
const LOSSY_DELAY: Duration = Duration::from_secs(5);
const LOSSY_HOLD: Duration = Duration::from_secs(20);

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
        let mut levels = self.cut.levels(&self.table, &self.ring, self.clock);
        // Silence may be a path's or this node's own fault, and more may fall silent: that is what all the waiting and
        // the gates are for. Of an end that its host vouches for there is no doubt.
        let has_ended = |one: &mut Index| self.cut.cause(*one) == Cause::Ended;
        let ended: Vec<Index> = levels.stable.extract_if(.., has_ended).collect();
        self.convict(&ended);
        let suspects: Vec<_> = self.cut.suspects().collect();
        let silent = self.silent();
        let known = (&self.table, &self.ring);
        let passages = self.gate.look(
            &suspects,
            (&silent, self.is_cut_off()),
            known,
            &self.config,
            self.clock,
        );
        passages
            .into_iter()
            .for_each(|passage| self.passage(passage));
        let frozen = |index: &Index| {
            let zone = self.table.get(*index).map(|member| member.zone);
            zone.is_some_and(|zone| self.gate.is_frozen(zone))
        };
        let agreed = levels.stable.clone();
        let mut held: Vec<Index> = agreed.iter().filter(|one| frozen(one)).copied().collect();
        levels.stable.retain(|index| !frozen(index));
        levels.between.retain(|(index, _)| !frozen(index));
        let mut due = self.due(&levels, &suspects);
        if !due.is_empty() {
            held.extend(&due);
            let passage = self.gate.admit(&mut due, &self.table, &self.config);
            passage
                .into_iter()
                .for_each(|passage| self.passage(passage));
            for subject in &due {
                self.gate.convicted(*subject, self.clock);
            }
            held.retain(|one| !due.contains(one));
            self.convict(&due);
        }
        self.withhold(&agreed, &held);
        let waits = !self.cut.is_empty() || self.gate.has_frozen() || self.gate.is_quiesced();
        let waits = waits || !self.withheld.is_empty();
        let settled = self.cut.changed.map(|at| at + self.config.cut_delay);
        let next = self.clock + AGAIN;
        let next = settled.map_or(next, |at| if at > self.clock { at.min(next) } else { next });
        self.judge_at = waits.then_some(next);
    }

    /// Those whom enough accuse, and whom a gate keeps: `held` now, or before and not convicted since.
    fn withhold(&mut self, agreed: &[Index], held: &[Index]) {
        let is_there = |one: &Index| self.table.get(*one).is_some_and(Member::is_alive);
        let kept =
            |one: &&Index| is_there(one) && (held.contains(one) || self.withheld.contains(*one));
        let withheld: BTreeSet<Index> = agreed.iter().filter(kept).copied().collect();
        if withheld == self.withheld {
            return;
        }
        self.withheld = withheld;
        let id = |one: &Index| self.table.get(*one).map(|member| member.node.id);
        let ids = self.withheld.iter().filter_map(id).collect();
        self.event(MembershipEvent::Withheld(ids));
    }

    /// Who is to be convicted at once: where nothing has changed for a while, nobody else is on the way, and this node
    /// is fit to judge. Who is lossy has harmed nobody yet as one that is silent has, so that is waited for longer.
    fn due(&mut self, levels: &Levels, suspects: &[(Index, Timestamp)]) -> Vec<Index> {
        let concerned = |index: Index| {
            let between = levels.between.iter().any(|(between, _)| *between == index);
            between || levels.stable.contains(&index)
        };
        let onsets = suspects.iter().filter(|(index, _)| concerned(*index));
        let onset = onsets.map(|(_, since)| *since).min();
        let connected = onset.is_none_or(|onset| self.is_connected_since(onset));
        // Who does not know everybody yet takes a few for all observers. A few comparisons after the first round it does.
        let since = self.caught_up.map(|at| self.clock.since(at));
        let knows = since.is_some_and(|since| since >= self.config.sync_interval * SYNCS);
        if !connected || !knows || self.gate.is_quiesced() {
            return Vec::new();
        }
        let clock = self.clock;
        let settled = |changed: Option<Timestamp>, delay, hold| {
            let quiet = changed.is_none_or(|at| clock.since(at) >= delay);
            let held = |(_, since): &(Index, Timestamp)| clock.since(*since) < hold;
            quiet && !levels.between.iter().any(held)
        };
        let is_lossy = |one: &&Index| self.cut.cause(**one) == Cause::Lossy;
        // Those who have convicted one elsewhere have waited for all.
        let elsewhere = |one: &&Index| self.cut.is_convicted_elsewhere(**one);
        let waited = |one: &&Index| {
            let mut of = suspects.iter().filter(|(suspect, _)| suspect == *one);
            of.any(|(_, since)| clock.since(*since) >= LOSSY_HOLD)
        };
        let (lossy, silent): (Vec<_>, Vec<_>) = levels.stable.iter().partition(is_lossy);
        let soon = settled(self.cut.changed, self.config.cut_delay, self.config.hold);
        let late = settled(self.cut.lossy_changed, LOSSY_DELAY, LOSSY_HOLD);
        let mut due = Vec::new();
        if soon {
            due.extend(silent);
        }
        if late || lossy.iter().any(waited) || (soon && lossy.iter().any(elsewhere)) {
            due.extend(lossy);
        }
        due
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
            let cause = self.cut.cause(*subject);
            // Who has proved since then that it is there is not meant by those who accused it before.
            let meant = self.cut.accusers(*subject).map(|a| a.incarnation).max();
            let meant = meant.filter(|_| cause != Cause::Lossy);
            let Some(member) = self.table.get(*subject) else {
                continue;
            };
            let mut record = member.record(self.clock);
            record.status = Status::Down;
            let told = self.cut.told(*subject);
            self.table.apply(&record, self.clock);
            let strikes = self.count(*subject, cause, told);
            self.gone.push(record.node.id);
            if observers > 0 {
                self.spread(Update::Down {
                    subject: record.node.id,
                    nonce: record.nonce,
                    incarnation: meant.unwrap_or(record.incarnation),
                    observers: u8::try_from(observers).unwrap_or(u8::MAX),
                    cause,
                    strikes,
                });
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

    /// One has just gone down: how often in a row, as far as it is known, and so how long it is held out.
    pub(super) fn count(&mut self, subject: Index, cause: Cause, told: Option<Told>) -> u32 {
        let clock = self.clock;
        let Some(member) = self.table.get_mut(subject) else {
            return 0;
        };
        let lossy = (cause == Cause::Lossy).then_some(Told::Strikes(LOSSY));
        for told in lossy.into_iter().chain(told) {
            member.strikes.told(told, clock);
        }
        if cause == Cause::Ended {
            member.ended = true;
            member.strikes.ended();
        }
        member.strikes.count()
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
            self.withheld.remove(&index);
            self.gate.forget(index);
            self.cut.forget(index);
        }
        if !self.silent().is_empty() {
            self.judge_soon();
        }
    }
}
