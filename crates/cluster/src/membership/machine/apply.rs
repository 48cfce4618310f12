use ninefold_core::time::Timestamp;
use std::time::Duration;

use super::membership::Membership;
use crate::membership::budget::Class;
use crate::membership::cut::{Accusation, thresholds};
use crate::membership::event::MembershipEvent;
use crate::membership::node::{NodeId, Record, Status};
use crate::membership::table::{Change, Index, Member};
use crate::membership::wire::{Body, CHALLENGES_MAX, Entry, PACKET_MAX, Update};

/// Contradictions after which a subject is flaky: from then on only its observers can clear it.
const FLAKY: u32 = 3;
/// How often a node repeats at most what it is to those who have not taken it.
const SAY_AGAIN: Duration = Duration::from_secs(5);
/// One of them is forgotten after that.
const FORGIVEN_AFTER: Duration = Duration::from_secs(30);

impl Membership {
    /// Passes news on.
    pub(super) fn spread(&mut self, update: Update) {
        // So many reach everybody with high probability (SWIM, section 4.1): λ log n, with λ = 3/2 and base 2. Each
        // is missed with e^-sends; who is nevertheless finds out by comparing. Of accusations there are ten a subject:
        // its observers tell each other, and who misses one hears what they made of them. So once is enough.
        let log = usize::BITS - self.table.alive().leading_zeros();
        let sends = match update {
            Update::Accuse { .. } => 1,
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
        // What was decided goes out even where there is no room for what is said of others.
        let room = PACKET_MAX.saturating_add(self.config.packet_overhead) * targets.len();
        let (class, all) = if self.budget.has_room(room, Class::News, self.clock) {
            (Class::News, true)
        } else {
            (Class::Probe, false)
        };
        let updates = match u32::try_from(targets.len()) {
            Ok(count) if count > 0 => self.broadcasts.pick(count, all),
            _ => Vec::new(),
        };
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

    pub(super) fn apply(&mut self, update: Update) {
        match update {
            Update::Member(record) => self.record(&record, true),
            Update::Accuse {
                subject,
                nonce,
                challenge,
                ..
            } if subject == self.id => {
                if nonce == self.nonce {
                    self.refute(challenge);
                }
            }
            Update::Accuse { .. } => self.accused(update),
            Update::Withdraw {
                subject,
                observer,
                number,
            } => {
                let known = (self.table.find(subject), self.table.find(observer));
                let (Some(subject), Some(observer)) = known else {
                    return;
                };
                let now = self.clock;
                if observer != self.me && self.cut.withdraw(subject, observer, number, now) {
                    self.judge_soon();
                    self.spread(update);
                }
            }
            Update::Refute {
                subject,
                nonce,
                incarnation,
                ref challenges,
            } => {
                if self.refuted(subject, nonce, incarnation, challenges) {
                    self.spread(update);
                }
            }
            Update::Down { .. } => self.convicted_by_others(update),
            Update::Entry(entry) => self.entry_heard(entry),
        }
    }

    /// One member accuses another.
    fn accused(&mut self, update: Update) {
        let Update::Accuse {
            subject,
            nonce,
            incarnation,
            observer,
            number,
            health,
            challenge,
            ended,
        } = update
        else {
            return;
        };
        let known = (self.table.find(subject), self.table.find(observer));
        let (Some(subject), Some(observer)) = known else {
            return;
        };
        let accusation = Accusation {
            observer,
            incarnation,
            number,
            health,
            challenge,
            ended,
            at: self.clock,
            over: false,
        };
        let process = |m: &Member| m.is_alive() && m.nonce == nonce && m.incarnation <= incarnation;
        let meant = self.table.get(subject).is_some_and(process);
        let may = observer != self.me && self.table.is_alive(observer);
        if meant && may && self.cut.accuse(subject, accusation) {
            self.look_hard(subject);
            if ended {
                self.judge_now();
            } else {
                self.judge_soon();
            }
            self.spread(update);
        }
    }

    /// This node is accused: it says that it is there, quoting all that was held against it lately.
    fn refute(&mut self, challenge: u32) {
        if self.answered.contains(&challenge) {
            return;
        }
        if self.answered.len() >= CHALLENGES_MAX {
            self.answered.pop_front();
        }
        self.answered.push_back(challenge);
        self.health.worse();
        self.counters.refutations += 1;
        self.become_incarnation(self.incarnation.saturating_add(1));
        self.spread(Update::Refute {
            subject: self.id,
            nonce: self.nonce,
            incarnation: self.incarnation,
            challenges: self.answered.iter().copied().collect(),
        });
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

    fn refuted(&mut self, id: NodeId, nonce: u64, incarnation: u64, challenges: &[u32]) -> bool {
        let Some(subject) = self.table.find(id).filter(|subject| *subject != self.me) else {
            return false;
        };
        let news = |m: &Member| m.is_alive() && m.nonce == nonce && m.incarnation < incarnation;
        if !self.table.get(subject).is_some_and(news) {
            return false;
        }
        if let Some(member) = self.table.get_mut(subject) {
            member.incarnation = incarnation;
        }
        self.is_there(subject, challenges, incarnation);
        true
    }

    /// A subject has proved that it is there: those accusations are over that it quotes, or that mean it as it was
    /// before this incarnation.
    fn is_there(&mut self, subject: Index, challenges: &[u32], incarnation: u64) {
        let clock = self.clock;
        if self.cut.would_refute(subject, challenges, incarnation) && !self.is_flaky(subject, clock)
        {
            self.cut.refute(subject, (challenges, incarnation), clock);
            self.judge_soon();
            if let Some(edge) = self.edges.get_mut(&subject) {
                edge.accused
                    .take_if(|accused| challenges.contains(&accused.challenge));
            }
        }
    }

    /// Whether a subject has contradicted so often that its word is not enough. Contradictions within one interval
    /// are one.
    fn is_flaky(&mut self, subject: Index, now: Timestamp) -> bool {
        let (score, last) = self.flaky.entry(subject).or_insert((0, Timestamp::ZERO));
        let since = now.since(*last);
        let forgiven = since.as_nanos() / FORGIVEN_AFTER.as_nanos();
        let left = score.saturating_sub(u32::try_from(forgiven).unwrap_or(u32::MAX));
        if *score == 0 || since >= self.config.probe_interval {
            (*score, *last) = ((left + 1).min(2 * FLAKY), now);
        }
        *score > FLAKY
    }

    /// Whether a subject has contradicted more than once lately.
    pub(super) fn has_contradicted(&self, subject: Index) -> bool {
        let lately = |(score, last): &(u32, Timestamp)| {
            *score > 1 && self.clock.since(*last) < FORGIVEN_AFTER
        };
        self.flaky.get(&subject).is_some_and(lately)
    }

    fn convicted_by_others(&mut self, update: Update) {
        let Update::Down {
            subject: id,
            nonce,
            incarnation,
            observers,
            ended,
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
        let Some(member) = self.table.get(subject) else {
            return;
        };
        if !member.is_alive() || member.nonce != nonce || incarnation < member.incarnation {
            return;
        }
        let all = self.ring.observers(id, subject).len();
        // Some of them may have been suspected as well, and could not speak.
        let (_, low) = thresholds(all);
        if usize::from(observers) >= low
            && self
                .cut
                .convicted_elsewhere(subject, (incarnation, ended), self.clock)
        {
            if self.cut.has_ended(subject) {
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
        self.answered.clear();
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

    /// Takes what is said of a member. What was found by comparing is only passed on where it is a change to others
    /// too: a newcomer does not tell everybody about everybody.
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
                true
            }
            Change::Restarted => {
                self.cut.forget(index);
                self.edges.remove(&index);
                self.event(MembershipEvent::Restarted(id));
                true
            }
            Change::Gone => {
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
        self.flaky.remove(&index);
        self.edges.remove(&index);
    }

    fn entry_heard(&mut self, entry: Entry) {
        if self.take_entry(&entry, false) {
            self.spread(Update::Entry(entry));
        }
    }

    /// Takes an entry if it is of the process that is known; whether it was new.
    pub(super) fn take_entry(&mut self, entry: &Entry, whole: bool) -> bool {
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
