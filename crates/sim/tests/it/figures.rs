//! Figures that are known come out.

use ninefold_sim::measure::{Measure, quantile};
use ninefold_sim::step::Step;
use ninefold_sim::{NodeId, Simulation, Topology};

use crate::swim::lan;

const SECOND: u64 = 1_000_000_000;

/// When the first and when everybody knew of one that died, in ns, over some seeds.
fn detect(nodes: u32, seeds: u64) -> (Vec<u64>, Vec<u64>) {
    let (mut first, mut all) = (Vec::new(), Vec::new());
    for seed in 1..=seeds {
        let mut simulation = Simulation::new(Topology::new(nodes, 1), seed, lan());
        let subjects = [NodeId(3)].into_iter().collect();
        let mut measure = Measure::new(nodes, subjects, 5 * SECOND);
        simulation.run_until(5 * SECOND, &mut measure);
        simulation.apply(&"crash 3".parse::<Step>().unwrap(), &mut measure);
        simulation.run_until(120 * SECOND, &mut measure);
        assert_eq!(measure.false_convictions(), 0, "seed {seed}");
        first.extend(measure.first());
        all.extend(measure.all());
    }
    first.sort_unstable();
    all.sort_unstable();
    (first, all)
}

/// Two confirmations bring a suspicion down to its shortest: 4 s for 10 nodes, 8 s for 100, behind a probe
/// that takes a second and begins within about another one.
#[test]
fn suspicion_has_the_floor_of_memberlist() {
    for (nodes, floor) in [(10, 4), (100, 8)] {
        let (first, all) = detect(nodes, 20);
        assert_eq!((first.len(), all.len()), (20, 20));
        let least = first[0];
        let median = quantile(&first, 0.5).unwrap();
        assert!(least >= floor * SECOND, "{nodes}: {least}");
        assert!(
            (floor..floor + 5).contains(&(median / SECOND)),
            "{nodes}: {median}"
        );
        let behind = quantile(&all, 0.5).unwrap() - median;
        assert!(behind < 3 * SECOND, "{nodes}: {behind}");
    }
}
