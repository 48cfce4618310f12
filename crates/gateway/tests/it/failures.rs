//! Failing endpoints, and what clients see of it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};

use ninefold_config::model::{Bytes, Redundancy, Retry, Span};
use ninefold_core::observation::EjectionGround;
use ninefold_gateway::{Notice, RequestEnd, RouteCounters};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::backend::{Act, Backend, ok, status};
use crate::rig::{Rig, file, soon, until, views};

/// An address where nobody listens.
async fn dead() -> SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    listener.local_addr().unwrap()
}

#[tokio::test]
async fn without_an_endpoint_503_at_once_in_the_shape_that_was_asked_for() {
    let rig = Rig::new(&file());
    let text = rig.get("/").await;
    assert_eq!(text.status, 503);
    assert_eq!(text.header("retry-after").unwrap(), "1");
    assert_eq!(text.header("x-ninefold-reason").unwrap(), "gateway/route");
    assert_eq!(
        text.body,
        "Service Unavailable: service app has no endpoint that is up\n"
    );
    let json = rig
        .once("GET / HTTP/1.1\r\nHost: a\r\nAccept: application/json\r\n\r\n")
        .await;
    assert_eq!(json.header("content-type").unwrap(), "application/json");
    let body: serde_json::Value = serde_json::from_str(&json.body).unwrap();
    assert_eq!(body["reason"], "gateway/route");
    let route = rig.settled().await;
    assert_eq!(route.failed, 2);
    let unserved = [(RequestEnd::NoEndpoint, 2), (RequestEnd::BreakerOpen, 0)];
    assert_eq!(route.unserved, unserved);
}

#[tokio::test]
async fn an_endpoint_accounts_for_how_its_requests_failed() {
    let rig = Rig::new(&file());
    let (one, two) = (dead().await, dead().await);
    rig.publish(&[one, two]);
    assert_eq!(rig.get("/").await.status, 502);
    let route = rig.settled().await;
    assert_eq!((route.failed, route.retries), (1, 2));
    // Both failed it, and somebody was asked.
    for endpoint in rig.counters().endpoints {
        let ends: Vec<_> = endpoint.ends.iter().map(|(_, end, n)| (*end, *n)).collect();
        assert_eq!(ends, [(RequestEnd::ConnectRefused, 1)]);
        assert_eq!((endpoint.impact[0].1, endpoint.impact[0].2), (1, 0));
    }
    assert!(route.unserved.iter().all(|(_, count)| *count == 0));
}

#[tokio::test]
async fn a_retry_masks_a_dead_endpoint() {
    let backend = Backend::start(|_| ok("x")).await;
    let rig = Rig::new(&file());
    rig.publish(&[dead().await, backend.address]);
    for _ in 0..30 {
        assert_eq!(rig.get("/").await.status, 200);
        let post = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx";
        assert_eq!(
            rig.once(post).await.status,
            200,
            "nothing was sent, so a POST is safe too"
        );
    }
    let route = rig.settled().await;
    assert_eq!(route.ok, 60);
    assert!(route.masked > 0 && route.retries >= route.masked);
    let endpoint = &rig.counters().endpoints[0];
    assert_eq!(endpoint.report.connect_failed, endpoint.report.attempts);
    assert_eq!(endpoint.impact[0].2, route.masked);
    assert_eq!(endpoint.impact[0].1, 0);
}

#[tokio::test]
async fn a_killed_endpoint_with_kept_connections_is_masked() {
    let (one, two) = (
        Backend::start(|_| ok("1")).await,
        Backend::start(|_| ok("2")).await,
    );
    let rig = Rig::with(&file(), &[&one, &two]);
    let mut plain = rig.connect().await;
    for round in 0..200 {
        if round == 100 {
            one.kill();
        }
        plain.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
        assert_eq!(plain.answer().await.status, 200, "round {round}");
    }
    assert_eq!(rig.settled().await.ok, 200);
}

