//! Claims in virtual time: no process, no socket.

use std::sync::Arc;

use ninefold_chaos::{ClaimReport, Report, SimulateOptions, Verdict, simulate};
use ninefold_config::model::{Claim, Ratio, Span, Survive};

use crate::files::{claim, file, request};

fn options(claims: Vec<Claim>, nodes: u32) -> SimulateOptions {
    SimulateOptions {
        nodes,
        trials: 3,
        seed: 7,
        ..SimulateOptions::new(Arc::new(file(claims)))
    }
}

fn run(options: &SimulateOptions) -> Report {
    simulate(options, &mut |_| {}).unwrap()
}

/// The answer to one claim on six nodes.
fn answer(claim: Claim) -> ClaimReport {
    let mut report = run(&options(vec![claim], 6));
    report.claims.remove(0)
}

#[test]
fn one_node_of_six_may_fail_or_be_cut_off() {
    let cut = |one_way| Survive::Partition { nodes: 1, one_way };
    for survive in [Survive::Nodes(1), cut(false), cut(true)] {
        let answer = answer(claim("one", survive));
        assert_eq!(answer.verdict, Verdict::Proven, "{:?}", answer.reasons);
        let (convicted, isolated, failed) = answer.away();
        assert!(convicted.unwrap().p50 < 3_000.0, "{convicted:?}");
        assert!(isolated.is_some() && failed == Some(0));
        assert!(answer.requests().sent > 1_000);
        // Those are hit that run an instance; the gateway is another one's.
        let hit = answer
            .trials
            .iter()
            .all(|one| one.nodes.len() == 1 && !one.targets.is_empty());
        assert!(hit, "{:?}", answer.trials);
    }
}

#[test]
fn what_cannot_hold_is_refuted() {
    let mut hurried = claim("at once", Survive::Nodes(1));
    hurried.recover = Some(Span::millis(50));
    let answer = answer(hurried);
    assert_eq!(answer.verdict, Verdict::Refuted);
    assert!(
        answer
            .reasons
            .iter()
            .all(|why| why.contains("recovery took")),
        "{:?}",
        answer.reasons
    );
    let mut posts = claim("never twice", Survive::Nodes(2));
    posts.available = Ratio::percent(100);
    posts.load.requests = vec![request("POST", "/")];
    let report = run(&options(vec![posts], 6));
    assert_eq!(
        report.claims[0].verdict,
        Verdict::Refuted,
        "{}",
        report.to_text()
    );
    assert_eq!(report.exit_code(), 1);
}

#[test]
fn traffic_keeps_away_from_the_slow_and_the_failing() {
    for survive in [Survive::Gray(1), Survive::Errors(1)] {
        let answer = answer(claim("one", survive));
        assert_eq!(answer.verdict, Verdict::Proven, "{:?}", answer.reasons);
        assert!(answer.trials.iter().all(|one| one.nodes.is_empty()));
    }
}

#[test]
fn what_virtual_time_does_not_know_is_not_proven() {
    let hang = answer(claim("hang", Survive::Hang(1)));
    assert_eq!(hang.verdict, Verdict::Untested);
    assert!(hang.reasons[0].contains("`hang`"), "{:?}", hang.reasons);
    let mut writes = claim("writes", Survive::Nodes(1));
    writes.lose = Some(0);
    let writes = answer(writes);
    assert_eq!(
        writes.verdict,
        Verdict::Inconclusive,
        "{:?}",
        writes.reasons
    );
    let all = answer(claim("all", Survive::Zones(2)));
    assert_eq!(all.verdict, Verdict::Untested);
    assert!(
        all.reasons[0].contains("these are all"),
        "{:?}",
        all.reasons
    );
}

#[test]
fn the_same_seed_sees_the_same_whatever_thread_runs_it() {
    let claims = || {
        vec![
            claim("one", Survive::Nodes(1)),
            claim("slow", Survive::Gray(1)),
        ]
    };
    let trials = |seed| -> Vec<_> {
        let options = SimulateOptions {
            seed,
            ..options(claims(), 9)
        };
        run(&options)
            .claims
            .into_iter()
            .flat_map(|claim| claim.trials)
            .collect()
    };
    assert_eq!(trials(3), trials(3));
    assert_ne!(trials(3), trials(4));
    // Any of them is replayed by its own seed.
    let third = trials(3).swap_remove(2);
    let mut alone = options(vec![claim("one", Survive::Nodes(1))], 9);
    (alone.seed, alone.trials) = (third.seed, 1);
    let mut replayed = run(&alone).claims.remove(0).trials.remove(0);
    replayed.number = third.number;
    assert_eq!(replayed, third);
}

#[test]
fn wrong_usage_is_said() {
    let claims = || vec![claim("one", Survive::Nodes(1))];
    let said = |options: &SimulateOptions| simulate(options, &mut |_| {}).unwrap_err().to_string();
    assert!(said(&options(claims(), 1)).contains("1 nodes cannot be in 2 zones"));
    assert!(said(&options(Vec::new(), 6)).contains("nothing to verify"));
    let rate = SimulateOptions {
        rate: Some(0.0),
        ..options(claims(), 6)
    };
    assert!(said(&rate).contains("a rate of 0/s"));
    let many = SimulateOptions {
        trials: 10_001,
        ..options(claims(), 6)
    };
    assert!(said(&many).contains("10001 trials"));
}
