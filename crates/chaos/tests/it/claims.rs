//! Whole trials against real processes.

use std::sync::Arc;
use std::time::Duration;

use ninefold_chaos::ledger::{Entry, Ledger, Undo};
use ninefold_chaos::process::{Presence, Process};
use ninefold_chaos::{Phase, Progress, Report, Traffic, Verdict, VerifyOptions, exit_code, verify};
use ninefold_config::model::{Claim, Ratio, Span, Survive};
use ninefold_core::event::FaultNotice;
use tempfile::TempDir;
use tokio::sync::watch;

use super::files::{claim, file, request};
use super::fixture::{Victim, eventually_async, reaper, running, stopped};
use super::shop::{Behaviour, Shop, folder};

pub(crate) fn options(state: &TempDir, claims: Vec<Claim>) -> VerifyOptions {
    let mut options = VerifyOptions::new(Arc::new(file(claims)), state.path().into(), reaper());
    options.seed = 7;
    options
}

pub(crate) async fn run(options: &VerifyOptions, shop: &Shop) -> Report {
    let mut quiet = |_| {};
    verify(options, shop, &mut quiet).await.unwrap()
}

fn reasons(report: &Report) -> String {
    report.claims[0].reasons.join("\n")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kills_are_survived_by_three_replicas_with_retries() {
    let state = TempDir::new().unwrap();
    let shop = Shop::start(Behaviour::default()).await;
    let mut options = options(&state, vec![claim("one may die", Survive::Instances(1))]);
    options.trials = 3;
    let mut phases = Vec::new();
    let mut collect = |progress| {
        if let Progress::Phase {
            trial: 1, phase, ..
        } = progress
        {
            phases.push(phase);
        }
    };
    let report = verify(&options, &shop, &mut collect).await.unwrap();
    let answer = &report.claims[0];
    assert_eq!(answer.verdict, Verdict::Proven, "{}", report.to_text());
    assert_eq!((answer.passed(), answer.trials.len()), (3, 3));
    assert_eq!(report.exit_code(), exit_code::PROVEN);
    let mut hit: Vec<String> = answer.trials.iter().map(|t| t.on_whom()).collect();
    hit.sort();
    assert_eq!(hit, ["web/0", "web/1", "web/2"]);
    assert!(answer.requests().acked > 100);
    assert!(
        answer
            .trials
            .iter()
            .all(|t| t.detect.is_some() && t.recover >= t.detect)
    );
    assert!(phases.is_sorted() && phases.len() == 11, "{phases:?}");
    assert_eq!(phases.first(), Some(&Phase::Preflight));
    let shop_state = shop.lock();
    assert_eq!(shop_state.announced.len(), 3);
    assert!(shop_state.ended.iter().all(|(_, how)| how == "rolled back"));
    assert!(shop_state.faults.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hang_that_is_healed_is_survived() {
    let state = TempDir::new().unwrap();
    let shop = Shop::start(Behaviour::default()).await;
    let mut hang = claim("one may hang", Survive::Hang(1));
    // A single blocked request may cost up to the per-try timeout, and none may fail.
    hang.available = Ratio::ONE;
    let report = run(&options(&state, vec![hang]), &shop).await;
    let answer = &report.claims[0];
    assert_eq!(answer.verdict, Verdict::Proven, "{}", report.to_text());
    let class = answer.trials[0].class;
    assert_eq!(class, Some(ninefold_core::taxonomy::FailureClass::Timing));
    assert!(shop.processes().into_iter().all(running));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_zone_takes_all_its_instances_with_it() {
    let state = TempDir::new().unwrap();
    let shop = Shop::start(Behaviour::default()).await;
    let before = shop.processes();
    let mut options = options(&state, vec![claim("a zone may go dark", Survive::Zones(1))]);
    options.trials = 2;
    let report = run(&options, &shop).await;
    let answer = &report.claims[0];
    assert_eq!(answer.verdict, Verdict::Proven, "{}", report.to_text());
    let mut hit: Vec<String> = answer.trials.iter().map(|t| t.on_whom()).collect();
    hit.sort();
    assert_eq!(hit, ["web/0, web/2", "web/1"]);
    let after = shop.processes();
    assert!(before.iter().all(|process| !after.contains(process)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lone_replica_without_retries_is_refuted_with_figures() {
    let state = TempDir::new().unwrap();
    let shop = Shop::start(Behaviour {
        replicas: 1,
        retry: false,
        ..Behaviour::default()
    })
    .await;
    let report = run(
        &options(&state, vec![claim("one may die", Survive::Instances(1))]),
        &shop,
    )
    .await;
    assert_eq!(
        report.claims[0].verdict,
        Verdict::Refuted,
        "{}",
        report.to_text()
    );
    assert_eq!(report.exit_code(), exit_code::REFUTED);
    let why = reasons(&report);
    assert!(
        why.contains("requests failed (declared: at least 99%)"),
        "{why}"
    );
    assert!(why.contains("on web/0"), "{why}");
    assert_eq!(
        report.claims[0].replay,
        "ninefold verify shop/ninefold.toml --claim 'one may die' --trials 1 --seed 7"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hang_that_nobody_heals_is_refuted_and_undone() {
    let state = TempDir::new().unwrap();
    let shop = Shop::start(Behaviour {
        heals_hangs: false,
        ..Behaviour::default()
    })
    .await;
    let mut hang = claim("one may hang", Survive::Hang(1));
    hang.recover = Some(Span::millis(500));
    let mut options = options(&state, vec![hang]);
    Arc::get_mut(&mut options.file).unwrap().chaos.ttl_max = Span::secs(2);
    let report = run(&options, &shop).await;
    assert_eq!(
        report.claims[0].verdict,
        Verdict::Refuted,
        "{}",
        report.to_text()
    );
    let why = reasons(&report);
    assert!(
        why.contains("not every instance was ready again within 1.500 s"),
        "{why}"
    );
    assert!(!why.contains("residue"), "{why}");
    assert!(shop.processes().into_iter().all(running));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lost_writes_refute_and_kept_writes_prove() {
    let state = TempDir::new().unwrap();
    let mut writes = claim("no order is lost", Survive::Instances(1));
    writes.lose = Some(0);
    writes.load.requests = vec![request("PUT", "/orders/{id}")];
    writes.load.check = Some("/orders/{id}".to_owned());
    for (store, expected) in [
        ("memory".to_owned(), Verdict::Refuted),
        (folder(&state), Verdict::Proven),
    ] {
        let replicas = 2;
        let shop = Shop::start(Behaviour {
            replicas,
            store,
            ..Behaviour::default()
        })
        .await;
        let report = run(&options(&state, vec![writes.clone()]), &shop).await;
        assert_eq!(report.claims[0].verdict, expected, "{}", report.to_text());
        let lost = report.claims[0].trials[0].lost.clone().unwrap();
        assert!(lost.checked > 50, "{lost:?}");
        if expected == Verdict::Refuted {
            assert!(lost.lost > 0 && !lost.lost_ids.is_empty(), "{lost:?}");
            assert!(reasons(&report).contains("acknowledged writes are lost"));
        } else {
            assert_eq!((lost.lost, lost.unreadable), (0, 0));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn live_traffic_is_counted_by_the_gateway_and_must_be_enough() {
    let state = TempDir::new().unwrap();
    let shop = Shop::start(Behaviour::default()).await;
    let mut options = options(&state, vec![claim("one may die", Survive::Instances(1))]);
    options.traffic = Traffic::Live;
    let report = run(&options, &shop).await;
    assert_eq!(report.claims[0].verdict, Verdict::Inconclusive);
    assert!(
        reasons(&report).contains("only 0 requests passed"),
        "{}",
        reasons(&report)
    );

    let plan = ninefold_chaos::load::Plan::new(
        shop.address,
        "shop",
        &[request("GET", "/")],
        100.0,
        Duration::from_secs(5),
        "live",
    );
    let live = ninefold_chaos::load::Load::start(plan.unwrap());
    let report = run(&options, &shop).await;
    assert_eq!(
        report.claims[0].verdict,
        Verdict::Proven,
        "{}",
        report.to_text()
    );
    assert!(report.claims[0].requests().acked >= 20);
    assert!(!live.finish().await.is_empty());
}

/// Runs a hang that nobody heals, and does something in the middle of it.
async fn in_mid_hang(act: impl Fn(&watch::Sender<bool>, &TempDir)) -> (Report, Shop, TempDir) {
    let state = TempDir::new().unwrap();
    let shop = Shop::start(Behaviour {
        heals_hangs: false,
        ..Behaviour::default()
    })
    .await;
    let (stop, stopping) = watch::channel(false);
    let mut options = options(&state, vec![claim("one may hang", Survive::Hang(1))]);
    options.trials = 3;
    options.stop = stopping;
    let report = {
        let acting = async {
            eventually_async("an instance is stopped", || {
                shop.processes().into_iter().any(stopped)
            })
            .await;
            act(&stop, &state);
        };
        let (report, ()) = tokio::join!(run(&options, &shop), acting);
        report
    };
    (report, shop, state)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn asked_to_stop_it_rolls_back_and_is_inconclusive() {
    let (report, shop, _state) = in_mid_hang(|stop, _| stop.send(true).unwrap()).await;
    assert_eq!(report.claims[0].verdict, Verdict::Inconclusive);
    let why = reasons(&report);
    assert!(
        why.contains("interrupted") && why.contains("only 1 of 3 trials ran"),
        "{why}"
    );
    assert!(!why.contains("residue"), "{why}");
    assert_eq!(report.exit_code(), exit_code::INCONCLUSIVE);
    assert!(shop.processes().into_iter().all(running));
    assert_eq!(shop.lock().ended.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_reaper_ends_the_trial() {
    let (report, shop, _state) = in_mid_hang(|_, state| {
        super::reaper::kill_reaper_of(&VerifyOptions::ledger_folder(state.path()));
    })
    .await;
    assert_eq!(report.claims[0].verdict, Verdict::Inconclusive);
    assert!(
        reasons(&report).contains("the reaper ended"),
        "{}",
        reasons(&report)
    );
    assert!(shop.processes().into_iter().all(running));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dropped_run_is_undone_by_the_reaper() {
    let state = TempDir::new().unwrap();
    let shop = Shop::start(Behaviour {
        heals_hangs: false,
        ..Behaviour::default()
    })
    .await;
    let options = options(&state, vec![claim("one may hang", Survive::Hang(1))]);
    {
        let running = run(&options, &shop);
        let hung = eventually_async("an instance is stopped", || {
            shop.processes().into_iter().any(stopped)
        });
        tokio::select! {
            _ = running => panic!("it ended before the hang"),
            () = hung => {}
        }
    }
    eventually_async("the reaper resumed it", || {
        shop.processes().into_iter().all(running)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_up_of_its_own_ends_with_the_run_proven_or_refused() {
    let state = TempDir::new().unwrap();
    let shop = Shop::start(Behaviour::default()).await;
    for enabled in [true, false] {
        let up = Victim::sleeping();
        let process = up.process();
        let mut options = options(&state, vec![claim("c", Survive::Instances(1))]);
        Arc::get_mut(&mut options.file).unwrap().chaos.enabled = enabled;
        options.owned_up = Some(process);
        let report = run(&options, &shop).await;
        assert_eq!(report.refused.is_none(), enabled);
        assert_eq!(process.presence(), Presence::Gone);
        assert_eq!(report.notes, [""; 0]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn faults_of_a_dead_run_are_undone_and_ended_first() {
    let state = TempDir::new().unwrap();
    let shop = Shop::start(Behaviour {
        heals_hangs: false,
        ..Behaviour::default()
    })
    .await;
    let target = shop.processes()[0];
    let own = Process::own().unwrap();
    let gone = Process {
        start: own.start + 1,
        ..own
    };
    let mut left = Entry::new("f-old".to_owned(), "hang".to_owned(), gone);
    left.undo = vec![Undo::Resume {
        leader: target,
        members: vec![target],
    }];
    let ledger = Ledger::open(&VerifyOptions::ledger_folder(state.path())).unwrap();
    ledger.plan(&left).unwrap();
    target.signal(rustix::process::Signal::STOP).unwrap();
    shop.lock().faults.push(FaultNotice {
        id: "f-old".to_owned(),
        kind: "hang".to_owned(),
        targets: Vec::new(),
        nodes: Vec::new(),
        claim: None,
        ttl_ns: 1,
        gateway: None,
    });
    let report = run(
        &options(&state, vec![claim("c", Survive::Instances(1))]),
        &shop,
    )
    .await;
    assert_eq!(
        report.claims[0].verdict,
        Verdict::Proven,
        "{}",
        report.to_text()
    );
    assert!(report.notes[0].contains("fault f-old of an earlier run was undone"));
    assert!(shop.processes().into_iter().all(running));
    let ended = shop.lock().ended[0].clone();
    assert_eq!(
        ended,
        ("f-old".to_owned(), "undone after a crash".to_owned())
    );
}
