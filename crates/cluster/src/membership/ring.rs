//! Who observes whom.
//!
//! As many rings as a subject has observers, each a permutation of the members by a hash of its own, as in Rapid
//! (Suresh et al., USENIX ATC'18), whose union is an expander: a few faulty observers are spread thinly over all
//! subjects. In each ring the first suitable predecessor observes. Suitable is who does not observe the subject
//! yet, and whose zone does not have its half of the observers. So who joins or leaves changes about as many pairs
//! as a member has, and nodes that know the same members agree without a word.

use ninefold_core::rng::Rng;

use super::chunks::Sorted;
use super::node::NodeId;
use super::table::Index;

/// Observers of a subject at most.
pub const OBSERVERS_MAX: usize = 16;

/// Predecessors that are looked at in a ring. Where a zone is so small that none of them is suitable, the subject
/// has an observer less.
const WALK: usize = 64;

/// In the order of a ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    hash: u64,
    index: Index,
    zone: u64,
}

impl Place {
    fn is_before(&self, hash: u64, index: Index) -> bool {
        (self.hash, self.index) < (hash, index)
    }
}

/// The rings, kept sorted.
#[derive(Clone, Debug)]
pub(super) struct Ring {
    rings: Vec<Sorted<Place>>,
    /// Members by zone.
    zones: Vec<(u64, usize)>,
}

impl Ring {
    pub(super) fn new(observers: usize) -> Self {
        Self {
            rings: vec![Sorted::default(); observers.clamp(1, OBSERVERS_MAX)],
            zones: Vec::new(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.rings.first().map_or(0, Sorted::len)
    }

    /// Members in a zone.
    pub(super) fn zone_len(&self, zone: u64) -> usize {
        let found = self.zones.iter().find(|(known, _)| *known == zone);
        found.map_or(0, |(_, members)| *members)
    }

    /// Any order will do.
    pub(super) fn at(&self, at: usize) -> Option<Index> {
        self.rings.first()?.get(at).map(|place| place.index)
    }

    /// The zone in which a member is observed.
    pub(super) fn zone_of(&self, id: NodeId, index: Index) -> Option<u64> {
        let ring = self.rings.first()?;
        let hash = hash(0, id);
        let at = ring.search(|p| p.is_before(hash, index));
        let place = ring.at(at).filter(|p| p.index == index);
        place.map(|place| place.zone)
    }

    pub(super) fn insert(&mut self, id: NodeId, index: Index, zone: u64) {
        for (salt, ring) in self.rings.iter_mut().enumerate() {
            ring.insert(Place {
                hash: hash(salt, id),
                index,
                zone,
            });
        }
        match self.zones.iter_mut().find(|(known, _)| *known == zone) {
            Some((_, members)) => *members += 1,
            None => self.zones.push((zone, 1)),
        }
    }

    pub(super) fn remove(&mut self, id: NodeId, index: Index) {
        let mut zone = None;
        for (salt, ring) in self.rings.iter_mut().enumerate() {
            let hash = hash(salt, id);
            let at = ring.search(|p| p.is_before(hash, index));
            if ring.at(at).is_some_and(|p| p.index == index) {
                zone = ring.remove(at).map(|place| place.zone);
            }
        }
        if let Some((_, members)) = self
            .zones
            .iter_mut()
            .find(|(known, _)| Some(*known) == zone)
        {
            *members -= 1;
        }
        self.zones.retain(|(_, members)| *members > 0);
    }

    /// The observers of a member, in the order of the rings.
    pub(super) fn observers(&self, id: NodeId, index: Index) -> Vec<Index> {
        let wanted = self.rings.len().min(self.len().saturating_sub(1));
        let half = if self.zones.len() > 1 {
            (wanted / 2).max(1)
        } else {
            wanted
        };
        let mut chosen: Vec<Place> = Vec::with_capacity(wanted);
        for (salt, ring) in self.rings.iter().enumerate().take(wanted) {
            let hash = hash(salt, id);
            let around = ring.backward(ring.search(|p| p.is_before(hash, index)));
            let suitable = |place: &&Place| {
                let same = chosen.iter().filter(|other| other.zone == place.zone);
                place.index != index
                    && chosen.iter().all(|other| other.index != place.index)
                    && same.count() < half
            };
            if let Some(place) = around.take(WALK).find(suitable) {
                chosen.push(*place);
            }
        }
        chosen.into_iter().map(|place| place.index).collect()
    }

    /// Whom a member observes, in the order of their places in the table. `id_of` says whose a place is.
    pub(super) fn subjects(
        &self,
        id: NodeId,
        index: Index,
        id_of: impl Fn(Index) -> Option<NodeId>,
    ) -> Vec<Index> {
        let mut candidates: Vec<Index> = Vec::new();
        for (salt, ring) in self.rings.iter().enumerate() {
            let hash = hash(salt, id);
            let at = ring.search(|p| !(hash, index).lt(&(p.hash, p.index)));
            let around = ring.forward(at).take(WALK);
            candidates.extend(self.within_reach(salt, around));
        }
        candidates.sort_unstable();
        candidates.dedup();
        candidates.retain(|subject| {
            *subject != index
                && id_of(*subject).is_some_and(|id| self.observers(id, *subject).contains(&index))
        });
        candidates
    }

    /// Those behind a member in a ring that it may observe there. All that stand between are unsuitable: they
    /// observe already, from the rings before this one, or their zone has its half, which so few can fill for one
    /// zone at most. So of other zones than that no more can stand between than there are rings before.
    fn within_reach<'a>(&self, salt: usize, behind: impl Iterator<Item = &'a Place>) -> Vec<Index> {
        let wanted = self.rings.len().min(self.len().saturating_sub(1));
        let full_zones = match (wanted / 2).max(1) {
            _ if self.zones.len() < 2 => 0,
            half => salt / half,
        };
        let (mut reached, mut between) = (Vec::new(), Vec::<(u64, usize)>::new());
        for place in behind {
            reached.push(place.index);
            match between.iter_mut().find(|(zone, _)| *zone == place.zone) {
                Some((_, count)) => *count += 1,
                None => between.push((place.zone, 1)),
            }
            let all: usize = between.iter().map(|(_, count)| count).sum();
            let most = between.iter().map(|(_, count)| *count).max();
            let others = match full_zones {
                0 => all,
                1 => all - most.unwrap_or(0),
                _ => 0,
            };
            if others > salt {
                break;
            }
        }
        reached
    }
}

fn hash(salt: usize, id: NodeId) -> u64 {
    let salt = u64::try_from(salt).unwrap_or(u64::MAX);
    Rng::new(id.0 ^ salt.wrapping_mul(0xd6e8_feb8_6659_fd93)).next_u64()
}

#[cfg(test)]
mod tests {
    use ninefold_core::rng::Rng;
    use proptest::prelude::{ProptestConfig, prop_assert, prop_assert_eq, proptest};

