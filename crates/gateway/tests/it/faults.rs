//! Faults that the gateway injects itself.

use std::time::Duration;

use ninefold_config::model::{Cache, Ejection, Span};
use ninefold_core::event::FaultNotice;
use ninefold_core::fault::{FaultEffect, GatewayFault, HeaderIs};
use ninefold_core::id::InstanceId;
use ninefold_gateway::InjectError;

use crate::backend::{Act, Backend, Seen, ok, status};
use crate::rig::{Rig, file, until};

const MARK: &str = "x-ninefold-fault";

fn notice(id: &str, effect: FaultEffect) -> FaultNotice {
    FaultNotice {
        id: id.to_owned(),
        kind: effect.name().to_owned(),
        targets: vec![InstanceId::new("app", 0)],
        nodes: Vec::new(),
        claim: None,
        ttl_ns: 60_000_000_000,
        gateway: Some(GatewayFault {
            share_percent: 100,
            header: None,
            effect,
        }),
    }
}

#[tokio::test]
async fn an_abort_is_seen_by_the_client_and_marked_and_ends() {
    let backend = Backend::start(|_| ok("fine")).await;
    let mut file = file();
    file.listeners[0].routes[0].retry = None;
    let rig = Rig::with(&file, &[&backend]);
    let abort = notice("f-1", FaultEffect::Abort { status: 503 });
    rig.gateway.inject(&abort).unwrap();
    let answer = rig.get("/").await;
    assert_eq!((answer.status, answer.body.as_str()), (503, ""));
    assert_eq!(answer.header(MARK).as_deref(), Some("f-1"));
    assert!(backend.requests().is_empty(), "it is not asked");
    rig.gateway.end_fault("f-1");
    let answer = rig.get("/").await;
    assert_eq!((answer.status, answer.body.as_str()), (200, "fine"));
    assert_eq!(answer.header(MARK), None);
    assert!(!backend.requests()[0].head.contains(MARK));
    let route = rig.settled().await;
    assert_eq!((route.ok, route.failed), (1, 1));
    assert_eq!((route.injected, route.injected_failed), (1, 1));
    assert_eq!(rig.counters().endpoints[0].report.server_errors, 1);
}

#[tokio::test]
async fn an_attempt_that_is_hit_is_made_up_for_elsewhere() {
    let backends = [
        Backend::start(|_| ok("zero")).await,
        Backend::start(|_| ok("one")).await,
    ];
    let mut file = file();
    let app = file.services.values_mut().next().unwrap();
    app.ejection = Ejection {
        failures: 0,
        ..Ejection::default()
    };
    let rig = Rig::with(&file, &[&backends[0], &backends[1]]);
    rig.gateway
        .inject(&notice("f-1", FaultEffect::ResetPeer { late: false }))
        .unwrap();
    let mut marked = 0;
    for _ in 0..20 {
        let answer = rig.get("/").await;
        assert_eq!((answer.status, answer.body.as_str()), (200, "one"));
        marked += u64::from(answer.header(MARK).is_some());
    }
    let route = rig.settled().await;
    assert_eq!((route.ok, route.failed, route.injected_failed), (20, 0, 0));
    assert!(route.injected > 0);
    assert_eq!((route.injected, route.masked), (marked, marked));
    assert_eq!(route.latency.count(), 20 - marked);
    let hits = rig.gateway.end_fault("f-1").unwrap();
    assert_eq!((hits.requests, hits.ok), (marked, marked));
    assert_eq!((hits.failed, hits.other), (0, 0));
    assert_eq!(rig.gateway.end_fault("f-1"), None, "it is over");
}

