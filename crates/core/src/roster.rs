//! Which ordinal belongs to whom, where endpoints come and go: those of a name, or of a file.
//!
//! Whoever stays keeps its ordinal, and with it everything that was learnt of it. Whoever comes
//! gets the lowest one that is free, so that names stay short however often endpoints change; that
//! of somebody who left is free once nothing of it is under way any more. An
//! answer without anybody changes nothing: a resolver that forgot a name, or a file that is just
//! being written, must not take a service away.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

/// Endpoints of one service at most; what is beyond it is not looked at.
pub const ENDPOINTS_MAX: usize = 1_024;

/// Ordinals of one service at most, those of endpoints that still have something under way included.
/// Who comes while none is free is looked at again next time.
pub const ORDINALS_MAX: u32 = 2_048;

/// Who is there, by ordinal: what tells endpoints apart, and what else is known of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Roster<K, V> {
    members: BTreeMap<u32, (K, V)>,
    /// Not there any more, and not to be taken for others yet.
    leaving: BTreeSet<u32>,
}

/// What differs from before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Move<K, V> {
    /// It is not there any more.
    Left(u32),
    /// It is there as before, and something else is known of it.
    Changed(u32, K, V),
    /// It is new.
    Joined(u32, K, V),
}

impl<K, V> Default for Roster<K, V> {
    fn default() -> Self {
        Self {
            members: BTreeMap::new(),
            leaving: BTreeSet::new(),
        }
    }
}

impl<K: Clone + Ord, V: Clone + PartialEq> Roster<K, V> {
    /// How many are there.
    #[must_use]
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Whether nobody is there.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// Who is there, by ordinal.
    pub fn members(&self) -> impl Iterator<Item = (u32, &K, &V)> {
        let all = self.members.iter();
        all.map(|(ordinal, (key, value))| (*ordinal, key, value))
    }

    /// Goes on with who was there before a restart. Beyond the limits, or of two with the same ordinal
    /// or key, nobody does.
    pub fn restore(&mut self, before: Vec<(u32, K, V)>) {
        for (ordinal, key, value) in before {
            let known = self.members.values().any(|(known, _)| *known == key);
            if !known && ordinal < ORDINALS_MAX && self.members.len() < ENDPOINTS_MAX {
                self.members.entry(ordinal).or_insert((key, value));
            }
        }
    }

    /// The ordinal of somebody who left is free again.
    pub fn release(&mut self, ordinal: u32) {
        self.leaving.remove(&ordinal);
    }

