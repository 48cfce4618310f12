//! Counters, metrics, access log, drain.

use std::time::Duration;

use ninefold_config::model::{AccessLog, AccessLogFormat, LatencyObjective, Ratio, Slo, Span};
use ninefold_gateway::RequestEnd;
use prometheus_client::registry::Registry;

use crate::backend::{Act, Backend, ok, status};
use crate::rig::{Rig, file, soon, until};

#[tokio::test]
async fn every_request_has_one_outcome() {
    let backend = Backend::start(|seen| match seen.head.split(' ').nth(1).unwrap() {
        "/ok" => ok("x"),
        "/500" => status(500),
        "/404" => status(404),
        "/hang" => Act::Hang,
        _ => Act::Close,
    })
    .await;
    let mut file = file();
    file.services.values_mut().next().unwrap().ejection.failures = 0;
    let rig = Rig::with(&file, &[&backend]);
    for _ in 0..5 {
        for path in ["/ok", "/500", "/404", "/close"] {
            rig.get(path).await;
        }
        let mut plain = rig.connect().await;
        plain.send(b"GET /hang HTTP/1.1\r\nHost: a\r\n\r\n").await;
        let before = rig.counters().endpoints[0].in_flight;
        until("it is under way", || async {
            (rig.counters().endpoints[0].in_flight > before || before > 0).then_some(())
        })
        .await;
        drop(plain);
        until("it is given up", || async {
            (rig.counters().endpoints[0].in_flight == 0).then_some(())
        })
        .await;
        rig.once("POST /ok HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\n\r\n")
            .await;
    }
    let route = rig.settled().await;
    assert_eq!(route.requests, 30);
    assert_eq!(
        (route.ok, route.failed, route.cancelled, route.refused),
        (10, 10, 5, 5)
    );
    let ends: Vec<_> = route.ends.iter().filter(|(_, count)| *count > 0).collect();
    assert_eq!(
        ends,
        [
            &(RequestEnd::BodyTooLarge, 5),
            &(RequestEnd::LeftWait, 5),
            &(RequestEnd::AnswerReset, 5),
            &(RequestEnd::Status, 5),
        ]
    );
    assert_eq!(route.answered, 10);
    assert_eq!(route.latency.count(), 10);
    let report = rig.counters().endpoints[0].report;
    assert_eq!(report.server_errors, 15, "five requests, three tries each");
    assert_eq!(report.attempts, report.answered + report.reset);
}

#[tokio::test]
async fn latency_thresholds_of_objectives_are_bounds() {
    let mut file = file();
    file.slos.insert(
        "fast".parse().unwrap(),
        Slo {
            route: "root".parse().unwrap(),
            availability: None,
            latency: Some(LatencyObjective {
                under: Span(Duration::from_nanos(123_456_789)),
                share: Ratio::percent(99),
            }),
            window: Span::secs(3_600),
        },
    );
    let rig = Rig::new(&file);
    assert!(
        rig.counters().routes[0]
            .latency
            .bounds()
            .contains(&123_456_789)
    );
}

#[tokio::test]
async fn metrics_are_there_before_the_first_request_and_clean() {
    let backend = Backend::start(|_| ok("x")).await;
    let rig = Rig::with(&file(), &[&backend]);
    let mut registry = Registry::default();
    registry.register_collector(rig.gateway.collector());
    let scrape = |registry: &Registry| {
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, registry).unwrap();
        text
    };
    let text = scrape(&registry);
    for line in [
        "ninefold_requests_total{route=\"root\",outcome=\"failed\"} 0",
        "ninefold_request_ends_total{route=\"root\",by=\"gateway\",phase=\"queue\",cause=\"overload\"} 0",
        "ninefold_fallbacks_total{route=\"root\",cause=\"no-endpoint\"} 0",
        "ninefold_attempts_total{upstream=\"app/0\",reason=\"timeout\",phase=\"wait\"} 0",
        "ninefold_request_duration_seconds_bucket{le=\"0.005\",route=\"root\"} 0",
        "ninefold_upstream_ejected{upstream=\"app/0\"} 0",
        "ninefold_access_log_dropped_total 0",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} in\n{text}");
    }
    rig.get("/").await;
    rig.settled().await;
    let text = scrape(&registry);
    assert!(
        text.contains("ninefold_requests_total{route=\"root\",outcome=\"ok\"} 1"),
        "{text}"
    );
    assert!(
        text.contains("ninefold_request_duration_seconds_count{route=\"root\"} 1"),
        "{text}"
    );
    assert!(
        text.contains("ninefold_request_duration_seconds_bucket{le=\"+Inf\",route=\"root\"} 1"),
        "{text}"
    );
}

