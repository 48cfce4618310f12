//! Answers in place of a service that has none.

use std::time::Duration;

use ninefold_config::model::{
    AccessLog, AccessLogFormat, Fallback, File, FixedAnswer, FixedBody, Overload, Ratio, Span,
};
use ninefold_gateway::{FallbackCause, Gateway, RouteCounters};

use crate::backend::{Act, Backend, ok, status};
use crate::rig::{Rig, file, service, until, views, views_of_service};

fn fixed(status: u16) -> File {
    let mut file = file();
    file.listeners[0].routes[0].fallback = Some(Fallback::Answer(FixedAnswer {
        status,
        content_type: "application/json".to_owned(),
        body: FixedBody::Text("[]".to_owned()),
    }));
    file
}

/// The service `spare` stands in for `app`.
fn spare() -> File {
    let mut file = file();
    file.services.insert("spare".parse().unwrap(), service());
    file.listeners[0].routes[0].fallback = Some(Fallback::Service("spare".parse().unwrap()));
    file
}

/// Publishes the endpoints of both services.
fn start(file: &File, app: &[&Backend], spare: &Backend) -> Rig {
    let rig = Rig::new(file);
    let addresses: Vec<_> = app.iter().map(|backend| backend.address).collect();
    let mut all = views(&addresses);
    all.extend(views_of_service("spare", &[spare.address]));
    rig.gateway.publish(all);
    rig
}

fn fallbacks(route: &RouteCounters, cause: FallbackCause) -> u64 {
    let found = route.fallbacks.iter().find(|(one, _)| *one == cause);
    found.unwrap().1
}

fn post(body: &str) -> String {
    let length = body.len();
    format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n{body}")
}