/// A dead kept connection and the refusal that follows are both of the killed endpoint: they leave
/// the one retry that the route has for another one.
#[tokio::test]
async fn a_dead_kept_connection_does_not_use_up_the_retry() {
    let (one, two) = (
        Backend::start(|_| ok("1")).await,
        Backend::start(|_| ok("2")).await,
    );
    let mut file = file();
    file.listeners[0].routes[0].retry.as_mut().unwrap().attempts = 2;
    let rig = Rig::with(&file, &[&one, &two]);
    let mut plain = rig.connect().await;
    for round in 0..200 {
        if round == 100 {
            one.kill();
        }
        plain.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
        assert_eq!(plain.answer().await.status, 200, "round {round}");
    }
    assert_eq!(rig.settled().await.ok, 200);
}

/// The penalty for failures keeps traffic away, but not so long that nothing comes of them.
#[tokio::test]
async fn an_endpoint_that_only_fails_is_tried_until_it_is_ejected() {
    let bad = Backend::start(|_| status(500)).await;
    let good = Backend::start(|_| ok("x")).await;
    let rig = Rig::with(&file(), &[&bad, &good]);
    until("an ejection", || async {
        rig.get("/").await;
        rig.gateway.take_notices().pop()
    })
    .await;
    let failed = bad.requests().len();
    assert!(failed >= 5, "{failed} failures");
}

/// Answers about the request are failures for its client, and no fault of the endpoint.
#[tokio::test]
async fn what_a_request_asks_for_in_vain_ejects_nobody() {
    for code in [501, 505] {
        let one = Backend::start(move |_| status(code)).await;
        let two = Backend::start(move |_| status(code)).await;
        let rig = Rig::with(&file(), &[&one, &two]);
        for _ in 0..40 {
            assert_eq!(rig.get("/").await.status, code);
        }
        assert_eq!(rig.settled().await.failed, 40);
        assert!(rig.gateway.take_notices().is_empty());
        for endpoint in rig.counters().endpoints {
            assert_eq!(endpoint.report.failures(), 0);
            assert_eq!(endpoint.impact[0].1, 0);
        }
        // Both were asked: neither lost its place.
        assert!(!one.requests().is_empty() && !two.requests().is_empty());
    }
}

#[tokio::test]
async fn a_post_that_was_sent_is_never_sent_again() {
    for act in [Act::Close, status(503)] {
        let second = act.clone();
        let one = Backend::start(move |_| act.clone()).await;
        let two = Backend::start(move |_| second.clone()).await;
        let rig = Rig::with(&file(), &[&one, &two]);
        let answer = rig
            .once("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx")
            .await;
        assert!(answer.status == 502 || answer.body == "no", "{answer:?}");
        assert_eq!(one.requests().len() + two.requests().len(), 1);
        let route = rig.settled().await;
        assert_eq!((route.failed, route.retries), (1, 0));
    }
}

#[tokio::test]
async fn idempotent_bodies_are_replayed() {
    let bad = Backend::start(|_| status(503)).await;
    let good = Backend::start(|_| ok("x")).await;
    let rig = Rig::with(&file(), &[&bad, &good]);
    for _ in 0..10 {
        let put = "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
        assert_eq!(rig.once(put).await.status, 200);
    }
    assert!(!bad.requests().is_empty());
    for request in bad.requests().iter().chain(&good.requests()) {
        let data: Vec<u8> = request
            .body
            .iter()
            .copied()
            .filter(|b| (b'a'..=b'e').contains(b))
            .collect();
        assert_eq!(data, b"abcde");
    }
}

#[tokio::test]
async fn attempts_end_after_their_time_and_elsewhere_it_works() {
    let hanging = Backend::start(|_| Act::Hang).await;
    let good = Backend::start(|_| ok("x")).await;
    let mut file = file();
    file.listeners[0].routes[0].try_timeout = Span::millis(60);
    let rig = Rig::with(&file, &[&hanging, &good]);
    for _ in 0..8 {
        assert_eq!(rig.get("/").await.status, 200);
    }
    let route = rig.settled().await;
    let report = rig.counters().endpoints[0].report;
    assert!(
        route.masked >= 1 && report.timed_out >= 1,
        "{route:?} {report:?}"
    );
    assert_eq!(report.in_flight, 0);
}