#[tokio::test]
async fn the_access_log_says_who_ended_what_where() {
    let backend = Backend::start(|seen| {
        if seen.head.contains("/bad") {
            Act::Close
        } else {
            ok("hello")
        }
    })
    .await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.json");
    let mut file = file();
    file.listeners[0].access_log = Some(AccessLog {
        path: Some(path.clone()),
        format: AccessLogFormat::Json,
        sample: Ratio::ONE,
    });
    file.listeners[0].routes[0].retry = None;
    let rig = Rig::with(&file, &[&backend]);
    let answer = rig.get("/good?x=%22").await;
    rig.get("/bad").await;
    let lines = |path: std::path::PathBuf, count: usize| {
        until("lines are written", move || {
            let text = std::fs::read_to_string(&path).unwrap_or_default();
            let lines: Vec<serde_json::Value> = text
                .lines()
                .filter_map(|line| serde_json::from_str(line).ok())
                .collect();
            async move { (lines.len() == count).then_some(lines) }
        })
    };
    let written = lines(path.clone(), 2).await;
    assert_eq!(
        written[0]["request_id"],
        answer.header("x-request-id").unwrap()
    );
    assert_eq!(written[0]["status"], 200);
    assert_eq!(written[0]["target"], "/good?x=%22");
    assert_eq!(written[0]["endpoint"], "app/0");
    assert_eq!(written[0]["bytes_out"], 5);
    assert_eq!(written[0]["phase"], "done");
    assert_eq!(written[1]["status"], 502);
    assert_eq!(
        (&written[1]["ended_by"], &written[1]["phase"]),
        (&"upstream".into(), &"wait".into())
    );
    assert_eq!(written[0]["reason"], serde_json::Value::Null);
    assert_eq!(written[0]["queued_seconds"], 0.0);
    assert_eq!(written[0]["cause"], serde_json::Value::Null);
    assert_eq!(written[1]["reason"], "upstream/wait");
    assert_eq!(written[1]["cause"], "reset");
    // logrotate renames; lines go to the new file.
    std::fs::rename(&path, folder.path().join("log.old")).unwrap();
    until("the file is opened again", || async {
        path.exists().then_some(())
    })
    .await;
    rig.get("/good").await;
    lines(path, 1).await;
}

#[tokio::test]
async fn common_log_lines_and_samples() {
    let backend = Backend::start(|_| ok("hello")).await;
    let mut file = file();
    file.listeners[0].access_log = Some(AccessLog {
        path: None,
        format: AccessLogFormat::Common,
        sample: Ratio::percent(0),
    });
    let state = tempfile::tempdir().unwrap();
    let gateway = ninefold_gateway::Gateway::start(&file, state.path()).unwrap();
    let address = gateway.addresses()[0].tcp().unwrap();
    let get = |path: &'static str| async move {
        let mut plain = crate::rig::Plain::connect(address).await;
        plain
            .send(format!("GET {path} HTTP/1.1\r\nHost: a\r\nUser-Agent: \"q\"\r\n\r\n").as_bytes())
            .await;
        plain.answer().await.status
    };
    gateway.publish(crate::rig::views(&[backend.address]));
    assert_eq!(get("/unseen").await, 200);
    gateway.publish(vec![]);
    assert_eq!(get("/failed").await, 503);
    gateway.stop();
    let text = std::fs::read_to_string(state.path().join("access.log")).unwrap();
    assert_eq!(
        text.lines().count(),
        1,
        "successes are sampled, failures are not: {text}"
    );
    assert!(
        text.contains("\"GET /failed HTTP/1.1\" 503 0 \"-\" \"\\\"q\\\"\" gateway/route - "),
        "{text}"
    );
    assert!(text.ends_with(" reason/gateway/route\n"), "{text}");
}

