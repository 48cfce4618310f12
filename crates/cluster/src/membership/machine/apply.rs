use std::time::Duration;

use super::membership::Membership;
use crate::membership::broadcasts::Room;
use crate::membership::budget::Class;
use crate::membership::cut::{Elsewhere, thresholds};
use crate::membership::defence::Defence;
use crate::membership::event::MembershipEvent;
use crate::membership::node::{NodeId, Record, Status};
use crate::membership::strikes::Told;
use crate::membership::table::{Change, Index, Member, held_for};
use crate::membership::wire::{Body, Cause, Entry, PACKET_MAX, Update};

/// What the head of a packet takes of it at most.
const HEAD: usize = 32;
/// How often a node repeats at most what it is to those who have not taken it.
const SAY_AGAIN: Duration = Duration::from_secs(5);

impl Membership {
    /// Passes news on.
    pub(super) fn spread(&mut self, update: Update) {
        self.spread_if(update, true);
    }

    /// Passes news on, and fewer times where little follows from them.
    pub(super) fn spread_if(&mut self, update: Update, matters: bool) {
        // So many reach everybody with high probability (SWIM, section 4.1): λ log n, with λ = 3/2 and base 2. Each
        // is missed with e^-sends; who is nevertheless finds out by comparing. Of accusations there are ten a subject,
        // and who misses one hears what the observers made of them. So one round is enough.
        let log = usize::BITS - self.table.alive().leading_zeros();
        let sends = match update {
            Update::Accuse { .. } => 1,
            Update::Withdraw { .. } => log.div_ceil(2),
            Update::Refute { .. } if !matters => log.div_ceil(2),
            _ => (3 * log).div_ceil(2),
        };
        self.broadcasts.push(update, sends);
        let soon = self.clock + self.rng.jitter(self.config.gossip_interval / 5);
        self.gossip_at = Some(self.gossip_at.map_or(soon, |at| at.min(soon)));
    }

    pub(super) fn gossip_if_due(&mut self) {
        if self.gossip_at.is_none_or(|at| at > self.clock) {
            return;
        }
        let targets = self.some_members(self.config.fanout, None);
        // What was decided goes out even where there is no room for what is said of others. What finds no room now is
        // not picked, and has its turn later.
        let share = |membership: &mut Self, class| {
            let left = membership.budget.left(class, membership.clock);
            let share = left.checked_div(targets.len()).unwrap_or(0);
            let around = membership.config.packet_overhead + HEAD;
            share.min(PACKET_MAX).checked_sub(around)
        };
        let mut class = Class::News;
        let mut updates = match share(self, class) {
            Some(room) => {
                let entries = share(self, Class::Entries).unwrap_or(0);
                let room = Room { all: room, entries };
                self.broadcasts.pick(targets.len(), room, true)
            }
            None => Vec::new(),
        };
        if updates.is_empty() {
            class = Class::Decision;
            updates = match share(self, class) {
                Some(room) => self.broadcasts.pick(
                    targets.len(),
                    Room {
                        all: room,
                        entries: 0,
                    },
                    false,
                ),
                None => Vec::new(),
            };
        }
        for target in targets {
            if let Some(addr) = self.addr(target)
                && !updates.is_empty()
            {
                self.send(addr, Body::Gossip(updates.clone()), class);
            }
        }
        let again = self.clock + self.config.gossip_interval;
        self.gossip_at = (!self.broadcasts.is_empty()).then_some(again);
    }

    /// Takes a piece of news that came from a member.
    pub(super) fn apply(&mut self, update: Update, from: NodeId) {
        match update {
            Update::Member(record) => self.record(&record, true),
            Update::Accuse { .. } => self.accused(update, from),
            Update::Withdraw { .. } => self.withdrawn(update),
            Update::Refute { .. } => self.refuted(update),
            Update::Down { .. } => self.convicted_by_others(update),
            Update::Entry(entry) => self.entry_heard(entry, from),
        }
    }

    /// Whether it is some time ago that this node last had to repeat what it is.
    fn may_say_again(&mut self) -> bool {
        let clock = self.clock;
        let Some(member) = self.table.get_mut(self.me) else {
            return false;
        };
        let lately = member
            .told
            .is_some_and(|told| clock.since(told) < SAY_AGAIN);
        if !lately {
            member.told = Some(clock);
        }
        !lately
    }