    /// Takes over who was found; of two with the same key the first counts. Who left is told first.
    pub fn follow(&mut self, found: Vec<(K, V)>) -> Vec<Move<K, V>> {
        let mut order = Vec::new();
        let mut wanted = BTreeMap::new();
        for (key, value) in found {
            if wanted.len() >= ENDPOINTS_MAX {
                break;
            }
            if let Entry::Vacant(place) = wanted.entry(key) {
                order.push(place.key().clone());
                place.insert(value);
            }
        }
        if wanted.is_empty() {
            return Vec::new();
        }
        let mut moves = Vec::new();
        self.members.retain(|ordinal, (key, _)| {
            let stays = wanted.contains_key(key);
            if !stays {
                self.leaving.insert(*ordinal);
                moves.push(Move::Left(*ordinal));
            }
            stays
        });
        for (ordinal, (key, value)) in &mut self.members {
            let Some(now) = wanted.remove(key) else {
                continue;
            };
            if *value != now {
                value.clone_from(&now);
                moves.push(Move::Changed(*ordinal, key.clone(), now));
            }
        }
        let mut taken: BTreeSet<u32> = self.members.keys().copied().collect();
        taken.extend(&self.leaving);
        let mut free = (0..ORDINALS_MAX).filter(|ordinal| !taken.contains(ordinal));
        for key in order {
            let Some(value) = wanted.remove(&key) else {
                continue;
            };
            let Some(ordinal) = free.next() else { break };
            self.members.insert(ordinal, (key.clone(), value.clone()));
            moves.push(Move::Joined(ordinal, key, value));
        }
        moves
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn named(names: &[&'static str]) -> Vec<(&'static str, u8)> {
        names.iter().map(|name| (*name, 1)).collect()
    }

    #[test]
    fn who_stays_keeps_its_ordinal_and_who_comes_takes_a_free_one() {
        let mut roster = Roster::default();
        assert_eq!(roster.follow(named(&["b", "a"])).len(), 2);
        let moves = roster.follow(vec![("a", 1), ("c", 1)]);
        assert_eq!(moves, [Move::Left(0), Move::Joined(2, "c", 1)]);
        roster.release(0);
        let moves = roster.follow(vec![("d", 9), ("a", 1), ("c", 2)]);
        assert_eq!(moves, [Move::Changed(2, "c", 2), Move::Joined(0, "d", 9)]);
    }

    #[test]
    fn who_was_there_before_a_restart_keeps_its_ordinal() {
        let mut roster = Roster::default();
        roster.restore(vec![
            (3, "a", 1),
            (1, "b", 1),
            (1, "c", 1),
            (4, "a", 1),
            (9_999, "d", 1),
        ]);
        assert_eq!(roster.members().count(), 2);
        let moves = roster.follow(named(&["c", "a", "b"]));
        assert_eq!(moves, [Move::Joined(0, "c", 1)]);
    }

    #[test]
    fn nobody_joins_without_an_ordinal() {
        let mut roster = Roster::default();
        let all = |from: u32| (from..from + 1_024).map(|n| (n, ())).collect::<Vec<_>>();
        assert_eq!(roster.follow(all(0)).len(), 1_024);
        assert_eq!(roster.follow(all(5_000)).len(), 2_048);
        assert_eq!(roster.follow(all(9_000)).len(), 1_024);
        assert!(roster.is_empty());
        roster.release(7);
        assert_eq!(roster.follow(all(9_000)), [Move::Joined(7, 9_000, ())]);
    }

    #[test]
    fn an_empty_answer_changes_nothing_and_doubles_count_once() {
        let mut roster = Roster::default();
        roster.follow(vec![("a", 1), ("a", 2)]);
        assert_eq!(roster.follow(Vec::new()), []);
        assert_eq!((roster.len(), roster.is_empty()), (1, false));
        assert_eq!(roster.follow(vec![("a", 1)]), []);
    }

    proptest! {
        /// What the moves say is what there is.
        #[test]
        fn moves_lead_from_one_answer_to_the_next(
            answers in prop::collection::vec(prop::collection::vec((0u8..12, 0u8..3), 0..10), 1..20),
        ) {
            let mut roster = Roster::default();
            let mut seen: BTreeMap<u32, (u8, u8)> = BTreeMap::new();
            for found in answers {
                let mut wanted = BTreeMap::new();
                for (key, value) in &found {
                    wanted.entry(*key).or_insert(*value);
                }
                let moves = roster.follow(found);
                for moved in moves {
                    match moved {
                        Move::Left(ordinal) => {
                            prop_assert!(seen.remove(&ordinal).is_some());
                            roster.release(ordinal);
                        }
                        Move::Changed(ordinal, key, value) => {
                            prop_assert_eq!(seen.insert(ordinal, (key, value)).map(|was| was.0), Some(key));
                        }
                        Move::Joined(ordinal, key, value) => {
                            prop_assert_eq!(seen.insert(ordinal, (key, value)), None);
                        }
                    }
                }
                prop_assert_eq!(&seen, &roster.members);
                if !wanted.is_empty() {
                    let now: BTreeMap<u8, u8> = seen.values().copied().collect();
                    prop_assert_eq!(now, wanted);
                    prop_assert!(seen.keys().all(|ordinal| *ordinal < 24));
                }
            }
        }
    }
}
