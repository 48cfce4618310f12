//! The same seed is the same history.

use ninefold_sim::scenario::Scenario;
use ninefold_sim::simulation::Simulation;
use ninefold_sim::step::Step;
use ninefold_sim::{Topology, trial};

use crate::swim::lan;

/// Something of every kind.
const EVERYTHING: &str = "
    at 1s crash 3
    at 1s stalls 20% 100ms 3s 500ms
    at 2s loss 0.3 all 7
    at 2s burst 2s 300ms all 8 flap 3s 2s
    at 3s delay 1ms+20ms~40ms zone=0 zone=1
    at 3s duplicate 0.1 all all
    at 3s corrupt 0.05 all all
    at 3s reorder 0.2 50ms all all
    at 4s jump 9 +30s
    at 4s drift 10 400
    at 5s partition 0-4 20-24
    at 6s restart 3
    at 7s stall 11 4s
    at 9s restart 12 blank
    safety 30s
    healing 60s";

fn hash(seed: u64) -> u64 {
    let scenario: Scenario = EVERYTHING.parse().unwrap();
    trial::run(&scenario, Topology::new(40, 3), seed, lan(), &mut []).unwrap()
}

#[test]
fn the_same_seed_gives_the_same_history_and_another_one_another() {
    let hashes = [1, 2, 3].map(hash);
    assert_eq!(hashes, [1, 2, 3].map(hash));
    assert!(hashes[0] != hashes[1] && hashes[1] != hashes[2]);
}

#[test]
fn one_step_more_is_another_history() {
    let run = |crash: bool| {
        let mut simulation = Simulation::new(Topology::new(10, 1), 1, lan());
        simulation.run_until(1_000_000_000, &mut ());
        if crash {
            simulation.apply(&"crash 3".parse::<Step>().unwrap(), &mut ());
        }
        simulation.run_until(5_000_000_000, &mut ());
        simulation.hash()
    };
    assert_eq!(run(true), run(true));
    assert_ne!(run(true), run(false));
}
