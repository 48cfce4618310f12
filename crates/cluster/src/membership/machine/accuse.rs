//! Accusations, and how far they are told.
//!
//! An accusation changes nothing but for the subject's observers until at least L of them accuse it: so it goes to
//! them and to the subject alone. Only then everybody is told, since from then on it may hold up the conviction of
//! others. Where so much is wrong that everybody must have seen it nothing is decided, and nothing passed on.

use std::time::Duration;

use super::membership::Membership;
use crate::membership::budget::Class;
use crate::membership::cut::{Accusation, thresholds};
use crate::membership::edge::Accused;
use crate::membership::health::LocalHealth;
use crate::membership::node::NodeId;
use crate::membership::table::{Index, Member};
use crate::membership::wire::{Body, Cause, Update};

/// An accusation that still holds is said again after that; to everybody later.
const REPEAT: Duration = Duration::from_secs(5);
const REPEAT_OPENLY: Duration = Duration::from_secs(15);

impl Membership {
    /// Says what is wrong with a subject, if this node may.
    pub(super) fn accuse(&mut self, subject: Index, cause: Cause) {
        // What a host vouches for does not depend on who heard it.
        if cause != Cause::Ended && (self.isolated || self.health.score() >= LocalHealth::WORST) {
            return;
        }
        let number = self.next_number();
        let fresh = u32::try_from(self.rng.next_u64() >> 32).unwrap_or(0);
        let Some(member) = self.table.get(subject).filter(|member| member.is_alive()) else {
            return;
        };
        let (addr, incarnation) = (member.node.addr, member.incarnation);
        let Some(edge) = self.edges.get_mut(&subject) else {
            return;
        };
        let (challenge, cause, open) = match edge.accused {
            Some(accused) => {
                let lately = self.clock.since(accused.at) < REPEAT;
                if lately && cause != Cause::Ended && cause <= accused.cause {
                    return;
                }
                let open = accused.open.filter(|_| cause <= accused.cause);
                (accused.challenge, cause.max(accused.cause), open)
            }
            None => (fresh, cause, None),
        };
        edge.accused = Some(Accused {
            cause,
            challenge,
            at: self.clock,
            open,
        });
        self.counters.accusations += 1;
        let accusation = Accusation {
            observer: self.me,
            incarnation,
            number,
            health: self.health.score(),
            challenge,
            cause,
            at: self.clock,
            over: false,
        };
        self.cut.accuse(subject, accusation);
        self.judge_soon();
        if let Some(update) = self.as_update(subject, &accusation) {
            if cause != Cause::Lossy {
                self.send(addr, Body::Gossip(vec![update.clone()]), Class::Decision);
            }
            self.tell_observers(subject, &update);
        }
        self.say_openly(subject);
    }

    fn as_update(&self, subject: Index, accusation: &Accusation) -> Option<Update> {
        let member = self.table.get(subject)?;
        let observer = self.table.get(accusation.observer)?;
        Some(Update::Accuse {
            subject: member.node.id,
            nonce: member.nonce,
            incarnation: accusation.incarnation,
            observer: observer.node.id,
            number: accusation.number,
            health: accusation.health,
            challenge: accusation.challenge,
            cause: accusation.cause,
        })
    }

    /// Those who observe a subject as well hear of it at once.
    fn tell_observers(&mut self, subject: Index, update: &Update) {
        let Some(id) = self.table.get(subject).map(|member| member.node.id) else {
            return;
        };
        let mut told = self.ring.observers(id, subject);
        told.retain(|other| *other != self.me);
        let told = told.into_iter().filter_map(|other| self.addr(other));
        for addr in told.collect::<Vec<_>>() {
            self.send(addr, Body::Gossip(vec![update.clone()]), Class::Decision);
        }
    }

