//! The cut detector: from single accusations to a decision about all of them at once, after Rapid (Suresh et al.,
//! USENIX ATC'18, section 4.2).

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use ninefold_core::time::Timestamp;

use super::health::LocalHealth;
use super::ring::{OBSERVERS_MAX, Ring};
use super::strikes::Told;
use super::table::{Index, Table};
use super::wire::Cause;

/// Subjects of which accusations are kept at most.
pub(super) const SUBJECTS_MAX: usize = 4_096;

#[derive(Clone, Copy, Debug)]
pub(super) struct Accusation {
    pub(super) observer: Index,
    /// That of the subject which is meant.
    pub(super) incarnation: u64,
    /// The observer's last statement on the subject counts.
    pub(super) number: u64,
    pub(super) health: u8,
    pub(super) challenge: u32,
    pub(super) at: Timestamp,
    pub(super) cause: Cause,
    /// It was taken back, or refuted.
    pub(super) over: bool,
}

impl Accusation {
    /// Whether that contradicts it.
    fn is_refuted_by(&self, challenges: &[u32], incarnation: u64) -> bool {
        // Who is lossy is there, but cannot be relied on.
        let can = self.cause != Cause::Lossy;
        can && (self.incarnation < incarnation || challenges.contains(&self.challenge))
    }
}

#[derive(Clone, Debug, Default)]
struct Subject {
    accusations: Vec<Accusation>,
    /// Since when at least L accuse it.
    since: Option<Timestamp>,
    elsewhere: Option<Elsewhere>,
}

/// The last conviction of a subject by others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Elsewhere {
    /// Which one of the subject they mean.
    pub(super) incarnation: u64,
    pub(super) cause: Cause,
    pub(super) told: Told,
}

impl Elsewhere {
    /// What says more than another one about the same subject.
    fn rank(&self) -> (u64, Cause, Duration) {
        (self.incarnation, self.cause, self.told.hold())
    }
}

impl Subject {
    /// Accusations that hold.
    fn open(&self) -> usize {
        self.accusations.iter().filter(|a| !a.over).count()
    }

    /// Those of them that find it lossy.
    fn lossy(&self) -> usize {
        let lossy = |a: &&Accusation| !a.over && a.cause == Cause::Lossy;
        self.accusations.iter().filter(lossy).count()
    }
}

/// How far accusations have come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Levels {
    /// At least H: to be convicted.
    pub(super) stable: Vec<Index>,
    /// At least L, and not yet H; and since when.
    pub(super) between: Vec<(Index, Timestamp)>,
}

/// Accusations by subject.
#[derive(Clone, Debug, Default)]
pub(super) struct Cut {
    subjects: BTreeMap<Index, Subject>,
    /// When one more has accused somebody, or others have convicted somebody.
    pub(super) changed: Option<Timestamp>,
    /// When one more has found somebody lossy.
    pub(super) lossy_changed: Option<Timestamp>,
    /// H, for a subject that has as many observers as there are.
    pub(super) enough: Option<usize>,
}

/// Of how many observers (H) a subject with `observers` of them is convicted, and at how many (L) it holds up
/// everything: 9 and 4 of 10, 3 and 2 of 4.
pub(super) fn thresholds(observers: usize) -> (usize, usize) {
    let spare = if observers >= 3 {
        (observers / 10).max(1)
    } else {
        0
    };
    let low = (observers * 2).div_ceil(5).max(1);
    ((observers - spare).max(low), low)
}

impl Cut {
    /// Takes an accusation; whether it says something new.
    pub(super) fn accuse(&mut self, subject: Index, accusation: Accusation) -> bool {
        if self.subjects.len() >= SUBJECTS_MAX && !self.subjects.contains_key(&subject) {
            return false;
        }
        let enough = self.enough.unwrap_or(usize::MAX);
        let of = self.subjects.entry(subject).or_default();
        let (before, lossy) = (of.open(), of.lossy());
        let same = |a: &Accusation| a.observer == accusation.observer;
        let at = of.accusations.iter().position(same);
        let full = of.accusations.len() >= OBSERVERS_MAX * 2;
        match at.and_then(|at| of.accusations.get_mut(at)) {
            Some(known) if known.number >= accusation.number => return false,
            Some(known) => *known = accusation,
            None if full => return false,
            None => of.accusations.push(accusation),
        }
        // What is said again, on top of enough, or taken back delays nothing.
        let after = of.open();
        if of.elsewhere.is_none() && before < enough {
            let lossy_now = of.lossy();
            if after > before {
                self.changed = Some(accusation.at);
            }
            if lossy_now > lossy {
                self.lossy_changed = Some(accusation.at);
            }
        }
        true
    }

    /// The observer takes back what it said; whether that held until now.
    pub(super) fn withdraw(
        &mut self,
        subject: Index,
        observer: Index,
        number: u64,
        now: Timestamp,
    ) -> bool {
        let before = self.accusers(subject).count();
        let heard = self.accuse(
            subject,
            Accusation {
                observer,
                incarnation: 0,
                number,
                health: 0,
                challenge: 0,
                cause: Cause::Silent,
                at: now,
                over: true,
            },
        );
        heard && self.accusers(subject).count() < before
    }

