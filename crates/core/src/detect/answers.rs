//! What one instance answered, where that was compared with what it should have.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use crate::observation::Ballot;
use crate::time::Timestamp;

/// Canaries remembered of an instance at most; a file cannot have more of one service.
const CANARIES_MAX: usize = 64;

/// Votes remembered of an instance: it is judged by its last ones.
const VOTES_MAX: usize = 10;

/// The answers of one incarnation.
#[derive(Clone, Debug, Default)]
pub(super) struct Answers {
    /// Those that were wrong the last time, by canary.
    wrong: BTreeMap<String, Wrong>,
    votes: VecDeque<Cast>,
    /// When a canary was right.
    right: Option<Timestamp>,
    /// When it was last known to answer as it should, by a canary or a vote.
    last_good: Option<Timestamp>,
    /// Since when nothing was wrong.
    good_since: Option<Timestamp>,
    /// When something was, last.
    bad_at: Option<Timestamp>,
}

/// A canary that is answered wrongly.
#[derive(Clone, Debug)]
pub(super) struct Wrong {
    pub(super) since: Timestamp,
    pub(super) last: Timestamp,
    pub(super) in_a_row: u32,
    /// What the newest one said.
    pub(super) said: String,
    /// When it was last known to be right before.
    good_before: Option<Timestamp>,
}

/// One vote.
#[derive(Clone, Debug)]
struct Cast {
    at: Timestamp,
    ballot: Ballot,
    said: String,
    good_before: Option<Timestamp>,
}

/// Votes that went one way, of the last ones.
#[derive(Clone, Debug)]
pub(super) struct Against {
    pub(super) count: u32,
    pub(super) of: u32,
    pub(super) onset: Timestamp,
    pub(super) last: Timestamp,
    /// What the newest one said.
    pub(super) said: String,
}

impl Answers {
    pub(super) fn canary(&mut self, at: Timestamp, canary: &str, right: bool, said: &str) {
        if right {
            self.wrong.remove(canary);
            self.right = Some(at);
            self.good(at);
            return;
        }
        self.bad(at);
        let good_before = self.last_good;
        if !self.wrong.contains_key(canary) && self.wrong.len() >= CANARIES_MAX {
            return;
        }
        let wrong = self.wrong.entry(canary.to_owned());
        let wrong = wrong.or_insert_with(|| Wrong {
            since: at,
            last: at,
            in_a_row: 0,
            said: String::new(),
            good_before,
        });
        wrong.last = at;
        wrong.in_a_row = wrong.in_a_row.saturating_add(1);
        said.clone_into(&mut wrong.said);
    }

    pub(super) fn vote(&mut self, at: Timestamp, ballot: Ballot, said: &str) {
        let cast = Cast {
            at,
            ballot,
            said: said.to_owned(),
            good_before: self.last_good,
        };
        self.votes.push_back(cast);
        while self.votes.len() > VOTES_MAX {
            self.votes.pop_front();
        }
        match ballot {
            Ballot::Agrees => self.good(at),
            Ballot::Minority | Ballot::Split => self.bad(at),
        }
    }

    const fn bad(&mut self, at: Timestamp) {
        self.good_since = None;
        self.bad_at = Some(at);
    }

    fn good(&mut self, at: Timestamp) {
        self.last_good = Some(at);
        if self.wrong.is_empty() {
            self.good_since.get_or_insert(at);
        }
    }

    /// Forgets what is older than `window`.
    pub(super) fn prune(&mut self, now: Timestamp, window: Duration) {
        self.wrong
            .retain(|_, wrong| now.since(wrong.last) <= window);
        self.votes.retain(|cast| now.since(cast.at) <= window);
    }

    /// Whether anything speaks against it.
    pub(super) fn suspect(&self) -> bool {
        self.is_wrong() || self.votes.iter().any(|cast| cast.ballot != Ballot::Agrees)
    }

    /// Whether a canary was wrong the last time.
    pub(super) fn is_wrong(&self) -> bool {
        !self.wrong.is_empty()
    }

    /// Since when a canary is wrong, if one is.
    pub(super) fn wrong_since(&self) -> Option<Timestamp> {
        self.wrong.values().map(|wrong| wrong.since).min()
    }