#[tokio::test]
async fn readers_get_a_fixed_answer_and_writers_an_error() {
    let rig = Rig::with(&fixed(200), &[]);
    let answer = rig.get("/").await;
    assert_eq!((answer.status, &*answer.body), (200, "[]"));
    for (name, value) in [
        ("x-ninefold-fallback", "no-endpoint"),
        ("content-type", "application/json"),
        ("cache-control", "no-store"),
    ] {
        assert_eq!(answer.header(name).as_deref(), Some(value), "{answer:?}");
    }
    let mut plain = rig.connect().await;
    plain.send(b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    let head = plain.head().await.unwrap();
    assert_eq!(head.status, 200);
    assert_eq!(plain.buffered(), 0);
    let write = rig.once(&post("x")).await;
    assert_eq!(write.status, 503);
    assert_eq!(write.header("x-ninefold-fallback"), None);
    let route = rig.settled().await;
    // A degraded answer is an answer, with a time of its own.
    assert_eq!((route.ok, route.failed, route.masked), (2, 1, 0));
    assert_eq!((route.answered, route.latency.count()), (2, 2));
    assert_eq!(fallbacks(&route, FallbackCause::NoEndpoint), 2);
    assert_eq!(route.bytes_out, 2);
}

#[tokio::test]
async fn an_error_page_is_for_everybody_and_still_an_error() {
    let rig = Rig::with(&fixed(503), &[]);
    let answer = rig.once(&post("x")).await;
    assert_eq!((answer.status, &*answer.body), (503, "[]"));
    assert_eq!(answer.header("retry-after").as_deref(), Some("1"));
    let route = rig.settled().await;
    assert_eq!((route.ok, route.failed, route.answered), (0, 1, 0));
    assert_eq!(fallbacks(&route, FallbackCause::NoEndpoint), 1);
}

/// What failed counts against the endpoint, as if there were no fallback.
#[tokio::test]
async fn endpoints_are_judged_behind_a_fallback() {
    let backend = Backend::start(|seen| match seen.head.split(' ').nth(1).unwrap() {
        "/502" => status(502),
        "/500" => status(500),
        _ => Act::Close,
    })
    .await;
    let mut file = fixed(200);
    file.listeners[0].routes[0].retry = None;
    let rig = Rig::with(&file, &[&backend]);
    let cause = async |path: &str| rig.get(path).await.header("x-ninefold-fallback");
    assert_eq!(cause("/502").await.as_deref(), Some("status"));
    assert_eq!(cause("/close").await.as_deref(), Some("failed"));
    // A 500 may say something about the request: it is the service's to answer.
    assert_eq!(cause("/500").await, None);
    let route = rig.settled().await;
    assert_eq!((route.ok, route.failed, route.masked), (2, 1, 2));
    let endpoint = &rig.counters().endpoints[0];
    assert_eq!(
        (endpoint.report.server_errors, endpoint.report.reset),
        (2, 1)
    );
    let (name, hurt, masked) = &endpoint.impact[0];
    assert_eq!((&**name, *hurt, *masked), ("root", 1, 2));
}

#[tokio::test]
async fn who_finds_no_place_gets_the_fallback() {
    let backend = Backend::start(|_| Act::Hang).await;
    let mut file = fixed(200);
    let app = file.services.values_mut().next().unwrap();
    app.overload = Some(Overload {
        initial_limit: 1,
        min_limit: 1,
        max_waiting: 1,
        max_wait: Span::millis(1),
        ..Overload::default()
    });
    let rig = Rig::with(&file, &[&backend]);
    let mut first = rig.connect().await;
    first.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    until("the place is taken", || async {
        (rig.counters().services[0].in_flight == 1).then_some(())
    })
    .await;
    let answer = rig.get("/").await;
    assert_eq!(answer.status, 200);
    let cause = answer.header("x-ninefold-fallback");
    assert_eq!(cause.as_deref(), Some("overload"));
    drop(first);
    let route = rig.settled().await;
    assert_eq!((route.ok, route.cancelled), (1, 1));
}

/// What was never sent may go elsewhere, whatever it is, with its body.
#[tokio::test]
async fn another_service_gets_what_was_never_sent() {
    let other = Backend::start(|_| ok("from spare")).await;
    let rig = start(&spare(), &[], &other);
    for request in ["GET / HTTP/1.1\r\nHost: a\r\n\r\n", &post("order")] {
        let answer = rig.once(request).await;
        assert_eq!((answer.status, &*answer.body), (200, "from spare"));
        let cause = answer.header("x-ninefold-fallback");
        assert_eq!(cause.as_deref(), Some("no-endpoint"));
    }
    assert_eq!(other.requests()[1].body, b"order");
    let route = rig.settled().await;
    assert_eq!((route.ok, &*route.service), (2, "app"));
    assert_eq!(fallbacks(&route, FallbackCause::NoEndpoint), 2);
}

#[tokio::test]
async fn what_may_have_had_an_effect_is_not_sent_to_another_service() {
    let backend = Backend::start(|_| status(503)).await;
    let other = Backend::start(|_| ok("from spare")).await;
    let mut file = spare();
    file.listeners[0].routes[0].retry = None;
    let rig = start(&file, &[&backend], &other);
    let write = rig.once(&post("order")).await;
    assert_eq!((write.status, &*write.body), (503, "no"));
    assert_eq!(other.requests().len(), 0);
    // The same with a method that may be repeated; its body is there once more.
    let put = post("order").replace("POST", "PUT");
    let answer = rig.once(&put).await;
    assert_eq!((answer.status, &*answer.body), (200, "from spare"));
    assert_eq!(other.requests()[0].body, b"order");
    let route = rig.settled().await;
    assert_eq!((route.ok, route.failed, route.masked), (1, 1, 1));
    // The endpoints of both services know the route.
    let counters = rig.counters();
    for endpoint in &counters.endpoints {
        assert_eq!(&*endpoint.impact[0].0, "root");
    }
    assert_eq!(counters.endpoints[0].impact[0].2, 1);
    assert_eq!(counters.endpoints[1].impact[0].2, 0);
}

#[tokio::test]
async fn without_an_answer_of_the_other_service_the_first_end_counts() {
    let backend = Backend::start(|_| status(503)).await;
    let other = Backend::start(|_| status(500)).await;
    let rig = start(&spare(), &[&backend], &other);
    let answer = rig.get("/").await;
    assert_eq!((answer.status, &*answer.body), (503, "no"));
    assert_eq!(answer.header("x-ninefold-fallback"), None);
    assert!(!other.requests().is_empty());
    let rig = start(&spare(), &[], &other);
    let answer = rig.get("/").await;
    assert_eq!(answer.status, 503);
    assert!(answer.body.contains("app"), "{answer:?}");
    let route = rig.settled().await;
    assert_eq!((route.ok, route.failed), (0, 1));
    assert_eq!(fallbacks(&route, FallbackCause::NoEndpoint), 0);
}

/// A service that hangs does not use up the time of the one that stands in.
#[tokio::test]
async fn time_is_kept_for_the_other_service() {
    let backend = Backend::start(|_| Act::Hang).await;
    let other = Backend::start(|_| ok("from spare")).await;
    let mut file = spare();
    let route = &mut file.listeners[0].routes[0];
    route.timeout = Span::millis(1_400);
    route.try_timeout = Span::millis(600);
    let rig = start(&file, &[&backend], &other);
    let answer = rig.get("/").await;
    assert_eq!((answer.status, &*answer.body), (200, "from spare"));
    let cause = answer.header("x-ninefold-fallback");
    assert_eq!(cause.as_deref(), Some("failed"));
    let left = |seen: &Backend| {
        let seen = seen.requests();
        crate::backend::header(&seen[0].head, "x-deadline-ms").unwrap()
    };
    let (first, then): (u64, u64) = (
        left(&backend).parse().unwrap(),
        left(&other).parse().unwrap(),
    );
    assert!(first <= 800 && then <= 700, "{first} {then}");
    let timed_out = rig.counters().endpoints[0].report.timed_out;
    assert_eq!(timed_out, 1);
}

#[tokio::test]
async fn the_access_log_says_so_whatever_its_sample() {
    for (format, expected) in [
        (AccessLogFormat::Json, "\"fallback\":\"no-endpoint\""),
        (AccessLogFormat::Common, " fallback/no-endpoint\n"),
    ] {
        let mut file = fixed(200);
        file.listeners[0].access_log = Some(AccessLog {
            path: None,
            format,
            sample: Ratio::percent(0),
        });
        let state = tempfile::tempdir().unwrap();
        let gateway = Gateway::start(&file, state.path()).unwrap();
        let mut plain = crate::rig::Plain::connect(gateway.addresses()[0].tcp().unwrap()).await;
        plain.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
        assert_eq!(plain.answer().await.status, 200);
        drop(plain);
        gateway.drain(Duration::ZERO, Duration::from_secs(20)).await;
        gateway.stop();
        let text = std::fs::read_to_string(state.path().join("access.log")).unwrap();
        assert!(text.contains(expected), "{text}");
    }
}

#[test]
fn a_body_that_cannot_be_read_is_told_at_once() {
    let mut file = fixed(200);
    let state = tempfile::tempdir().unwrap();
    let path = state.path().join("body.html");
    if let Some(Fallback::Answer(answer)) = &mut file.listeners[0].routes[0].fallback {
        answer.body = FixedBody::File(path.clone());
    }
    let refused = Gateway::start(&file, state.path()).unwrap_err();
    assert!(refused.to_string().contains("body.html"), "{refused}");
    std::fs::write(path, "<p>").unwrap();
    Gateway::start(&file, state.path()).unwrap().stop();
}
