//! A service that fails as a whole.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::Duration;

use ninefold_config::model::{
    Breaker, Ejection, Fallback, File, FixedAnswer, FixedBody, Overload, Span,
};
use ninefold_gateway::{BreakerCounters, FallbackCause, Gateway, Notice, Succession};
use prometheus_client::registry::Registry;
use tokio::sync::Notify;

use crate::backend::{Act, Backend, ok, status};
use crate::rig::{Answer, Rig, file, until, views};

/// Opens after five failures in a minute, for as long as this.
fn guarded(open_wait: Span) -> File {
    let mut file = file();
    let service = file.services.values_mut().next().unwrap();
    service.breaker = Some(Breaker {
        minimum_calls: 5,
        window: Span::secs(60),
        open_wait,
        open_wait_max: open_wait,
        trials: 1,
        ..Breaker::default()
    });
    file.listeners[0].routes[0].retry = None;
    file
}

const LONG: Span = Span::secs(50);

fn breaker(rig: &Rig) -> BreakerCounters {
    rig.counters().breakers[0].clone()
}

fn reason(answer: &Answer) -> String {
    answer.header("x-ninefold-reason").unwrap_or_default()
}

/// What the control plane was told, in order.
fn told(gateway: &Gateway) -> Vec<&'static str> {
    let state = |notice: &Notice| match notice {
        Notice::Breaker { service, state } if &**service == "app" => Some(*state),
        _ => None,
    };
    gateway.take_notices().iter().filter_map(state).collect()
}

#[tokio::test]
async fn it_opens_when_all_fail_and_nobody_waits_then() {
    let backend = Backend::start(|_| status(500)).await;
    let rig = Rig::with(&guarded(LONG), &[&backend]);
    for _ in 0..5 {
        assert_eq!(rig.get("/").await.status, 500);
    }
    for _ in 0..3 {
        let answer = rig.get("/").await;
        assert_eq!((answer.status, &*reason(&answer)), (503, "gateway/breaker"));
        let after: u64 = answer.header("retry-after").unwrap().parse().unwrap();
        // A tenth of the wait is jitter.
        assert!((2..=50).contains(&after), "{after}");
    }
    assert_eq!(backend.requests().len(), 5, "it is left alone");
    assert_eq!(told(&rig.gateway), ["open"]);
    let now = breaker(&rig);
    assert_eq!((&*now.state, now.opened, now.refused), ("open", 1, 3));
    assert!(now.left.is_some_and(|left| left <= LONG.0));
    let route = rig.settled().await;
    assert_eq!((route.failed, route.ok), (8, 0));
    let counters = rig.counters();
    assert_eq!(counters.endpoints[0].report.attempts, 5);

    let mut registry = Registry::default();
    registry.register_collector(rig.gateway.collector());
    let mut text = String::new();
    prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
    for line in [
        "ninefold_breaker_state{service=\"app\",state=\"open\"} 1",
        "ninefold_breaker_state{service=\"app\",state=\"closed\"} 0",
        "ninefold_breaker_opened_total{service=\"app\"} 1",
        "ninefold_breaker_refused_requests_total{service=\"app\"} 3",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} in\n{text}");
    }
}

#[tokio::test]
async fn it_closes_once_the_service_is_well() {
    let broken = Arc::new(AtomicBool::new(true));
    let is = Arc::clone(&broken);
    let backend = Backend::start(move |_| {
        if is.load(SeqCst) {
            status(500)
        } else {
            ok("well")
        }
    })
    .await;
    let rig = Rig::with(&guarded(Span::millis(20)), &[&backend]);
    until("it has tried again, in vain", || async {
        rig.get("/").await;
        drop(rig.gateway.take_notices());
        (breaker(&rig).opened >= 2).then_some(())
    })
    .await;
    broken.store(false, SeqCst);
    until("it is closed", || async {
        let answer = rig.get("/").await;
        (breaker(&rig).state == "closed").then(|| assert_eq!(answer.status, 200))
    })
    .await;
    assert_eq!(told(&rig.gateway).last(), Some(&"closed"));
    for _ in 0..20 {
        assert_eq!(rig.get("/").await.status, 200);
    }
}

/// One trial at a time: the others are not to wait for it.
#[tokio::test]
async fn while_it_tries_the_others_are_answered_at_once() {
    let go = Arc::new(Notify::new());
    let (broken, theirs) = (Arc::new(AtomicBool::new(true)), Arc::clone(&go));
    let is = Arc::clone(&broken);
    let backend = Backend::start(move |_| {
        if is.load(SeqCst) {
            status(500)
        } else {
            let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok".to_vec();
            Act::AnswerWhen(Arc::clone(&theirs), answer)
        }
    })
    .await;
    let mut file = guarded(Span::millis(20));
    file.listeners[0].routes[0].try_timeout = Span::secs(10);
    let rig = Rig::with(&file, &[&backend]);
    for _ in 0..5 {
        rig.get("/").await;
    }
    broken.store(false, SeqCst);
    let trial = async {
        until("a trial is let through", || async {
            let answer = rig.get("/").await;
            (answer.status == 200).then_some(())
        })
        .await;
    };
    let others = async {
        until("it tries", || async {
            (breaker(&rig).state == "half_open").then_some(())
        })
        .await;
        for _ in 0..10 {
            let answer = rig.get("/").await;
            assert_eq!((answer.status, &*reason(&answer)), (503, "gateway/breaker"));
        }
        go.notify_one();
    };
    tokio::join!(trial, others);
    assert_eq!(breaker(&rig).state, "closed");
}

