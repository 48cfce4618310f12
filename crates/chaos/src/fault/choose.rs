//! On whom a fault falls: a pure function of the trial's seed.

use std::collections::BTreeMap;

use ninefold_core::id::InstanceId;
use ninefold_core::rng::Rng;

/// Seeds that are drawn for one trial at most, in search of targets not yet hit.
const DRAWS_MAX: u32 = 64;

/// What fails together: nodes, if whole ones do, and instances.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Group {
    pub(crate) nodes: Vec<String>,
    /// Those of the nodes included.
    pub(crate) instances: Vec<InstanceId>,
}

impl Group {
    /// Of instances alone.
    pub(crate) const fn of(instances: Vec<InstanceId>) -> Self {
        Self {
            nodes: Vec::new(),
            instances,
        }
    }
}

/// What a fault may fall on: groups that fail together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Candidates {
    /// Single instances, single nodes, or all of one zone, in a fixed order.
    pub(crate) groups: Vec<Group>,
    /// How many groups fail at once.
    pub(crate) count: usize,
}

impl Candidates {
    /// The indices of the groups that the trial with this seed hits, ascending.
    fn hit(&self, seed: u64) -> Vec<usize> {
        let mut rng = Rng::new(seed);
        let mut left: Vec<usize> = (0..self.groups.len()).collect();
        let mut hit = Vec::new();
        while hit.len() < self.count && !left.is_empty() {
            let bound = u64::try_from(left.len()).unwrap_or(u64::MAX);
            let pick = usize::try_from(rng.below(bound)).unwrap_or(0);
            hit.push(left.swap_remove(pick));
        }
        hit.sort_unstable();
        hit
    }

    /// What the trial with this seed hits.
    pub(crate) fn targets(&self, seed: u64) -> Group {
        let groups = self.hit(seed);
        let chosen = groups.iter().filter_map(|index| self.groups.get(*index));
        chosen.fold(Group::default(), |mut all, group| {
            all.nodes.extend(group.nodes.iter().cloned());
            all.instances.extend(group.instances.iter().cloned());
            all
        })
    }
}

/// The seeds of the trials of one claim. The first is `seed` itself, so that any trial is replayed
/// by its own seed and one trial. The others are drawn such that the trials spread over the
/// candidates: of a bounded number of draws the one that hits those hit least before.
pub(crate) fn schedule(candidates: &Candidates, seed: u64, trials: u32) -> Vec<u64> {
    let mut rng = Rng::new(seed);
    let mut hits: BTreeMap<usize, u32> = BTreeMap::new();
    let mut seeds = Vec::new();
    for trial in 0..trials {
        let mut best = seed;
        let mut best_cost = cost(&hits, &candidates.hit(seed));
        if trial > 0 {
            best_cost = u32::MAX;
            for _ in 0..DRAWS_MAX {
                // 32 bits: short to type, and exact in every JSON reader.
                let draw = rng.next_u64() >> 32;
                let draw_cost = cost(&hits, &candidates.hit(draw));
                if draw_cost < best_cost {
                    (best, best_cost) = (draw, draw_cost);
                }
            }
        }
        tracing::trace!(trial, seed = best, cost = best_cost, "scheduled");
        for index in candidates.hit(best) {
            *hits.entry(index).or_default() += 1;
        }
        seeds.push(best);
    }
    seeds
}

fn cost(hits: &BTreeMap<usize, u32>, hit: &[usize]) -> u32 {
    let before = |index| hits.get(index).copied().unwrap_or(0);
    hit.iter().map(before).fold(0, u32::saturating_add)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidates(groups: u32, count: usize) -> Candidates {
        Candidates {
            groups: (0..groups)
                .map(|n| Group::of(vec![InstanceId::new("web", n)]))
                .collect(),
            count,
        }
    }

    #[test]
    fn trials_spread_over_the_instances() {
        for seed in 0..20 {
            let all = candidates(3, 1);
            let seeds = schedule(&all, seed, 3);
            let hit = seeds.iter().map(|seed| all.targets(*seed).instances);
            let mut hit: Vec<_> = hit.flatten().collect();
            hit.sort();
            hit.dedup();
            assert_eq!(hit.len(), 3, "seed {seed}: {hit:?}");
        }
    }

    #[test]
    fn any_trial_is_replayed_by_its_own_seed() {
        let all = candidates(5, 2);
        for seed in schedule(&all, 7, 8) {
            assert_eq!(schedule(&all, seed, 1), vec![seed]);
            assert_eq!(all.targets(seed).instances.len(), 2);
            assert_eq!(all.targets(seed), all.targets(seed));
        }
        assert_eq!(schedule(&all, 7, 8), schedule(&all, 7, 8));
        assert_ne!(schedule(&all, 7, 8), schedule(&all, 8, 8));
    }

    #[test]
    fn more_than_there_are_is_all() {
        assert_eq!(candidates(2, 5).targets(1).instances.len(), 2);
        assert_eq!(candidates(0, 1).targets(1), Group::default());
    }
}