    pub(super) fn become_incarnation(&mut self, incarnation: u64) {
        self.incarnation = incarnation;
        if let Some(member) = self.table.get_mut(self.me) {
            member.incarnation = incarnation;
        }
    }

    fn convicted_by_others(&mut self, update: Update) {
        let Update::Down {
            subject: id,
            nonce,
            incarnation,
            observers,
            cause,
            strikes,
        } = update
        else {
            return;
        };
        if id == self.id {
            if nonce == self.nonce {
                self.contradict(incarnation.max(self.incarnation));
            }
            return;
        }
        let Some(subject) = self.table.find(id) else {
            return;
        };
        let Some(member) = self.table.get_mut(subject) else {
            return;
        };
        let same = member.nonce == nonce;
        let told = Told::Strikes(strikes);
        if !member.is_alive() {
            if member.hear_again(same, cause, told) {
                self.spread(update);
            }
            return;
        }
        // Who is held out contradicts, with some luck before others have heard of it.
        let holds = cause != Cause::Ended && told.holds();
        let held = holds && member.strikes.are_fewer_than(strikes, self.clock);
        if !(held || (same && incarnation >= member.incarnation)) {
            return;
        }
        let elsewhere = Elsewhere {
            incarnation,
            cause,
            told,
        };
        let all = self.ring.observers(id, subject).len();
        // Some of them may have been suspected as well, and could not speak.
        let (_, low) = thresholds(all);
        if usize::from(observers) >= low
            && self.cut.convicted_elsewhere(subject, elsewhere, self.clock)
        {
            if self.cut.cause(subject) == Cause::Ended {
                self.judge_now();
            } else {
                self.judge_soon();
            }
            self.spread(update);
        }
    }

    /// Others know an incarnation of this node that is not below its own, or have written it off. It goes on as if it
    /// were a new process, so that what was said of the one before is void everywhere, whoever hears of which first.
    fn contradict(&mut self, known: u64) {
        self.nonce = self.rng.next_u64();
        self.defence = Defence::default();
        self.store.become_process(self.me, self.nonce);
        if let Some(member) = self.table.get_mut(self.me) {
            member.nonce = self.nonce;
        }
        self.become_incarnation(known.saturating_add(1));
        self.event(MembershipEvent::Contradicted {
            incarnation: self.incarnation,
        });
        if let Some(own) = self.own_record() {
            self.spread(Update::Member(own));
        }
    }

    /// Takes what is said of a member. What was found by comparing (not `spread`) is only passed on where it is a change
    /// to others too: a newcomer does not tell everybody about everybody.
    pub(super) fn record(&mut self, record: &Record, spread: bool) {
        if record.node.id == self.id {
            let other = record.nonce != self.nonce || record.status != Status::Alive;
            let ahead = record.incarnation > self.incarnation;
            if ahead || (other && record.incarnation == self.incarnation) {
                self.contradict(record.incarnation);
            } else if other
                && self.may_say_again()
                && let Some(own) = self.own_record()
            {
                // It was said already, and not everybody has taken it.
                self.spread(Update::Member(own));
            }
            return;
        }
        if record.status == Status::Alive && self.kept_out.contains(&record.node.id) {
            return;
        }
        if self.is_down_elsewhere(record, spread) {
            return;
        }
        let (index, change) = self.table.apply(record, self.clock);
        let Some(index) = index.filter(|_| change != Change::None) else {
            return;
        };
        let id = record.node.id;
        let rewire = match change {
            Change::Joined | Change::Returned => {
                let (node, returned) = (record.node.clone(), change == Change::Returned);
                self.cut.forget(index);
                self.event(MembershipEvent::Joined { node, returned });
                if let Some(member) = self.table.get(index) {
                    self.ring.insert(id, index, member.zone);
                }
                self.compare_soon();
                true
            }
            Change::Restarted => {
                self.cut.restarted(index);
                self.edges.remove(&index);
                self.event(MembershipEvent::Restarted(id));
                true
            }
            Change::Gone => {
                if record.status == Status::Down && self.cut.cause(index) == Cause::Lossy {
                    self.count(index, Cause::Lossy, None);
                }
                self.lose(index, id);
                match record.status {
                    Status::Left => self.event(MembershipEvent::Left(id)),
                    Status::Down | Status::Alive => self.gone.push(id),
                }
                true
            }
            Change::Updated => {
                self.is_there(index, &[], record.incarnation);
                false
            }
            Change::None => false,
        };
        if rewire || change == Change::Updated {
            self.move_zone(index, id);
            self.rewire = true;
        }
        if spread || !matches!(change, Change::Joined | Change::Updated) {
            self.spread(Update::Member(record.clone()));
        }
    }

