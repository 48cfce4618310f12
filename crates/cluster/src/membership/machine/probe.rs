use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;

use ninefold_core::time::Timestamp;

use super::membership::Membership;
use crate::membership::budget::Class;
use crate::membership::cut::thresholds;
use crate::membership::edge::{Accused, Edge, Probe};
use crate::membership::event::MembershipEvent;
use crate::membership::node::NodeId;
use crate::membership::rounds::Outcome;
use crate::membership::table::Index;
use crate::membership::wire::{Body, Cause};

/// No subject is asked more often by one observer.
const INTERVAL_MIN: Duration = Duration::from_millis(500);
/// Of the last ten questions, those from which on an edge is held faulty (Rapid, section 4.1).
const LOST: usize = 4;
/// Subjects from which on they tell something about all.
const SAMPLE: usize = 5;
/// Who was just accused is asked again so soon: a mistake is taken back before others have followed it.
const VERIFY: Duration = Duration::from_millis(50);
/// One that has missed so many questions in a row is asked a quarter as often.
const SELDOM: u32 = 8;

impl Membership {
    /// Who is to be observed has changed.
    pub(super) fn rewire(&mut self) {
        let id_of = |index| self.table.get(index).map(|member| member.node.id);
        let subjects = self.ring.subjects(self.id, self.me, id_of);
        self.observers = self.ring.observers(self.id, self.me);
        let observers = self.table.alive().saturating_sub(1);
        self.cut.enough = Some(thresholds(observers.min(self.config.observers)).0);
        self.heard
            .retain(|observer, _| self.observers.contains(observer));
        // What is observed by others now is theirs to judge.
        let others = self
            .edges
            .iter()
            .filter(|(subject, _)| !subjects.contains(subject));
        let others: Vec<_> = others
            .filter_map(|(subject, edge)| Some((*subject, edge.accused?)))
            .collect();
        self.edges.retain(|subject, _| subjects.contains(subject));
        for (subject, accused) in others {
            self.take_back(subject, accused);
        }
        let interval = self.probe_interval();
        for subject in subjects {
            if !self.edges.contains_key(&subject) {
                let first = self.clock + self.rng.jitter(interval);
                self.edges.insert(subject, Edge::new(&self.config, first));
            }
        }
        self.look_at_oneself();
    }

    /// How often a subject is asked here: where it has fewer observers each of them asks more often, so that it is
    /// asked as often by all together.
    pub(super) fn probe_interval(&self) -> Duration {
        let most = self.config.observers.max(1);
        let observers = self.table.alive().saturating_sub(1).clamp(1, most);
        let share = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let interval = self.config.probe_interval / share(most) * share(observers);
        interval.max(INTERVAL_MIN.min(self.config.probe_interval))
    }

    pub(super) fn probe_if_due(&mut self) {
        let due = |edge: &Edge| edge.due() <= self.clock;
        let subjects: Vec<Index> = self
            .edges
            .iter()
            .filter(|(_, edge)| due(edge))
            .map(|(subject, _)| *subject)
            .collect();
        for subject in subjects {
            let Some(edge) = self.edges.get(&subject) else {
                continue;
            };
            let doubted = edge.doubted;
            match &edge.probe {
                None => {
                    self.judge_losses(subject);
                    self.ask(subject);
                    if doubted {
                        self.ask_others(subject);
                    }
                }
                Some(probe) if !probe.indirect => self.ask_others(subject),
                Some(_) => self.missed(subject),
            }
        }
    }

    fn ask(&mut self, subject: Index) {
        let (seq, clock) = (self.next_number(), self.clock);
        let Some(member) = self.table.get(subject) else {
            return;
        };
        let (target, addr) = (member.node.id, member.node.addr);
        let Some(edge) = self.edges.get_mut(&subject) else {
            return;
        };
        let wait = self.health.patience(edge.timeout(&self.config));
        edge.asks(seq, clock);
        edge.probe = Some(Probe {
            seq,
            sent: clock,
            wait,
            deadline: clock + wait,
            indirect: false,
            relays: 0,
            nacks: 0,
        });
        if !self.send_ping(addr, seq, target, false) {
            self.not_asked(subject);
        }
    }

    /// Asks a member whether it is there. False if that could not be sent.
    pub(super) fn send_ping(
        &mut self,
        addr: SocketAddr,
        seq: u64,
        target: NodeId,
        doubted: bool,
    ) -> bool {
        let ping = Body::Ping {
            seq,
            target,
            doubted,
        };
        self.send(addr, ping, Class::Probe)
    }

    /// What was never sent cannot be answered.
    fn not_asked(&mut self, subject: Index) {
        let next = self.clock + self.probe_interval() / 2;
        if let Some(edge) = self.edges.get_mut(&subject) {
            edge.give_up();
            edge.next_at = next;
        }
    }

