//! Invariants hold where they should, and break where they should.

use ninefold_sim::Topology;
use ninefold_sim::invariant::{
    AllKnow, AllRecover, Budget, Invariant, NoHealthyConvicted, OneViewChange, ViewsAgree,
};
use ninefold_sim::scenario::Scenario;
use ninefold_sim::trial::{self, Failure};

use crate::swim::lan;

const SECOND: u64 = 1_000_000_000;

fn run(scenario: &str, seed: u64, invariants: Vec<Box<dyn Invariant>>) -> Result<u64, Failure> {
    let scenario: Scenario = scenario.parse().unwrap();
    let mut invariants = invariants;
    trial::run(
        &scenario,
        Topology::new(30, 3),
        seed,
        lan(),
        &mut invariants,
    )
}

fn safe() -> Vec<Box<dyn Invariant>> {
    vec![
        Box::new(NoHealthyConvicted),
        Box::new(AllKnow {
            within: 60 * SECOND,
        }),
        Box::new(OneViewChange::per_burst(1)),
        Box::new(Budget {
            mean: 1_000,
            p99: 4_000,
            most: 12_000,
        }),
        Box::new(ViewsAgree),
        Box::new(AllRecover),
    ]
}

#[test]
fn one_crash_breaks_nothing() {
    for seed in 1..=10 {
        let crash = "at 1s crash 4\nsafety 90s\nhealing 100s";
        if let Err(failure) = run(crash, seed, safe()) {
            panic!("{failure}");
        }
    }
}

#[test]
fn everybody_comes_back_after_a_partition_and_a_zone_s_failure() {
    for seed in 1..=5 {
        let scenario = "at 1s partition zone=0 not(zone=0)\nat 60s crash zone=1\nat 90s restart zone=1\nsafety 100s\nhealing 1200s";
        let healing: Vec<Box<dyn Invariant>> = vec![Box::new(ViewsAgree), Box::new(AllRecover)];
        if let Err(failure) = run(scenario, seed, healing) {
            panic!("{failure}");
        }
    }
}

/// What a failure says, and that it is the same again.
fn breaks(scenario: &str, invariant: Box<dyn Fn() -> Box<dyn Invariant>>) -> Failure {
    let failure = run(scenario, 1, vec![invariant()]).unwrap_err();
    assert_eq!(run(scenario, 1, vec![invariant()]), Err(failure.clone()));
    assert_eq!(failure.invariant, invariant().name());
    assert_eq!(failure.seed, 1);
    assert!(
        failure.to_string().contains("seed 1 at revision"),
        "{failure}"
    );
    failure
}

#[test]
fn each_invariant_breaks_where_it_should_and_replays() {
    // Nobody is touched by what hits everybody, and so much loss convicts some.
    let loss = "at 1s loss 0.9 all all\nsafety 120s\nhealing 120s";
    let failure = breaks(loss, Box::new(|| Box::new(NoHealthyConvicted)));
    assert_eq!(failure.step, "step 1, `loss 0.9 all all`");
    let crash = "at 1s crash 4\nsafety 90s\nhealing 90s";
    breaks(crash, Box::new(|| Box::new(AllKnow { within: 2 * SECOND })));
    let early = "at 1s crash 4\nsafety 4s\nhealing 4s";
    let failure = breaks(early, Box::new(|| Box::new(AllKnow { within: 2 * SECOND })));
    assert_eq!(failure.step, "the safety phase");
    let two = "at 1s crash 4\nat 40s crash 5\nsafety 90s\nhealing 90s";
    breaks(two, Box::new(|| Box::new(OneViewChange::per_burst(1))));
    let budget = Budget {
        mean: 10,
        p99: 4_000,
        most: 12_000,
    };
    breaks(crash, Box::new(move || Box::new(budget)));
    let unhealed = "at 1s partition 0-4 5-29\nsafety 90s\nhealing 91s";
    breaks(unhealed, Box::new(|| Box::new(ViewsAgree)));
    breaks(unhealed, Box::new(|| Box::new(AllRecover)));
}
