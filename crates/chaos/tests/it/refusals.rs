//! What is refused, untested or inconclusive, and why.

use std::sync::Arc;
use std::time::Duration;

use ninefold_chaos::{Verdict, VerifyError, exit_code, verify};
use ninefold_config::model::{Span, Survive};
use ninefold_core::status::InstanceState;
use tempfile::TempDir;

use super::claims::{options, run};
use super::files::{claim, external, name};
use super::fixture::running;
use super::shop::{Behaviour, Shop};

const KILL: Survive = Survive::Instances(1);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_baseline_that_is_not_met_is_inconclusive_and_nothing_is_injected() {
    for (answer, why) in [
        (503, "failed without any fault"),
        (404, "the load is wrong"),
    ] {
        let state = TempDir::new().unwrap();
        let shop = Shop::start(Behaviour {
            answer: Some(answer),
            ..Behaviour::default()
        })
        .await;
        let report = run(&options(&state, vec![claim("c", KILL)]), &shop).await;
        assert_eq!(report.claims[0].verdict, Verdict::Inconclusive);
        let reasons = report.claims[0].reasons.join("\n");
        assert!(
            reasons.contains("baseline not met") && reasons.contains(why),
            "{reasons}"
        );
        assert!(shop.lock().announced.is_empty());
        assert_eq!(report.exit_code(), exit_code::INCONCLUSIVE);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_is_not_the_one_named_is_never_hit() {
    let state = TempDir::new().unwrap();
    let shop = Shop::start(Behaviour {
        start_offset: 1,
        ..Behaviour::default()
    })
    .await;
    let before = shop.processes();
    let report = run(&options(&state, vec![claim("c", KILL)]), &shop).await;
    assert_eq!(report.claims[0].verdict, Verdict::Inconclusive);
    let reasons = report.claims[0].reasons.join("\n");
    assert!(reasons.contains("no such process is there"), "{reasons}");
    assert_eq!(shop.processes(), before);
    assert!(before.into_iter().all(running));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_preflight_refuses_what_is_degraded_already() {
    let state = TempDir::new().unwrap();
    let shop = Shop::start(Behaviour::default()).await;
    shop.lock().instances[1].state = InstanceState::NotReady;
    let mut options = options(&state, vec![claim("c", KILL)]);
    options.patience = Duration::from_millis(50);
    // On a task of its own: the future is `Send`.
    let spawned = tokio::spawn(async move {
        let mut quiet = |_| {};
        verify(&options, &shop, &mut quiet).await.unwrap()
    });
    let report = spawned.await.unwrap();
    assert_eq!(report.exit_code(), exit_code::REFUSED);
    assert_eq!(report.claims[0].verdict, Verdict::Untested);
    assert_eq!(report.refused.as_deref(), Some("web/1 is not-ready"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn disabled_chaos_another_run_and_a_dead_reaper_are_refused() {
    let state = TempDir::new().unwrap();
    let shop = Shop::start(Behaviour {
        replicas: 1,
        ..Behaviour::default()
    })
    .await;
    let good = options(&state, vec![claim("c", KILL)]);

    let mut disabled = good.clone();
    Arc::make_mut(&mut disabled.file).chaos.enabled = false;
    let report = run(&disabled, &shop).await;
    assert_eq!(report.refused.as_deref(), Some("chaos.enabled is false"));
    assert_eq!(report.exit_code(), exit_code::REFUSED);

    let mut dead = good.clone();
    dead.reaper = vec!["false".into()];
    let refused = run(&dead, &shop).await.refused.unwrap();
    assert!(
        refused.contains("the reaper does not stand by"),
        "{refused}"
    );

    let lock = std::fs::File::create(state.path().join("chaos/lock")).unwrap();
    lock.lock().unwrap();
    let report = run(&good, &shop).await;
    assert_eq!(report.refused.as_deref(), Some("another verify runs"));
    assert!(shop.lock().announced.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_tried_here_is_untested_with_a_reason() {
    let state = TempDir::new().unwrap();
    let shop = Shop::start(Behaviour {
        replicas: 1,
        ..Behaviour::default()
    })
    .await;
    let mut outside = claim("outside", KILL);
    outside.service = name("elsewhere");
    let many = claim("too many", Survive::Instances(9));
    let mut slow = claim("slow", KILL);
    slow.recover = Some(Span::secs(600));
    let mut options = options(&state, vec![outside, many, slow]);
    let services = &mut Arc::get_mut(&mut options.file).unwrap().services;
    services.insert(name("elsewhere"), external());
    let report = run(&options, &shop).await;
    let why: Vec<&str> = report
        .claims
        .iter()
        .map(|c| c.reasons[0].as_str())
        .collect();
    assert!(
        why[0].contains("service elsewhere runs elsewhere") && why[0].contains("`resets`"),
        "{why:?}"
    );
    assert!(
        why[1].contains("9 instances of web, and there are 1"),
        "{why:?}"
    );
    assert!(why[2].contains("chaos.ttl_max is 1m"), "{why:?}");
    assert!(report.claims.iter().all(|c| c.verdict == Verdict::Untested));
    assert_eq!(report.exit_code(), exit_code::INCONCLUSIVE);
}

#[tokio::test]
async fn wrong_usage_is_an_error() {
    let state = TempDir::new().unwrap();
    let shop = Shop::start(Behaviour {
        replicas: 1,
        ..Behaviour::default()
    })
    .await;
    let mut quiet = |_| {};
    let none = options(&state, Vec::new());
    assert!(matches!(
        verify(&none, &shop, &mut quiet).await,
        Err(VerifyError::NoClaims)
    ));
    let mut wrong = options(&state, vec![claim("c", KILL)]);
    wrong.claims = vec!["d".to_owned()];
    let error = verify(&wrong, &shop, &mut quiet).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the file has no claim named `d`\nIts claims are:\n  c"
    );
    assert_eq!(error.exit_code(), exit_code::ERROR);
    wrong.claims.clear();
    wrong.trials = 0;
    assert!(matches!(
        verify(&wrong, &shop, &mut quiet).await,
        Err(VerifyError::Trials(0))
    ));
    wrong.trials = 1;
    wrong.rate = Some(f64::NAN);
    assert!(matches!(
        verify(&wrong, &shop, &mut quiet).await,
        Err(VerifyError::Rate(_))
    ));
}