#[tokio::test]
async fn lines_that_a_full_disk_refuses_are_counted() {
    let mut file = file();
    file.listeners[0].access_log = Some(AccessLog {
        path: Some("/dev/full".into()),
        format: AccessLogFormat::Json,
        sample: Ratio::percent(100),
    });
    let rig = Rig::new(&file);
    let mut plain = rig.connect().await;
    // Far more lines than may wait.
    for _ in 0..500 {
        plain.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
        assert_eq!(plain.answer().await.status, 503);
    }
    until("lines are dropped", || async {
        (rig.counters().access_log_dropped > 0).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_drain_lets_requests_end_and_closes_the_rest() {
    let (release, wait) = std::sync::mpsc::channel::<()>();
    let wait = std::sync::Mutex::new(wait);
    let backend = Backend::start(move |seen| {
        if seen.head.contains("/slow") {
            tokio::task::block_in_place(|| wait.lock().unwrap().recv().ok());
        }
        ok("done")
    });
    let (rig, _backend) = {
        // The blocking script needs a runtime of its own.
        let (tx, rx) = tokio::sync::oneshot::channel();
        std::thread::spawn(move || {
            tokio::runtime::Builder::new_multi_thread()
                .worker_threads(2)
                .enable_all()
                .build()
                .unwrap()
                .block_on(async move {
                    let backend = backend.await;
                    tx.send(backend.address).ok();
                    std::future::pending::<()>().await;
                });
        });
        let rig = Rig::new(&file());
        let address = soon("the backend", rx).await.unwrap();
        rig.publish(&[address]);
        (rig, address)
    };
    let mut idle = rig.connect().await;
    idle.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert_eq!(idle.answer().await.status, 200);
    let mut slow = rig.connect().await;
    slow.send(b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n").await;
    until("it is under way", || async {
        (rig.counters().endpoints[0].in_flight == 1).then_some(())
    })
    .await;
    let (report, answer) = tokio::join!(
        rig.gateway.drain(Duration::ZERO, Duration::from_secs(15)),
        async {
            idle.ends().await;
            release.send(()).unwrap();
            let answer = slow.answer().await;
            slow.ends().await;
            answer
        }
    );
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("connection").unwrap(), "close");
    assert_eq!(report.connections_left, 0);
    assert!(
        tokio::net::TcpStream::connect(rig.address).await.is_err(),
        "nobody listens any more"
    );
}

#[tokio::test]
async fn a_drain_gives_up_at_its_limit() {
    let backend = Backend::start(|_| Act::Hang).await;
    let rig = Rig::with(&file(), &[&backend]);
    let mut plain = rig.connect().await;
    plain.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    until("it is under way", || async {
        (rig.counters().endpoints[0].in_flight == 1).then_some(())
    })
    .await;
    let report = rig
        .gateway
        .drain(Duration::ZERO, Duration::from_millis(50))
        .await;
    assert_eq!(report.connections_left, 1);
    rig.gateway.stop();
    plain.ends().await;
}

#[tokio::test]
async fn a_port_in_use_is_a_clear_error() {
    let rig = Rig::new(&file());
    let mut file = file();
    file.listeners[0].address = rig.address.into();
    let state = tempfile::tempdir().unwrap();
    let error = ninefold_gateway::Gateway::start(&file, state.path()).unwrap_err();
    assert!(
        error.to_string().contains("is in use by another process"),
        "{error}"
    );
}
