//! One scenario with one kind of members, over seeds.

use ninefold_sim::measure::Measure;
use ninefold_sim::{Simulation, Topology};

use crate::peer::Peer;
use crate::scenario::Scenario;

const SECOND: u64 = 1_000_000_000;
/// The fault comes once everybody has probed for a while.
const ONSET: u64 = 10 * SECOND;
/// How long it is watched.
pub(crate) const WATCHED: u64 = 120 * SECOND;
/// Zones that nodes stand in.
pub(crate) const ZONES: u32 = 3;

/// What was counted in all seeds; times in ns, ascending.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    pub(crate) seeds: u64,
    pub(crate) subjects: u32,
    pub(crate) first: Vec<u64>,
    pub(crate) all: Vec<u64>,
    pub(crate) back: Vec<u64>,
    pub(crate) false_convictions: u64,
    pub(crate) false_votes: u64,
    pub(crate) counter_votes: u64,
    pub(crate) healthy_seconds: u64,
    pub(crate) view_changes: Vec<u64>,
    pub(crate) bytes: Vec<u32>,
}

impl Figures {
    /// Those of more seeds, together.
    pub(crate) fn add(&mut self, mut other: Self) {
        self.seeds += other.seeds;
        self.subjects += other.subjects;
        self.false_convictions += other.false_convictions;
        self.false_votes += other.false_votes;
        self.counter_votes += other.counter_votes;
        self.healthy_seconds += other.healthy_seconds;
        for (mine, others) in [
            (&mut self.first, &mut other.first),
            (&mut self.all, &mut other.all),
            (&mut self.back, &mut other.back),
            (&mut self.view_changes, &mut other.view_changes),
        ] {
            mine.append(others);
            mine.sort_unstable();
        }
        self.bytes.append(&mut other.bytes);
        self.bytes.sort_unstable();
    }
}

/// One seed of it.
pub(crate) fn run(peer: Peer, scenario: Scenario, nodes: u32, seed: u64) -> Figures {
    let topology = Topology::new(nodes, ZONES);
    let build = peer.build(&topology);
    let mut simulation = Simulation::new(topology, seed, build);
    let subjects = simulation.select(&scenario.subjects());
    let mut measure = Measure::new(nodes, subjects, ONSET);
    simulation.run_until(ONSET, &mut measure);
    simulation.forget_traffic();
    for (after, step) in scenario.steps() {
        simulation.run_until(ONSET + after, &mut measure);
        simulation.apply(&step, &mut measure);
    }
    simulation.run_until(ONSET + WATCHED, &mut measure);
    let healthy = simulation.truth().healthy().count() as u64;
    Figures {
        seeds: 1,
        subjects: measure.subjects(),
        first: measure.first(),
        all: measure.all(),
        back: measure.back(),
        false_convictions: measure.false_convictions(),
        false_votes: measure.false_votes(),
        counter_votes: measure.counter_votes(),
        healthy_seconds: healthy * WATCHED / SECOND,
        view_changes: measure.view_changes(simulation.truth()),
        bytes: simulation.traffic().to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_detects_a_silent_host() {
        for peer in Peer::ALL {
            // Suspicions of SWIM have a floor; ours is bounded from above.
            let expected = match peer {
                Peer::Ninefold => SECOND / 2..=SECOND * 3 / 2,
                Peer::Swim | Peer::Lifeguard | Peer::Foca | Peer::Chitchat => {
                    SECOND * 4..=SECOND * 60
                }
                Peer::SwimFaster | Peer::LifeguardFaster | Peer::FocaFaster => {
                    SECOND / 3..=SECOND * 7
                }
            };
            let mut figures = Figures::default();
            (1..=5).for_each(|seed| figures.add(run(peer, Scenario::Silent, 10, seed)));
            assert_eq!((figures.first.len(), figures.all.len()), (5, 5), "{peer:?}");
            let knew = (figures.first[0], figures.first[4]);
            let known = expected.contains(&knew.0) && expected.contains(&knew.1);
            assert!(known, "{peer:?} {:?}", figures.first);
            assert_eq!(figures.false_convictions, 0, "{peer:?}");
            assert!(figures.view_changes.iter().all(|changes| *changes == 1));
            assert!(figures.bytes.last().is_some_and(|bytes| *bytes > 0));
        }
    }

    #[test]
    fn the_same_seed_is_the_same_history() {
        let hash = |peer: Peer, seed| {
            let topology = Topology::new(20, ZONES);
            let build = peer.build(&topology);
            let mut simulation = Simulation::new(topology, seed, build);
            simulation.run_until(ONSET, &mut ());
            for (_, step) in Scenario::Stalled.steps() {
                simulation.apply(&step, &mut ());
            }
            simulation.run_until(ONSET * 4, &mut ());
            simulation.hash()
        };
        for peer in Peer::ALL.into_iter().filter(|peer| peer.is_seeded()) {
            assert_eq!(hash(peer, 1), hash(peer, 1), "{peer:?}");
            assert_ne!(hash(peer, 1), hash(peer, 2), "{peer:?}");
        }
    }
}