#[tokio::test]
async fn the_routes_deadline_is_the_gateways_and_not_the_endpoints() {
    let hanging = Backend::start(|_| Act::Hang).await;
    let mut file = file();
    file.listeners[0].routes[0].timeout = Span::millis(50);
    let rig = Rig::with(&file, &[&hanging]);
    let answer = rig.get("/").await;
    assert_eq!(answer.status, 504);
    assert_eq!(answer.header("x-ninefold-reason").unwrap(), "gateway/wait");
    let report = rig.counters().endpoints[0].report;
    assert_eq!(
        (report.timed_out, report.attempts),
        (0, 0),
        "it had no fair time"
    );
    assert_eq!(rig.settled().await.failed, 1);
}

/// One request that allows so much, and how it was counted.
async fn allowing(rig: &Rig, millis: u32) -> (String, RouteCounters) {
    let answer = rig
        .once(&format!(
            "GET / HTTP/1.1\r\nHost: a\r\nx-deadline-ms: {millis}\r\n\r\n"
        ))
        .await;
    assert_eq!(answer.status, 504);
    let reason = answer.header("x-ninefold-reason").unwrap();
    (reason, rig.settled().await)
}

#[tokio::test]
async fn a_client_that_does_not_allow_one_try_judges_nobody() {
    let hanging = Backend::start(|_| Act::Hang).await;
    let mut file = file();
    file.listeners[0].routes[0].retry = None;
    file.listeners[0].routes[0].try_timeout = Span::millis(200);
    let rig = Rig::with(&file, &[&hanging]);
    for millis in [0, 1, 50] {
        let (reason, route) = allowing(&rig, millis).await;
        assert_eq!(reason, "client/wait");
        assert_eq!(route.failed, 0, "{route:?}");
    }
    let report = rig.counters().endpoints[0].report;
    assert_eq!((report.timed_out, report.attempts), (0, 0));
    let (reason, route) = allowing(&rig, 1_000).await;
    assert_eq!(reason, "upstream/wait");
    assert_eq!((route.failed, route.cancelled), (1, 3), "{route:?}");
}

#[tokio::test]
async fn an_impatient_client_hides_no_other_failure() {
    let hanging = Backend::start(|_| Act::Hang).await;
    let rig = Rig::new(&file());
    rig.publish(&[hanging.address, dead().await]);
    // Which comes first is a matter of luck.
    until("a request that met both", || async {
        allowing(&rig, 100).await;
        let route = rig.settled().await;
        (route.failed > 0 && route.retries > 0).then_some(())
    })
    .await;
}

#[tokio::test]
async fn retries_are_withdrawn_from_a_budget() {
    let bad = Backend::start(|_| status(503)).await;
    let other = Backend::start(|_| status(503)).await;
    let mut file = file();
    file.threads = std::num::NonZeroU16::new(1);
    file.listeners[0].routes[0].retry = Some(Retry {
        budget_min: 1,
        ..Retry::default()
    });
    let rig = Rig::with(&file, &[&bad, &other]);
    for _ in 0..100 {
        assert_eq!(rig.get("/").await.status, 503);
    }
    let route = rig.settled().await;
    assert!(
        route.retries <= 30 && route.retries >= 20,
        "{}",
        route.retries
    );
    assert!(route.retries_denied > 0);
}

#[tokio::test]
async fn consecutive_failures_eject_and_canaries_readmit() {
    let broken = Arc::new(AtomicBool::new(true));
    let flag = Arc::clone(&broken);
    let bad = Backend::start(move |_| {
        if flag.load(SeqCst) {
            status(500)
        } else {
            ok("x")
        }
    })
    .await;
    let good = Backend::start(|_| ok("x")).await;
    let mut file = file();
    let service = file.services.values_mut().next().unwrap();
    service.ejection.failures = 2;
    service.ejection.base = Span::millis(200);
    // Alone the broken endpoint takes everything, and is never ejected.
    let rig = Rig::with(&file, &[&bad]);
    for _ in 0..5 {
        assert_eq!(rig.get("/").await.status, 500);
    }
    assert_eq!(rig.gateway.take_notices(), []);
    assert!(!rig.counters().endpoints[0].ejected());
    // With a second one it may be ejected.
    rig.publish(&[bad.address, good.address]);
    let notice = until("an ejection", || async {
        rig.get("/").await;
        rig.gateway.take_notices().pop()
    })
    .await;
    let Notice::Ejected {
        instance, reason, ..
    } = notice
    else {
        panic!("{notice:?}");
    };
    assert_eq!(instance.ordinal, 0);
    assert!(reason.contains("status 500"), "{reason}");
    broken.store(false, SeqCst);
    // Requests try it now and then, until some of them went well.
    let notice = until("readmission", || async {
        assert_eq!(rig.get("/").await.status, 200);
        rig.gateway.take_notices().pop()
    })
    .await;
    assert_eq!(notice, Notice::Readmitted { instance });
}