    /// That a member is down is for this node to decide as well: others may be a minority that does not know it yet.
    /// Who holds it out now, and not when that was passed on first, means whatever process of it there is.
    fn is_down_elsewhere(&mut self, record: &Record, passed_on: bool) -> bool {
        let told = held_for(record);
        let held = told.holds() && !passed_on;
        let process =
            |m: &Member| m.nonce == record.nonce && m.incarnation <= record.incarnation || held;
        let meant = |m: &Member| m.is_alive() && process(m);
        let found = self.table.find(record.node.id);
        let found = found.filter(|index| self.table.get(*index).is_some_and(meant));
        let Some(index) = found.filter(|_| record.status == Status::Down) else {
            return false;
        };
        let elsewhere = Elsewhere {
            incarnation: record.incarnation,
            cause: self.cut.cause(index),
            told,
        };
        if self.cut.convicted_elsewhere(index, elsewhere, self.clock) {
            self.judge_soon();
            self.spread(Update::Member(record.clone()));
        }
        true
    }

    /// A member may have said that it is in another zone.
    pub(super) fn move_zone(&mut self, index: Index, id: NodeId) {
        let zone = self
            .table
            .get(index)
            .filter(|m| m.is_alive())
            .map(|m| m.zone);
        if let Some(zone) = zone
            && self
                .ring
                .zone_of(id, index)
                .is_some_and(|before| before != zone)
        {
            self.ring.remove(id, index);
            self.ring.insert(id, index, zone);
        }
    }

    /// It is not a member any more.
    pub(super) fn lose(&mut self, index: Index, id: NodeId) {
        self.ring.remove(id, index);
        self.cut.forget(index);
        self.edges.remove(&index);
    }

    fn entry_heard(&mut self, entry: Entry, from: NodeId) {
        if !entry.is_whole() {
            self.corrupt(from, entry.owner);
        } else if self.take_entry(&entry, false) {
            self.spread(Update::Entry(entry));
        }
    }

    /// What a member has passed on, of each owner without gaps in the order of versions. After one that is not what
    /// its owner said comes a gap: what follows is asked for again.
    pub(super) fn take_entries(&mut self, entries: &[Entry], from: NodeId) {
        let mut broken = None;
        for entry in entries {
            if broken == Some(entry.owner) {
                continue;
            }
            if entry.is_whole() {
                self.take_entry(entry, true);
            } else {
                broken = Some(entry.owner);
                self.corrupt(from, entry.owner);
            }
        }
    }

    /// What `from` says or keeps of an owner is not what the owner has said.
    pub(super) fn corrupt(&mut self, from: NodeId, owner: NodeId) {
        self.counters.corrupt += 1;
        self.event(MembershipEvent::Corrupt { from, owner });
    }

    /// Takes an entry if it is of the process that is known; whether it was new.
    fn take_entry(&mut self, entry: &Entry, whole: bool) -> bool {
        let Some(owner) = self
            .table
            .find(entry.owner)
            .filter(|owner| *owner != self.me)
        else {
            return false;
        };
        if self
            .table
            .get(owner)
            .is_none_or(|member| member.nonce != entry.nonce)
        {
            return false;
        }
        let (new, changed) = self.store.take(owner, entry, whole, self.clock);
        if changed {
            self.event(MembershipEvent::Entry {
                owner: entry.owner,
                key: entry.key.clone(),
                value: entry.value.clone(),
            });
        }
        new
    }

    /// What has to be said once a packet, or a moment, is dealt with.
    pub(super) fn settle(&mut self) {
        if std::mem::take(&mut self.rewire) {
            self.rewire();
        }
        if !self.gone.is_empty() {
            self.ask_gone_later();
            let mut gone = std::mem::take(&mut self.gone);
            gone.sort_unstable();
            self.event(MembershipEvent::Down(gone));
        }
        if self.table.alive() <= 1 {
            self.ask_soon();
        }
    }
}