/// The worst of both: it is done, and nobody is told.
#[tokio::test]
async fn a_late_reset_loses_the_answer_to_what_was_done() {
    let backends = [
        Backend::start(|_| ok("zero")).await,
        Backend::start(|_| ok("one")).await,
    ];
    let mut file = file();
    let app = file.services.values_mut().next().unwrap();
    app.ejection = Ejection {
        failures: 0,
        ..Ejection::default()
    };
    let rig = Rig::with(&file, &[&backends[0], &backends[1]]);
    let reset = notice("f-1", FaultEffect::ResetPeer { late: true });
    rig.gateway.inject(&reset).unwrap();
    let mut failed = 0;
    for _ in 0..10 {
        let put = "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nput";
        let answer = rig.once(put).await;
        assert_eq!((answer.status, answer.body.as_str()), (200, "one"));
        let post = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody";
        let answer = rig.once(post).await;
        let lost = answer.status == 502;
        assert_eq!(answer.header(MARK).is_some(), lost, "{}", answer.status);
        failed += u64::from(lost);
    }
    let hits = rig.gateway.end_fault("f-1").unwrap();
    let route = rig.settled().await;
    assert_eq!(hits.requests, backends[0].requests().len() as u64);
    assert!(hits.requests > 0);
    // Of the rest each was repeated elsewhere, and what is not to be repeated was not.
    assert_eq!((hits.failed, route.failed), (failed, failed));
    assert_eq!((hits.ok, route.masked), (hits.requests - failed, hits.ok));
    assert_eq!(backends[1].requests().len() as u64, 20 - failed);
    let bodies = backends[1].requests();
    let put = |seen: &&Seen| seen.head.starts_with("PUT");
    assert!(bodies.iter().filter(put).all(|seen| seen.body == b"put"));
    // What was broken is not used again.
    for _ in 0..10 {
        assert_eq!(rig.get("/").await.status, 200);
    }
}

#[tokio::test]
async fn latency_is_marked_towards_the_endpoint_and_ends_within_a_try() {
    let backend = Backend::start(|_| ok("late")).await;
    let mut file = file();
    let route = &mut file.listeners[0].routes[0];
    route.retry = None;
    route.try_timeout = Span::millis(500);
    let rig = Rig::with(&file, &[&backend]);
    let latency = |latency_ms| FaultEffect::Latency {
        latency_ms,
        jitter_ms: 0,
    };
    rig.gateway.inject(&notice("f-1", latency(50))).unwrap();
    let answer = rig.get("/").await;
    assert_eq!((answer.status, answer.body.as_str()), (200, "late"));
    assert_eq!(answer.header(MARK).as_deref(), Some("f-1"));
    assert!(backend.requests()[0].head.contains("x-ninefold-fault: f-1"));
    let took = rig.counters().endpoints[0].report.latency_sum_ns;
    assert!(took >= 50_000_000, "it is the endpoint's time: {took}");
    rig.gateway.end_fault("f-1");
    rig.gateway.inject(&notice("f-2", latency(10_000))).unwrap();
    let answer = rig.get("/").await;
    assert_eq!(answer.status, 504);
    assert_eq!(answer.header(MARK).as_deref(), Some("f-2"));
    assert_eq!(backend.requests().len(), 1);
}