    /// The subject contradicts those that it quotes, and all that mean it as it was before this incarnation; whether
    /// there were any.
    pub(super) fn refute(
        &mut self,
        subject: Index,
        (challenges, incarnation): (&[u32], u64),
    ) -> bool {
        let Some(of) = self.subjects.get_mut(&subject) else {
            return false;
        };
        let over = |one: &mut Elsewhere| one.incarnation < incarnation && !one.told.holds();
        let mut refuted = of.elsewhere.take_if(over).is_some();
        for accusation in of.accusations.iter_mut().filter(|a| !a.over) {
            accusation.over = accusation.is_refuted_by(challenges, incarnation);
            refuted |= accusation.over;
        }
        refuted
    }

    /// Others have convicted it; whether that is news.
    pub(super) fn convicted_elsewhere(
        &mut self,
        subject: Index,
        elsewhere: Elsewhere,
        now: Timestamp,
    ) -> bool {
        if self.subjects.len() >= SUBJECTS_MAX && !self.subjects.contains_key(&subject) {
            return false;
        }
        let of = self.subjects.entry(subject).or_default();
        let news = of
            .elsewhere
            .is_none_or(|known| known.rank() < elsewhere.rank());
        if news {
            of.elsewhere = Some(elsewhere);
            self.changed = Some(now);
        }
        news
    }

    /// It is gone: what was said of it, and by it, is void.
    pub(super) fn forget(&mut self, index: Index) {
        self.subjects.remove(&index);
        for of in self.subjects.values_mut() {
            of.accusations.retain(|a| a.observer != index);
        }
    }

    /// It is another process, or says so: what was said of it, and by it, is void. But who is held out hears that it is
    /// convicted, and contradicts that before everybody has heard of it.
    pub(super) fn restarted(&mut self, index: Index) {
        let elsewhere = self.subjects.get(&index).and_then(|of| of.elsewhere);
        self.forget(index);
        if let Some(elsewhere) = elsewhere.filter(|one| one.told.holds()) {
            self.subjects.entry(index).or_default().elsewhere = Some(elsewhere);
        }
    }

    /// What was not repeated for too long counts no more.
    pub(super) fn expire(&mut self, before: Timestamp) {
        for of in self.subjects.values_mut() {
            of.accusations.retain(|a| a.at >= before);
        }
        self.subjects
            .retain(|_, of| of.elsewhere.is_some() || !of.accusations.is_empty());
    }

    pub(super) fn is_empty(&self) -> bool {
        self.subjects.is_empty()
    }

    pub(super) fn is_convicted_elsewhere(&self, subject: Index) -> bool {
        let of = self.subjects.get(&subject);
        of.is_some_and(|of| of.elsewhere.is_some())
    }

    /// How it is with one that others have convicted.
    pub(super) fn told(&self, subject: Index) -> Option<Told> {
        let of = self.subjects.get(&subject)?;
        of.elsewhere.map(|elsewhere| elsewhere.told)
    }

    /// Why it is convicted: as those say who have convicted it, or else as most who accuse it do. That it has ended
    /// all of them have to know: there is nothing to wait for then.
    pub(super) fn cause(&self, subject: Index) -> Cause {
        let elsewhere = self.subjects.get(&subject).and_then(|of| of.elsewhere);
        if let Some(elsewhere) = elsewhere {
            return elsewhere.cause;
        }
        let all = self.accusers(subject).count();
        let of = |cause| self.accusers(subject).filter(|a| a.cause == cause).count();
        if all > 0 && of(Cause::Ended) == all {
            Cause::Ended
        } else if of(Cause::Lossy) * 2 > all {
            Cause::Lossy
        } else {
            Cause::Silent
        }
    }

    /// Who accuses it now.
    pub(super) fn accusers(&self, subject: Index) -> impl Iterator<Item = &Accusation> {
        let of = self.subjects.get(&subject);
        of.into_iter()
            .flat_map(|of| &of.accusations)
            .filter(|a| !a.over)
    }

    /// How far each subject is.
    pub(super) fn levels(&mut self, table: &Table, ring: &Ring, now: Timestamp) -> Levels {
        let mut facts = Vec::new();
        for (subject, of) in &mut self.subjects {
            let Some(member) = table.get(*subject).filter(|member| member.is_alive()) else {
                continue;
            };
            let counts = |a: &&Accusation| !a.over && table.is_alive(a.observer);
            let accusers: Vec<Accusation> = of.accusations.iter().filter(counts).copied().collect();
            let elsewhere = of.elsewhere.is_some();
            // What nobody says needs no look at who might.
            if accusers.is_empty() && !elsewhere {
                of.since = None;
                continue;
            }
            let observers = ring.observers(member.node.id, *subject);
            let (_, low) = thresholds(observers.len());
            if elsewhere || accusers.len() >= low {
                of.since.get_or_insert(now);
                facts.push((*subject, observers, accusers, elsewhere));
            } else {
                of.since = None;
            }
        }
        let suspects: BTreeSet<Index> = facts.iter().map(|(subject, ..)| *subject).collect();
        let mut levels = Levels::default();
        for (subject, observers, accusers, elsewhere) in facts {
            let since = self.subjects.get(&subject).and_then(|of| of.since);
            if elsewhere || convicts(&observers, &accusers, &suspects, table) {
                levels.stable.push(subject);
            } else if let Some(since) = since {
                levels.between.push((subject, since));
            }
        }
        levels
    }

