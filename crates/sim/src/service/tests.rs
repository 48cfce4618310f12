use std::time::Duration;

use ninefold_core::balance::{LocalityRules, Wanted};
use ninefold_core::ejection::{EjectionRules, LatencyRules, SuccessRules};

use super::*;
use crate::{Delay, NodeId, NodeSet, Topology};

const MS: u64 = 1_000_000;

fn plan(fault: Fault) -> Plan {
    Plan {
        topology: Topology::new(9, 3),
        setup: Setup {
            homes: vec![NodeId(0), NodeId(1), NodeId(2)],
            gateway: NodeId(3),
            regions: vec![0, 0, 0],
            rules: EjectionRules {
                failures: 5,
                gateway_failures: 3,
                latency: Some(LatencyRules {
                    factor: 3.0,
                    samples: 5,
                }),
                success: Some(SuccessRules {
                    below: 0.8,
                    samples: 10,
                }),
                base: Duration::from_secs(1),
                max: Duration::from_secs(10),
                max_share: 0.5,
                canary: 0.1,
            },
            locality: Some(LocalityRules { factor: 1.4 }),
            wanted: Wanted {
                primaries: 3,
                ..Wanted::default()
            },
            attempts: 3,
            budget: None,
            timeout: Duration::from_secs(2),
            try_timeout: Duration::from_millis(600),
            connect_timeout: Duration::from_millis(500),
            answer: Delay::LogNormal {
                shift: 2 * MS,
                mean: 3 * MS,
                sigma: 2 * MS,
            },
            every: 5 * MS,
            sorts: Vec::new(),
        },
        fault,
    }
}

fn one(node: u32) -> NodeSet {
    [NodeId(node)].into_iter().collect()
}

fn failed(seen: &Seen) -> usize {
    seen.requests.iter().filter(|request| !request.ok).count()
}

#[test]
fn a_host_that_is_gone_is_convicted_by_all_and_hurts_nobody_who_repeats() {
    for seed in 0..4 {
        let seen = run(&plan(Fault::Gone(one(0))), seed);
        assert!(
            seen.convicted.is_some_and(|ns| ns < 3_000 * MS),
            "{:?}",
            seen.convicted
        );
        assert!(seen.isolated.is_some() && seen.rejoined.is_some());
        assert_eq!((seen.wrongly, failed(&seen)), (0, 0), "seed {seed}");
        assert!(seen.requests.iter().any(|request| request.hurt));
        assert!(seen.requests.len() > 1_000);
    }
}

#[test]
fn without_repetitions_what_was_under_way_is_lost_and_no_more() {
    let mut plan = plan(Fault::Gone(one(0)));
    plan.setup.attempts = 1;
    let seen = run(&plan, 1);
    let isolated = seen.isolated.unwrap();
    let after = seen
        .requests
        .iter()
        .filter(|one| one.began > isolated && !one.ok)
        .count();
    assert!(failed(&seen) > 0);
    assert_eq!(after, 0);
}

#[test]
fn a_cut_ends_and_all_are_back() {
    for one_way in [false, true] {
        let nodes = one(1);
        let seen = run(&plan(Fault::CutOff { nodes, one_way }), 3);
        assert!(seen.convicted.is_some(), "one way: {one_way}");
        assert!(seen.rejoined.is_some(), "one way: {one_way}");
        assert_eq!((seen.wrongly, failed(&seen)), (0, 0));
    }
}

#[test]
fn traffic_keeps_away_from_the_slow_and_the_failing() {
    let slow = Delay::Uniform(750 * MS, 1_250 * MS);
    for fault in [Fault::Slow(vec![0], slow), Fault::Failing(vec![0], 0.5)] {
        let seen = run(&plan(fault.clone()), 5);
        assert!(
            seen.isolated.is_some_and(|ns| ns < 30_000 * MS),
            "{fault:?}: {seen:?}"
        );
        assert_eq!(
            (seen.detect, seen.convicted, failed(&seen)),
            (None, None, 0)
        );
    }
}

#[test]
fn nobody_is_left_where_all_are_gone() {
    let all: NodeSet = (0..3).map(NodeId).collect();
    let seen = run(&plan(Fault::Gone(all)), 1);
    assert!(failed(&seen) > 500, "{}", failed(&seen));
    assert!(seen.rejoined.is_some());
}

#[test]
fn the_same_seed_sees_the_same() {
    let plan = plan(Fault::Gone(one(0)));
    assert_eq!(run(&plan, 7), run(&plan, 7));
    assert_ne!(run(&plan, 7).hash, run(&plan, 8).hash);
}

#[test]
fn who_is_kept_from_being_convicted_is_asked_last() {
    // Two a minute are convicted of nine; the third is not, and gets no more than the two.
    let mut plan = plan(Fault::Gone((0..3).map(NodeId).collect()));
    plan.setup.homes = (0..6).map(NodeId).collect();
    plan.setup.wanted.primaries = 6;
    let seen = run(&plan, 2);
    assert_eq!(seen.convicted, None);
    assert!(
        seen.isolated.is_some_and(|ns| ns < 3_500 * MS),
        "{:?}",
        seen.isolated
    );
    let late = seen.requests.iter().filter(|one| one.began > 5_000 * MS);
    let hurt = late.filter(|one| one.hurt).count();
    assert!(hurt < 5, "{hurt}");
}