    /// Everybody is to hear what this node says of a subject, where enough say so.
    fn say_openly(&mut self, subject: Index) {
        let clock = self.clock;
        let own = |a: &&Accusation| a.observer == self.me;
        let Some(own) = self.cut.accusers(subject).find(own).copied() else {
            return;
        };
        let ended = own.cause == Cause::Ended;
        let open = ended || (self.concerns_all(subject) && self.may_matter(subject));
        if !open {
            return;
        }
        let Some(accused) = self
            .edges
            .get_mut(&subject)
            .and_then(|e| e.accused.as_mut())
        else {
            return;
        };
        let lately = |at| clock.since(at) < REPEAT_OPENLY;
        if ended || !accused.open.is_some_and(lately) {
            accused.open = Some(clock);
            if let Some(update) = self.as_update(subject, &own) {
                self.spread(update);
            }
        }
    }

    /// Whether so many accuse a subject that it may hold up the conviction of others.
    fn concerns_all(&self, subject: Index) -> bool {
        let Some(member) = self.table.get(subject) else {
            return false;
        };
        let observers = self.ring.observers(member.node.id, subject).len();
        self.cut.accusers(subject).count() >= thresholds(observers).1
    }

    /// Whether it may still come to a decision where a subject is, here or elsewhere.
    fn may_matter(&self, subject: Index) -> bool {
        let zone = self.table.get(subject).map(|member| member.zone);
        !self.gate.is_quiesced() && !zone.is_some_and(|zone| self.gate.is_clearly_frozen(zone))
    }

    /// One member accuses another, perhaps this one.
    pub(super) fn accused(&mut self, update: Update, from: NodeId) {
        let Update::Accuse {
            subject,
            nonce,
            incarnation,
            observer: by,
            number,
            health,
            challenge,
            cause,
        } = update
        else {
            return;
        };
        if subject == self.id {
            if nonce == self.nonce && cause != Cause::Lossy {
                self.defence.accused(challenge, (by, from), self.clock);
            }
            return;
        }
        let known = (self.table.find(subject), self.table.find(by));
        let (Some(subject), Some(observer)) = known else {
            return;
        };
        let accusation = Accusation {
            observer,
            incarnation,
            number,
            health,
            challenge,
            cause,
            at: self.clock,
            over: false,
        };
        let process = |m: &Member| m.is_alive() && m.nonce == nonce && m.incarnation <= incarnation;
        let meant = self.table.get(subject).is_some_and(process);
        let may = observer != self.me && self.table.is_alive(observer);
        if !(meant && may && self.cut.accuse(subject, accusation)) {
            return;
        }
        if cause != Cause::Lossy {
            self.look_hard(subject);
        }
        let ended = cause == Cause::Ended;
        if ended {
            self.judge_now();
        } else {
            self.judge_soon();
        }
        self.say_openly(subject);
        let told = !self.edges.contains_key(&subject) || self.concerns_all(subject);
        if ended || (told && self.may_matter(subject)) {
            self.spread(update);
        }
    }

    /// This node takes back what it said.
    pub(super) fn take_back(&mut self, subject: Index, accused: Accused) {
        let number = self.next_number();
        self.cut.withdraw(subject, self.me, number, self.clock);
        self.judge_soon();
        let Some(member) = self.table.get(subject) else {
            return;
        };
        let update = Update::Withdraw {
            subject: member.node.id,
            observer: self.id,
            number,
        };
        self.tell_observers(subject, &update);
        if accused.open.is_some() {
            self.spread(update);
        }
    }

    /// Another observer takes back what it said.
    pub(super) fn withdrawn(&mut self, update: Update) {
        let Update::Withdraw {
            subject,
            observer,
            number,
        } = update
        else {
            return;
        };
        let known = (self.table.find(subject), self.table.find(observer));
        let (Some(subject), Some(observer)) = known else {
            return;
        };
        let told = !self.edges.contains_key(&subject) || self.concerns_all(subject);
        let now = self.clock;
        if observer != self.me && self.cut.withdraw(subject, observer, number, now) {
            self.judge_soon();
            if told {
                self.spread(update);
            }
        }
    }
}