/// Five bad answers in a row beside a peer that answers well are a comparison; beside one that does not, or without an
/// answer, they are failures.
#[tokio::test]
async fn bad_answers_in_a_row_beside_a_good_peer_are_a_comparison() {
    let good = Backend::start(|_| ok("x")).await;
    let bad = Backend::start(|_| status(500)).await;
    let gone = dead().await;
    for (addresses, ground) in [
        ([bad.address, good.address], EjectionGround::FailsMore),
        ([gone, good.address], EjectionGround::Failures),
        ([bad.address, bad.address], EjectionGround::Failures),
    ] {
        let mut file = file();
        let service = file.services.values_mut().next().unwrap();
        (service.ejection.failures, service.ejection.gateway_failures) = (5, 5);
        let rig = Rig::with(&file, &[]);
        rig.publish(&addresses);
        let notice = until("an ejection", || async {
            rig.get("/").await;
            rig.gateway.take_notices().pop()
        })
        .await;
        let Notice::Ejected { ground: got, .. } = notice else {
            panic!("{notice:?}");
        };
        assert_eq!(got, ground, "{addresses:?}");
    }
}

#[tokio::test]
async fn when_all_others_leave_the_ejected_one_serves_again() {
    let bad = Backend::start(|_| status(500)).await;
    let good = Backend::start(|_| ok("x")).await;
    let mut file = file();
    let service = file.services.values_mut().next().unwrap();
    service.ejection.failures = 1;
    service.ejection.base = Span::secs(600);
    service.ejection.max = Span::secs(600);
    let rig = Rig::with(&file, &[&bad, &good]);
    until("an ejection", || async {
        rig.get("/").await;
        rig.gateway.take_notices().pop()
    })
    .await;
    let mut endpoints = views(&[bad.address, good.address]);
    endpoints[1].admitted = false;
    rig.gateway.publish(endpoints);
    // As a canary first, if the gateway has noticed by itself that nobody else is left.
    let notice = until("readmission", || async {
        let status = rig.get("/").await.status;
        assert_eq!(status, 500, "rather a bad answer than none");
        rig.gateway.take_notices().pop()
    })
    .await;
    assert!(matches!(notice, Notice::Readmitted { .. }), "{notice:?}");
}

#[tokio::test]
async fn only_the_first_admitted_endpoint_is_active() {
    use ninefold_config::model::{Restart, ServiceKind, Spread, Stop, Supervised};
    let (one, two) = (
        Backend::start(|_| ok("1")).await,
        Backend::start(|_| ok("2")).await,
    );
    let mut file = file();
    file.services.values_mut().next().unwrap().kind =
        ServiceKind::Supervised(Box::new(Supervised {
            run: vec!["true".to_owned()],
            prepare: None,
            replicas: 2,
            redundancy: Redundancy::ActivePassive,
            spread: Spread::None,
            max_per_zone: None,
            min_ready: 1,
            directory: None,
            env: Default::default(),
            env_file: None,
            user: None,
            version: None,
            stop: Stop::default(),
            restart: Restart::default(),
        }));
    let rig = Rig::with(&file, &[&one, &two]);
    for _ in 0..10 {
        assert_eq!(rig.get("/").await.body, "1");
    }
    let mut endpoints = views(&[one.address, two.address]);
    endpoints[0].admitted = false;
    rig.gateway.publish(endpoints);
    for _ in 0..10 {
        assert_eq!(rig.get("/").await.body, "2");
    }
}

