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
    pub(crate) subjects: u32,
    pub(crate) first: Vec<u64>,
    pub(crate) all: Vec<u64>,
    pub(crate) false_convictions: u64,
    pub(crate) false_votes: u64,
    pub(crate) healthy_seconds: u64,
    pub(crate) view_changes: Vec<u64>,
    pub(crate) bytes: Vec<u32>,
}

pub(crate) fn run(peer: Peer, scenario: Scenario, nodes: u32, seeds: u64) -> Figures {
    let mut figures = Figures::default();
    for seed in 1..=seeds {
        let topology = Topology::new(nodes, ZONES);
        let build = peer.build(&topology);
        let mut simulation = Simulation::new(topology, seed, build);
        let subjects = simulation.select(&scenario.subjects());
        let mut measure = Measure::new(nodes, subjects, ONSET);
        simulation.run_until(ONSET, &mut measure);
        simulation.forget_traffic();
        simulation.apply(&scenario.step(), &mut measure);
        simulation.run_until(ONSET + WATCHED, &mut measure);
        let healthy = simulation.truth().healthy().count() as u64;
        figures.subjects += measure.subjects();
        figures.first.extend(measure.first());
        figures.all.extend(measure.all());
        figures.false_convictions += measure.false_convictions();
        figures.false_votes += measure.false_votes();
        figures.healthy_seconds += healthy * WATCHED / SECOND;
        figures
            .view_changes
            .extend(measure.view_changes(simulation.truth()));
        figures.bytes.extend(simulation.traffic());
    }
    figures.first.sort_unstable();
    figures.all.sort_unstable();
    figures.view_changes.sort_unstable();
    figures.bytes.sort_unstable();
    figures
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_detects_a_silent_host() {
        for (peer, floor) in Peer::ALL.map(|peer| (peer, 4)) {
            let figures = run(peer, Scenario::Silent, 10, 5);
            assert_eq!((figures.first.len(), figures.all.len()), (5, 5), "{peer:?}");
            assert!(
                figures.first[0] >= floor * SECOND,
                "{peer:?} {:?}",
                figures.first
            );
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
            simulation.apply(&Scenario::Stalled.step(), &mut ());
            simulation.run_until(ONSET * 4, &mut ());
            simulation.hash()
        };
        for peer in Peer::ALL {
            assert_eq!(hash(peer, 1), hash(peer, 1), "{peer:?}");
            assert_ne!(hash(peer, 1), hash(peer, 2), "{peer:?}");
        }
    }
}