    /// No answer in time: the subject is told that it is doubted, directly and by others.
    fn ask_others(&mut self, subject: Index) {
        let Some(member) = self.table.get(subject) else {
            return;
        };
        let (target, addr, zone) = (member.node.id, member.node.addr, member.zone);
        let mut others = self.ring.observers(target, subject);
        let own = others.iter().position(|other| *other == self.me);
        // From oneself on: so each asks others, and soon all of them look.
        others.rotate_left(own.unwrap_or(0));
        others.retain(|other| *other != self.me && !self.is_silent(*other));
        // Those of other zones first: their path has the least in common with ours.
        others.sort_by_key(|other| self.table.get(*other).is_some_and(|m| m.zone == zone));
        if others.len() < self.config.relays {
            let more = self.some_members(self.config.relays, Some(subject));
            others.extend(more.into_iter().filter(|o| !self.is_silent(*o)));
            let mut seen = BTreeSet::new();
            others.retain(|other| seen.insert(*other));
        }
        others.truncate(self.config.relays);
        let clock = self.clock;
        let Some(edge) = self.edges.get_mut(&subject) else {
            return;
        };
        let Some(probe) = edge.probe.as_mut() else {
            return;
        };
        // The way over another takes about twice as long, and the patience beyond that is the same.
        let path = probe.wait.saturating_sub(self.config.probe_timeout_max);
        let wait = probe.wait + path;
        probe.indirect = true;
        probe.deadline = clock + wait;
        probe.relays = others.len();
        let seq = probe.seq;
        self.send_ping(addr, seq, target, true);
        let wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        for other in others {
            if let Some(addr) = self.addr(other) {
                self.send(
                    addr,
                    Body::IndirectPing {
                        seq,
                        target,
                        wait_ms,
                    },
                    Class::Probe,
                );
            }
        }
    }

    /// No answer on any path.
    fn missed(&mut self, subject: Index) {
        let interval = self.probe_interval();
        let clock = self.clock;
        let Some(edge) = self.edges.get_mut(&subject) else {
            return;
        };
        let Some(probe) = edge.probe.take() else {
            return;
        };
        let nacked = probe.nacks > 0;
        edge.rounds.came(probe.seq, Outcome::Silent { nacked });
        edge.misses += 1;
        edge.doubted = false;
        edge.next_at = if edge.misses > SELDOM {
            clock + interval * 2
        } else {
            clock + interval / 2
        };
        let first = edge.misses == 1;
        let is_patient = edge.misses <= edge.mistakes(clock);
        // Who hears neither answers nor nacks is the likely cause.
        if probe.relays > 0 && probe.nacks == 0 {
            self.health.worse();
        }
        if let Some(member) = self.table.get(subject)
            && first
        {
            let id = member.node.id;
            self.event(MembershipEvent::Silent(id));
        }
        self.look_at_oneself();
        if is_patient {
            return;
        }
        self.accuse(subject, Cause::Silent);
        if let Some(edge) = self.edges.get_mut(&subject)
            && edge.accused.is_some_and(|accused| accused.at == clock)
        {
            edge.doubted = true;
            edge.next_at = clock + VERIFY;
        }
    }

    /// Accuses a subject of which too much is lost, and takes that back when it is not any more. One that loses
    /// something of most others says nothing: the loss is its own.
    fn judge_losses(&mut self, subject: Index) {
        let others = self.edges.iter().filter(|(other, _)| **other != subject);
        let (mut all, mut lossy) = (0, 0);
        for (_, edge) in others {
            all += 1;
            lossy += usize::from(edge.rounds.lost() >= LOST / 2);
        }
        let own = lossy * 2 > all;
        let Some(edge) = self.edges.get_mut(&subject) else {
            return;
        };
        let lost = edge.rounds.lost();
        let is_lossy = |accused: &mut Accused| accused.cause == Cause::Lossy;
        if own || lost < LOST / 2 {
            edge.is_lossy = false;
            if let Some(accused) = edge.accused.take_if(is_lossy) {
                self.take_back(subject, accused);
            }
            return;
        }
        if lost < LOST
            && edge
                .accused
                .as_mut()
                .is_none_or(|accused| !is_lossy(accused))
        {
            return;
        }
        // It may be accused of silence in between, which is no news of its losses.
        let known = std::mem::replace(&mut edge.is_lossy, true);
        if let Some(member) = self.table.get(subject)
            && !known
        {
            let id = member.node.id;
            self.event(MembershipEvent::Lossy(id));
        }
        self.accuse(subject, Cause::Lossy);
    }

    /// The host of a member that this node observes says that this process of it has ended. That is as good as
    /// a silence on all paths, and needs no waiting for more; but one observer alone convicts nobody by it.
    pub fn process_ended(&mut self, id: NodeId, nonce: u64, now: Timestamp) {
        self.advance(now);
        let Some(subject) = self.process_of(id, nonce) else {
            return;
        };
        let next = self.clock + self.config.probe_interval / 2;
        let Some(edge) = self.edges.get_mut(&subject) else {
            return;
        };
        edge.give_up();
        edge.misses += 1;
        edge.next_at = next;
        self.counters.ends += 1;
        if edge.misses == 1 {
            self.event(MembershipEvent::Silent(id));
        }
        self.look_at_oneself();
        self.accuse(subject, Cause::Ended);
        self.judge_now();
        self.judge_if_due();
        self.settle();
    }