    /// How many of its last votes it was alone in.
    pub(super) fn minorities(&self) -> u32 {
        let alone = self.votes.iter();
        let alone = alone.filter(|cast| cast.ballot == Ballot::Minority);
        u32::try_from(alone.count()).unwrap_or(u32::MAX)
    }

    /// Whether its canaries are right, one of them after `then`.
    pub(super) fn is_right_since(&self, then: Timestamp) -> bool {
        !self.is_wrong() && self.right.is_some_and(|at| at >= then)
    }

    /// The wrong canaries, if one was so `needed` times in a row, or two are.
    pub(super) fn wrong(&self, needed: u32) -> Option<Vec<(&str, &Wrong)>> {
        let enough = self.wrong.values().any(|wrong| wrong.in_a_row >= needed);
        let all = self
            .wrong
            .iter()
            .map(|(name, wrong)| (name.as_str(), wrong));
        (enough || self.wrong.len() > 1).then(|| all.collect())
    }

    /// The votes that went like this, if there are `needed` among the last ones.
    pub(super) fn against(&self, ballot: Ballot, needed: u32) -> Option<Against> {
        let cast = |cast: &&Cast| cast.ballot == ballot;
        let count = u32::try_from(self.votes.iter().filter(cast).count()).unwrap_or(u32::MAX);
        let first = self.votes.iter().find(cast)?;
        let last = self.votes.iter().rev().find(cast)?;
        (count >= needed).then(|| Against {
            count,
            of: u32::try_from(self.votes.len()).unwrap_or(u32::MAX),
            onset: first.good_before.unwrap_or(first.at),
            last: last.at,
            said: last.said.clone(),
        })
    }

    /// Since when nothing was wrong; since the last that was, where that is forgotten.
    pub(super) fn good_since(&self) -> Option<Timestamp> {
        let forgotten = self.bad_at.filter(|_| !self.suspect());
        self.good_since.or(forgotten)
    }
}

impl Wrong {
    /// When it began: after the last right answer.
    pub(super) fn onset(&self) -> Timestamp {
        self.good_before.unwrap_or(self.since)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_secs(seconds)
    }

    #[test]
    fn a_right_answer_ends_the_row_of_its_own_canary() {
        let mut answers = Answers::default();
        answers.canary(at(1), "a", true, "");
        answers.canary(at(2), "a", false, "x");
        answers.canary(at(3), "b", true, "");
        assert!(answers.wrong(2).is_none());
        answers.canary(at(4), "a", false, "y");
        let wrong = answers.wrong(2).unwrap();
        let (name, row) = wrong[0];
        assert_eq!((name, row.in_a_row, &*row.said), ("a", 2, "y"));
        assert_eq!(row.onset(), at(1));
        answers.canary(at(5), "a", true, "");
        assert!(!answers.suspect() && answers.is_right_since(at(5)));
        assert_eq!(answers.good_since(), Some(at(5)));
        // Two different ones need no second time.
        answers.canary(at(6), "a", false, "");
        answers.canary(at(6), "b", false, "");
        assert_eq!(answers.wrong(2).unwrap().len(), 2);
    }

    #[test]
    fn only_the_last_votes_count() {
        let mut answers = Answers::default();
        for n in 0..3 {
            answers.vote(at(n), Ballot::Minority, "m");
        }
        assert_eq!(answers.against(Ballot::Minority, 3).unwrap().of, 3);
        for n in 3..13 {
            let against = answers.against(Ballot::Minority, 3);
            assert_eq!(against.is_some(), n <= 10, "{n}");
            answers.vote(at(n), Ballot::Agrees, "");
        }
        assert!(!answers.suspect());
        assert_eq!(answers.votes.len(), VOTES_MAX);
    }

    #[test]
    fn what_nobody_asks_for_any_more_is_forgotten() {
        let mut answers = Answers::default();
        for n in 0..2 * CANARIES_MAX {
            answers.canary(at(1), &n.to_string(), false, "");
        }
        assert_eq!(answers.wrong.len(), CANARIES_MAX);
        answers.vote(at(1), Ballot::Split, "");
        answers.prune(at(61), Duration::from_secs(60));
        assert!(answers.suspect());
        answers.prune(at(62), Duration::from_secs(60));
        assert!(!answers.suspect());
    }
}