#[tokio::test]
async fn a_fallback_answers_while_it_is_open() {
    let backend = Backend::start(|_| status(500)).await;
    let mut file = guarded(LONG);
    file.listeners[0].routes[0].fallback = Some(Fallback::Answer(FixedAnswer {
        status: 200,
        content_type: "text/plain".to_owned(),
        body: FixedBody::Text("later".to_owned()),
    }));
    let rig = Rig::with(&file, &[&backend]);
    for _ in 0..5 {
        assert_eq!(rig.get("/").await.status, 500);
    }
    let answer = rig.get("/").await;
    assert_eq!((answer.status, &*answer.body), (200, "later"));
    let cause = answer.header("x-ninefold-fallback");
    assert_eq!(cause.as_deref(), Some("breaker"));
    let route = rig.settled().await;
    assert!(route.fallbacks.contains(&(FallbackCause::Breaker, 1)));
}

#[tokio::test]
async fn a_part_that_fails_opens_nothing() {
    let turn = AtomicBool::new(false);
    let backend = Backend::start(move |_| {
        if turn.fetch_xor(true, SeqCst) {
            status(500)
        } else {
            ok("x")
        }
    })
    .await;
    let rig = Rig::with(&guarded(LONG), &[&backend]);
    for _ in 0..40 {
        let answer = rig.get("/").await;
        assert_ne!(reason(&answer), "gateway/breaker");
    }
    let now = breaker(&rig);
    assert_eq!((&*now.state, now.calls, now.failed), ("closed", 40, 20));
}

/// Neither a client that breaks off, nor one that waits for less than a try, nor the gateway's own
/// limit says anything about the service.
#[tokio::test]
async fn what_is_not_the_services_fault_opens_nothing() {
    let backend = Backend::start(|seen| {
        if seen.head.contains("/slow") {
            Act::Hang
        } else {
            status(404)
        }
    })
    .await;
    let mut file = guarded(LONG);
    let service = file.services.values_mut().next().unwrap();
    service.overload = Some(Overload {
        initial_limit: 1,
        min_limit: 1,
        max_limit: 1,
        max_waiting: 1,
        max_wait: Span::millis(1),
    });
    service.ejection = Ejection {
        failures: 0,
        ..Ejection::default()
    };
    let rig = Rig::with(&file, &[&backend]);
    for _ in 0..10 {
        assert_eq!(rig.get("/").await.status, 404);
    }
    for _ in 0..10 {
        let hasty = "GET /slow HTTP/1.1\r\nHost: a\r\nx-deadline-ms: 5\r\n\r\n";
        let answer = rig.once(hasty).await;
        assert_eq!((answer.status, &*reason(&answer)), (504, "client/wait"));
    }
    let mut leaves = rig.connect().await;
    leaves.send(b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n").await;
    until("it is under way", || async {
        (rig.counters().services[0].in_flight == 1).then_some(())
    })
    .await;
    for _ in 0..10 {
        let answer = rig.get("/").await;
        assert_eq!(
            (answer.status, &*reason(&answer)),
            (503, "gateway/overload")
        );
    }
    drop(leaves);
    until("its place is free", || async {
        (rig.counters().services[0].in_flight == 0).then_some(())
    })
    .await;
    let now = breaker(&rig);
    assert_eq!((&*now.state, now.calls, now.failed), ("closed", 10, 0));
}

#[tokio::test]
async fn it_stays_open_through_a_reload() {
    let backend = Backend::start(|_| status(500)).await;
    let state = tempfile::tempdir().unwrap();
    let mut file = guarded(LONG);
    let all = Arc::new(Succession::new(
        Gateway::start(&file, state.path()).unwrap(),
    ));
    all.publish(views(&[backend.address]));
    let ask = async || {
        let mut plain = crate::rig::Plain::connect(all.addresses()[0].tcp().unwrap()).await;
        plain.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
        plain.answer().await
    };
    for _ in 0..5 {
        assert_eq!(ask().await.status, 500);
    }
    assert_eq!(reason(&ask().await), "gateway/breaker");
    // Something else in the file changes.
    file.listeners[0].routes[0].timeout = Span::secs(9);
    let told = all.take_notices();
    assert_eq!(told.len(), 1, "{told:?}");
    all.stage(&file, state.path()).unwrap();
    all.promote();
    let wait = Duration::from_secs(15);
    all.retire(Duration::ZERO, wait).await.unwrap();
    assert_eq!(reason(&ask().await), "gateway/breaker");
    let now = &all.counters().breakers[0];
    assert_eq!((&*now.state, now.opened, now.refused), ("open", 1, 2));
    // What says something else begins anew.
    let service = file.services.values_mut().next().unwrap();
    service.breaker.as_mut().unwrap().minimum_calls = 6;
    all.stage(&file, state.path()).unwrap();
    all.promote();
    all.retire(Duration::ZERO, wait).await.unwrap();
    assert_eq!(ask().await.status, 500);
    let now = &all.counters().breakers[0];
    assert_eq!((&*now.state, now.opened, now.refused), ("closed", 1, 2));
}