#[tokio::test]
async fn an_answer_that_breaks_off_never_looks_whole() {
    for head in ["content-length: 100", "transfer-encoding: chunked"] {
        let bytes = format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\n5\r\nabcde\r\n").into_bytes();
        let backend = Backend::start(move |_| Act::AnswerAndClose(bytes.clone())).await;
        let rig = Rig::with(&file(), &[&backend]);
        let mut plain = rig.connect().await;
        plain.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
        let text = plain.rest().await;
        assert!(text.starts_with("HTTP/1.1 200"), "{text}");
        assert!(!text.ends_with("0\r\n\r\n"), "{text}");
        let route = rig.settled().await;
        assert_eq!((route.failed, route.ok), (1, 0));
        assert_eq!(rig.counters().endpoints[0].report.reset, 1);
    }
}

#[tokio::test]
async fn an_answer_that_pauses_too_long_is_cut() {
    let backend = Backend::start(|_| {
        Act::Answer(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nabc".to_vec())
    })
    .await;
    let mut file = file();
    file.listeners[0].limits.body_pause = Span::millis(100);
    let rig = Rig::with(&file, &[&backend]);
    let mut plain = rig.connect().await;
    plain.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    plain.ends().await;
    assert_eq!(rig.settled().await.failed, 1);
}

#[tokio::test]
async fn answers_that_are_no_http_are_bad_gateways() {
    for noise in [
        &b"\0\0\0\0garbage\r\n\r\n"[..],
        b"HTTP/1.1 200 OK\r\nx: \0\r\n\r\n",
        b"SSH-2.0\r\n",
    ] {
        let backend = Backend::start(move |_| Act::AnswerAndClose(noise.to_vec())).await;
        let rig = Rig::with(&file(), &[&backend]);
        let answer = rig
            .once("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")
            .await;
        assert_eq!(answer.status, 502);
        assert_eq!(answer.header("x-ninefold-reason").unwrap(), "upstream/wait");
        assert_eq!(rig.counters().endpoints[0].report.reset, 1);
    }
}

#[tokio::test]
async fn a_connection_that_died_idle_is_replaced_without_blame() {
    let count = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&count);
    // Closes after each second request without saying so.
    let backend = Backend::start(move |_| {
        if counter.fetch_add(1, SeqCst) % 2 == 1 {
            Act::Close
        } else {
            ok("x")
        }
    })
    .await;
    let mut file = file();
    file.threads = std::num::NonZeroU16::new(1);
    let rig = Rig::with(&file, &[&backend]);
    let mut plain = rig.connect().await;
    for _ in 0..10 {
        plain.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
        assert_eq!(plain.answer().await.status, 200);
    }
    let counters = rig.counters();
    assert!(counters.endpoints[0].stale > 0);
    assert_eq!(counters.endpoints[0].report.failures(), 0);
    assert_eq!(rig.settled().await.masked, 0);
}

#[tokio::test]
async fn an_endpoint_that_takes_no_body_is_to_blame_and_not_the_client() {
    // It accepts, by its system, and reads nothing: as a stopped process does.
    let stopped = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut file = file();
    file.listeners[0].limits.body_size = Bytes(64 << 20);
    file.listeners[0].routes[0].try_timeout = Span::millis(200);
    let rig = Rig::new(&file);
    rig.publish(&[stopped.local_addr().unwrap()]);
    let (mut reading, mut writing) = rig.connect().await.stream.into_split();
    let length = 32 << 20;
    let upload = tokio::spawn(async move {
        let head = format!("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n");
        writing.write_all(head.as_bytes()).await.ok();
        // The gateway stops reading in the middle.
        writing.write_all(&vec![b'x'; length]).await.ok();
    });
    let mut answer = [0; 12];
    soon("an answer", reading.read_exact(&mut answer))
        .await
        .unwrap();
    assert_eq!(&answer, b"HTTP/1.1 504");
    upload.abort();
    let route = rig.settled().await;
    assert_eq!((route.failed, route.refused), (1, 0));
    assert_eq!(rig.counters().endpoints[0].report.timed_out, 1);
}