#[tokio::test]
async fn a_wrong_body_is_as_long_and_is_not_kept() {
    let backend = Backend::start(|_| ok("right")).await;
    let mut file = file();
    file.listeners[0].routes[0].cache = Some(Cache {
        fresh: Span::secs(60),
        ..Cache::default()
    });
    let rig = Rig::with(&file, &[&backend]);
    rig.gateway
        .inject(&notice("f-1", FaultEffect::WrongBody))
        .unwrap();
    let mut plain = rig.connect().await;
    plain
        .send(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        .await;
    let head = plain.head().await.unwrap();
    assert_eq!(head.status, 200);
    assert_eq!(head.header("content-length").as_deref(), Some("5"));
    assert_eq!(head.header(MARK).as_deref(), Some("f-1"));
    let body = plain.rest().await;
    assert_ne!(body, "right");
    assert!(!body.is_empty());
    rig.gateway.end_fault("f-1");
    assert_eq!(rig.get("/").await.body, "right");
    assert_eq!(backend.requests().len(), 2);
}

#[tokio::test]
async fn only_requests_with_its_header_are_hit() {
    let backend = Backend::start(|_| ok("fine")).await;
    let rig = Rig::with(&file(), &[&backend]);
    let mut abort = notice("f-1", FaultEffect::Abort { status: 418 });
    abort.gateway.as_mut().unwrap().header = Some(HeaderIs {
        name: "x-chaos".to_owned(),
        value: None,
    });
    rig.gateway.inject(&abort).unwrap();
    assert_eq!(rig.get("/").await.status, 200);
    let asked = "GET / HTTP/1.1\r\nHost: a\r\nX-Chaos: 1\r\n\r\n";
    assert_eq!(rig.once(asked).await.status, 418);
}

#[tokio::test]
async fn one_that_nobody_ends_ends_by_itself() {
    let backend = Backend::start(|_| ok("fine")).await;
    let mut file = file();
    file.listeners[0].routes[0].retry = None;
    let rig = Rig::with(&file, &[&backend]);
    let mut abort = notice("f-1", FaultEffect::Abort { status: 418 });
    abort.ttl_ns = Duration::from_secs(2).as_nanos().try_into().unwrap();
    rig.gateway.inject(&abort).unwrap();
    assert_eq!(rig.get("/").await.status, 418);
    until("the fault is over", || async {
        (rig.get("/").await.status == 200).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_request_with_a_body_may_be_hit() {
    let backend = Backend::start(|_| status(500)).await;
    let rig = Rig::with(&file(), &[&backend]);
    let abort = notice("f-1", FaultEffect::Abort { status: 503 });
    rig.gateway.inject(&abort).unwrap();
    let post = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody";
    assert_eq!(rig.once(post).await.status, 503);
    assert!(backend.requests().is_empty());
}

#[tokio::test]
async fn what_is_no_fault_of_a_gateway_is_refused() {
    let rig = Rig::new(&file());
    let mut kill = notice("f-1", FaultEffect::ResetPeer { late: false });
    kill.gateway = None;
    assert_eq!(rig.gateway.inject(&kill), Err(InjectError::Elsewhere));
    let odd = notice("f-1", FaultEffect::Abort { status: 99 });
    let error = rig.gateway.inject(&odd).unwrap_err();
    assert!(matches!(error, InjectError::Impossible(_)), "{error}");
}

/// An abort can look like a confirmation.
#[tokio::test]
async fn what_is_injected_does_not_confirm_what_is_kept() {
    let backend = Backend::start(|_| {
        let head = "HTTP/1.1 200 OK\r\ncache-control: max-age=60\r\nage: 50\r\netag: \"a\"\r\n";
        Act::Answer(format!("{head}content-length: 1\r\n\r\nx").into_bytes())
    })
    .await;
    let mut file = file();
    file.listeners[0].routes[0].cache = Some(Cache::default());
    let rig = Rig::with(&file, &[&backend]);
    assert_eq!(rig.get("/").await.status, 200);
    let abort = notice("f-1", FaultEffect::Abort { status: 304 });
    rig.gateway.inject(&abort).unwrap();
    let asks = "GET / HTTP/1.1\r\nHost: a\r\nCache-Control: no-cache\r\n\r\n";
    let answer = rig.once(asks).await;
    assert_eq!((answer.status, answer.body.as_str()), (200, "x"));
    assert_eq!(answer.header(MARK).as_deref(), Some("f-1"));
    rig.gateway.end_fault("f-1");
    let answer = rig.get("/").await;
    assert_eq!(answer.header(MARK), None);
    let status = answer.header("cache-status").unwrap();
    let left = status.strip_prefix("ninefold; hit; ttl=").unwrap();
    assert!(left.parse::<u64>().unwrap() <= 10, "{status}");
    assert_eq!(backend.requests().len(), 1);
}