    /// It answers, on whatever path.
    pub(super) fn answer(&mut self, subject: Index) {
        let Some(edge) = self.edges.get_mut(&subject) else {
            return;
        };
        edge.answered = Some(self.clock);
        let missed = std::mem::take(&mut edge.misses);
        edge.doubted = false;
        if let Some(accused) = edge
            .accused
            .take_if(|accused| accused.cause != Cause::Lossy)
        {
            edge.mistaken(self.clock);
            self.take_back(subject, accused);
        }
        if missed > 0 {
            self.look_at_others();
        }
        self.look_at_oneself();
    }

    /// One that was silent is back: so may be others that are seldom asked.
    fn look_at_others(&mut self) {
        let soon = self.probe_interval() / 4;
        for edge in self.edges.values_mut() {
            if edge.misses > SELDOM && edge.probe.is_none() {
                let at = self.clock + self.rng.jitter(soon);
                edge.next_at = edge.next_at.min(at);
            }
        }
    }

    /// Others doubt a subject of this node: it looks for itself, and does not wait for its turn.
    pub(super) fn look_soon(&mut self, subject: Index) {
        let clock = self.clock;
        if let Some(edge) = self.edges.get_mut(&subject)
            && edge.probe.is_none()
            && edge.misses == 0
            && !edge.has_answered_lately(clock)
        {
            edge.next_at = clock;
        }
    }

    /// Others accuse it: this node asks it on all paths at once.
    pub(super) fn look_hard(&mut self, subject: Index) {
        let clock = self.clock;
        let Some(edge) = self.edges.get_mut(&subject) else {
            return;
        };
        if edge.misses > 0 || edge.has_answered_lately(clock) {
            return;
        }
        edge.doubted = true;
        match edge.probe.as_mut() {
            None => edge.next_at = clock,
            Some(probe) if !probe.indirect => probe.deadline = clock,
            Some(_) => {}
        }
    }

    /// Whether more than half of this node's subjects, itself included, have answered since then; three fifths where
    /// they are a sample. Those that were not asked since then are asked now.
    pub(super) fn is_connected_since(&mut self, since: Timestamp) -> bool {
        let mut answered = 1;
        for edge in self.edges.values_mut() {
            let fresh = edge.answered.is_some_and(|at| at >= since);
            answered += usize::from(fresh);
            if !fresh && edge.probe.is_none() && edge.misses == 0 {
                edge.next_at = self.clock;
            }
        }
        let mut all = self.edges.len() + 1;
        if self.edges.len() < SAMPLE {
            // Few say little: those count as well who ask this node.
            for observer in &self.observers {
                if !self.edges.contains_key(observer) {
                    let heard = self.heard.get(observer);
                    all += 1;
                    answered += usize::from(heard.is_some_and(|at| *at >= since));
                }
            }
        }
        if self.samples() {
            answered * 5 > all * 3
        } else {
            answered * 2 > all
        }
    }

    pub(super) fn is_silent(&self, subject: Index) -> bool {
        self.edges.get(&subject).is_some_and(|edge| edge.misses > 0)
    }

    pub(super) fn silent(&self) -> BTreeSet<Index> {
        let silent = self.edges.iter().filter(|(_, edge)| edge.misses > 0);
        silent.map(|(subject, _)| *subject).collect()
    }

    /// Whether the subjects of this node are a sample of all, large enough to tell something.
    fn samples(&self) -> bool {
        let all = self.edges.len();
        all >= SAMPLE && all + 1 < self.table.alive()
    }

    /// Whether so many subjects are silent that what is cut off is this node, or its side: more than half where it
    /// observes everybody. Otherwise they are a sample, in which a minority may see a few less: then it is from 40 % on.
    pub(super) fn is_cut_off(&self) -> bool {
        let (silent, all) = (self.silent().len(), self.edges.len());
        let many = if self.samples() {
            silent * 5 >= all * 2
        } else {
            silent * 2 > all
        };
        all > 1 && many
    }

    /// One to whom most are silent is the likely cause, and takes back what it said.
    fn look_at_oneself(&mut self) {
        let isolated = self.is_cut_off();
        if isolated == self.isolated {
            return;
        }
        self.isolated = isolated;
        if isolated {
            self.event(MembershipEvent::Isolated);
            let of = |(subject, edge): (&Index, &mut Edge)| Some((*subject, edge.accused.take()?));
            let accused: Vec<_> = self.edges.iter_mut().filter_map(of).collect();
            for (subject, accused) in accused {
                self.take_back(subject, accused);
            }
            self.ask_soon();
        } else {
            self.event(MembershipEvent::Connected);
        }
    }
}