    /// Since when a subject has had at least L, for the latest look at it.
    pub(super) fn suspects(&self) -> impl Iterator<Item = (Index, Timestamp)> {
        self.subjects
            .iter()
            .filter_map(|(subject, of)| Some((*subject, of.since?)))
    }
}

/// At least H of the observers, in at least two zones where there are two. An observer that is suspected itself
/// cannot speak, so it counts as agreeing with those who can, whatever it says (Rapid's implicit alerts); and who is
/// not well counts less.
fn convicts(
    observers: &[Index],
    accusers: &[Accusation],
    suspects: &BTreeSet<Index>,
    table: &Table,
) -> bool {
    let (high, _) = thresholds(observers.len());
    let doubtful = |o: &Index| suspects.contains(o) && observers.contains(o);
    let silent = observers.iter().filter(|o| doubtful(o)).count();
    // What a host vouches for is worth as much from whoever heard it.
    let weight =
        |a: &Accusation| LocalHealth::weight(if a.cause == Cause::Ended { 0 } else { a.health });
    let able = accusers.iter().filter(|a| !doubtful(&a.observer));
    let said: usize = able.map(weight).sum();
    let zone = |index: &Index| table.get(*index).map(|member| member.zone);
    let could: BTreeSet<_> = observers
        .iter()
        .filter(|o| !suspects.contains(o))
        .filter_map(zone)
        .collect();
    let did: BTreeSet<_> = accusers.iter().filter_map(|a| zone(&a.observer)).collect();
    said + 8 * silent >= 8 * high && did.len() >= could.len().min(2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds_leave_a_gap_where_there_is_room() {
        let all: Vec<_> = (1..=10).map(thresholds).collect();
        let expected = [
            (1, 1),
            (2, 1),
            (2, 2),
            (3, 2),
            (4, 2),
            (5, 3),
            (6, 3),
            (7, 4),
            (8, 4),
            (9, 4),
        ];
        assert_eq!(all, expected);
        assert_eq!(thresholds(0), (1, 1));
    }

    fn accusation(observer: u32, cause: Cause) -> Accusation {
        Accusation {
            observer: Index(observer),
            incarnation: 1,
            number: 1,
            health: 0,
            challenge: observer,
            at: Timestamp::from_secs(1),
            cause,
            over: false,
        }
    }

    #[test]
    fn who_is_lossy_contradicts_in_vain() {
        let (mut cut, subject) = (Cut::default(), Index(0));
        cut.accuse(subject, accusation(1, Cause::Silent));
        cut.accuse(subject, accusation(2, Cause::Lossy));
        cut.accuse(subject, accusation(3, Cause::Lossy));
        assert_eq!(cut.cause(subject), Cause::Lossy);
        assert!(cut.refute(subject, (&[1, 2], 2)));
        assert!(!cut.refute(subject, (&[3], 9)));
        let left: Vec<Index> = cut.accusers(subject).map(|a| a.observer).collect();
        assert_eq!(left, [Index(2), Index(3)]);
        let now = Timestamp::from_secs(2);
        assert!(cut.withdraw(subject, Index(2), 2, now));
        assert!(!cut.withdraw(subject, Index(2), 3, now));
        assert!(!cut.withdraw(subject, Index(7), 1, now));
    }

    #[test]
    fn another_process_does_not_clear_who_is_held_out() {
        let now = Timestamp::from_secs(2);
        let (mut cut, subject) = (Cut::default(), Index(0));
        let elsewhere = |incarnation, strikes| Elsewhere {
            incarnation,
            cause: Cause::Silent,
            told: Told::Strikes(strikes),
        };
        assert!(cut.convicted_elsewhere(subject, elsewhere(1, 2), now));
        assert!(!cut.convicted_elsewhere(subject, elsewhere(1, 1), now));
        let passed_on = Elsewhere {
            told: Told::HeldFor(Duration::ZERO),
            ..elsewhere(1, 0)
        };
        assert!(!cut.convicted_elsewhere(subject, passed_on, now), "no hold");
        assert!(!cut.refute(subject, (&[], 2)));
        cut.restarted(subject);
        assert!(cut.is_convicted_elsewhere(subject));
        assert!(cut.convicted_elsewhere(subject, elsewhere(2, 1), now));
        cut.restarted(subject);
        assert!(!cut.is_convicted_elsewhere(subject));
    }
}