    use super::*;

    fn id(n: u32) -> NodeId {
        NodeId(Rng::new(u64::from(n)).next_u64())
    }

    fn ring(members: &[u32], zones: u32) -> Ring {
        let mut ring = Ring::new(10);
        for n in members {
            ring.insert(id(*n), Index(*n), u64::from(n % zones));
        }
        ring
    }

    fn pairs(ring: &Ring, members: &[u32]) -> Vec<(u32, Index)> {
        let of = |n: &u32| {
            let observers = ring.observers(id(*n), Index(*n));
            let n = *n;
            observers.into_iter().map(move |o| (n, o))
        };
        members.iter().flat_map(of).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn observers_are_others_and_at_most_half_of_a_zone(count in 2u32..120, zones in 1u32..5) {
            let members: Vec<u32> = (0..count).collect();
            let ring = ring(&members, zones);
            let wanted = 10.min(members.len() - 1);
            for n in &members {
                let observers = ring.observers(id(*n), Index(*n));
                prop_assert!(!observers.is_empty() && !observers.contains(&Index(*n)));
                let mut distinct = observers.clone();
                distinct.sort_unstable();
                distinct.dedup();
                prop_assert_eq!(distinct.len(), observers.len());
                if zones == 1 {
                    prop_assert_eq!(observers.len(), wanted);
                }
                for zone in (0..zones).filter(|_| zones.min(count) > 1) {
                    let inside = observers.iter().filter(|o| o.0 % zones == zone).count();
                    prop_assert!(inside <= (wanted / 2).max(1), "{n} {observers:?}");
                }
            }
        }

        #[test]
        fn subjects_are_those_who_are_observed(count in 2u32..150, zones in 1u32..5) {
            let members: Vec<u32> = (0..count).collect();
            let ring = ring(&members, zones);
            let all = pairs(&ring, &members);
            for n in &members {
                let subjects = ring.subjects(id(*n), Index(*n), |i| Some(id(i.0)));
                let expected: Vec<Index> = all.iter()
                    .filter(|(_, observer)| observer.0 == *n)
                    .map(|(subject, _)| Index(*subject))
                    .collect();
                prop_assert_eq!(subjects, expected);
            }
        }

        #[test]
        fn the_order_of_joining_does_not_matter(count in 2u32..60, seed in 0u64..1_000) {
            let members: Vec<u32> = (0..count).collect();
            let mut shuffled = members.clone();
            let mut rng = Rng::new(seed);
            for at in (1..shuffled.len()).rev() {
                let other = usize::try_from(rng.below(at as u64 + 1)).unwrap();
                shuffled.swap(at, other);
            }
            let mut other = ring(&shuffled, 3);
            other.insert(id(900), Index(900), 1);
            other.remove(id(900), Index(900));
            prop_assert_eq!(pairs(&ring(&members, 3), &members), pairs(&other, &members));
        }
    }

    #[test]
    fn nobody_observes_much_more_than_others() {
        let members: Vec<u32> = (0..999).collect();
        let ring = ring(&members, 3);
        let mut observed = vec![0u32; 999];
        for (_, observer) in pairs(&ring, &members) {
            observed[observer.0 as usize] += 1;
        }
        let most = observed.iter().max().unwrap();
        let least = observed.iter().min().unwrap();
        assert_eq!(observed.iter().sum::<u32>(), 9_990);
        assert!(*least >= 6 && *most <= 16, "{least} to {most}");
    }

    #[test]
    fn one_who_joins_or_leaves_changes_few_pairs() {
        let mut members: Vec<u32> = (0..300).collect();
        let before = pairs(&ring(&members, 3), &members);
        members.push(300);
        let after = pairs(&ring(&members, 3), &members);
        let kept = before.iter().filter(|pair| after.contains(pair)).count();
        // Its ten subjects change an observer, and a choice may move those of later rings.
        assert!(before.len() - kept <= 30, "{} changed", before.len() - kept);
    }
}
