//! Traces of requests that stand for others, in the metrics.

use std::time::Duration;

use ninefold_config::model::File;
use ninefold_core::event::FaultNotice;
use ninefold_core::fault::{FaultEffect, GatewayFault};
use ninefold_core::id::InstanceId;
use ninefold_core::time::Timestamp;
use ninefold_observe::metrics::{Exemplar, encode_open};
use prometheus_client::registry::Registry;

use crate::backend::{Act, Backend, header, ok, status};
use crate::rig::{Rig, file, until};

const SAMPLED: &str = "01";

/// The trace of this number.
fn trace(number: u8) -> String {
    format!("0af7651916cd43dd8448eb211c8031{number:02x}")
}

/// A request of the trace of this number.
fn request(path: &str, number: u8, flags: &str) -> String {
    let trace = trace(number);
    format!(
        "GET {path} HTTP/1.1\r\nHost: a\r\ntraceparent: 00-{trace}-b7ad6b7169203331-{flags}\r\n\r\n"
    )
}

async fn backend() -> Backend {
    Backend::start(|seen| match seen.head.split(' ').nth(1).unwrap() {
        "/app/slow" => {
            let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
            Act::AnswerAfter(Duration::from_millis(30), answer.to_vec())
        }
        "/app/fail" => status(500),
        "/app/close" => Act::Close,
        _ => ok("x"),
    })
    .await
}

fn app() -> File {
    let mut file = file();
    file.listeners[0].routes[0].path = "/app/".to_owned();
    file.listeners[0].routes[0].retry = None;
    file.services.values_mut().next().unwrap().ejection.failures = 0;
    file
}

/// The exemplars, of which each stands behind its sample.
fn exemplars(rig: &Rig) -> Vec<Exemplar> {
    let exemplars = rig.gateway.exemplars().by_sample();
    let mut registry = Registry::default();
    registry.register_collector(rig.gateway.collector());
    let text = encode_open(&registry, &exemplars).unwrap();
    assert!(text.ends_with("\n# EOF\n"));
    for exemplar in &exemplars {
        let mut lines = text.lines();
        let of = |line: &str| {
            let (sample, behind) = line.split_once(" # ")?;
            let (series, count) = sample.rsplit_once(' ')?;
            let same = series == exemplar.series && behind == exemplar.to_string();
            same.then(|| count.parse::<u64>().unwrap())
        };
        let counted = lines.find_map(of);
        assert!(
            counted.is_some_and(|count| count > 0),
            "{exemplar:?}\n{text}"
        );
        let now = Timestamp::from_secs(1_600_000_000);
        assert!(exemplar.at > now, "{exemplar:?}");
    }
    let behind = text.lines().filter(|line| line.contains(" # {")).count();
    assert_eq!(behind, exemplars.len(), "{text}");
    exemplars
}

/// The exemplars, once there are so many.
async fn named(rig: &Rig, count: usize) -> Vec<Exemplar> {
    until("requests to be named", || async {
        let all = exemplars(rig);
        assert!(all.len() <= count, "{all:#?}");
        (all.len() == count).then_some(all)
    })
    .await
}

/// The exemplar of this trace, if there is one.
fn of<'a>(all: &'a [Exemplar], trace: &str) -> Option<&'a Exemplar> {
    all.iter().find(|exemplar| exemplar.trace_id == trace)
}

#[tokio::test]
async fn each_bucket_and_each_bad_end_leads_to_a_trace() {
    let backend = backend().await;
    let rig = Rig::with(&app(), &[&backend]);
    assert_eq!(exemplars(&rig), []);
    rig.once(&request("/app/slow", 1, SAMPLED)).await;
    rig.once(&request("/app/fail", 2, SAMPLED)).await;
    rig.once(&request("/nowhere", 3, "ff")).await;
    // One of the gateway's own.
    rig.get("/app/close").await;
    let seen = backend.requests();
    let own = header(&seen.last().unwrap().head, "traceparent").unwrap();
    let all = named(&rig, 4).await;
    let slow = of(&all, &trace(1)).unwrap();
    let bounds = slow
        .series
        .strip_prefix("ninefold_request_duration_seconds_bucket{le=\"");
    let (bound, rest) = bounds.unwrap().split_once('"').unwrap();
    assert_eq!(rest, ",route=\"root\"}");
    let bound: f64 = bound.replace("+Inf", "inf").parse().unwrap();
    assert!(0.03 <= slow.value && slow.value <= bound, "{slow:?}");
    for (trace, labels) in [
        (
            trace(2),
            "route=\"root\",by=\"upstream\",phase=\"done\",cause=\"status\"",
        ),
        (
            trace(3),
            "route=\"none\",by=\"client\",phase=\"route\",cause=\"no-route\"",
        ),
        (
            own[3..35].to_owned(),
            "route=\"root\",by=\"upstream\",phase=\"wait\",cause=\"reset\"",
        ),
    ] {
        let found = of(&all, &trace).unwrap_or_else(|| panic!("{trace} in {all:#?}"));
        assert_eq!(
            found.series,
            format!("ninefold_request_ends_total{{{labels}}}")
        );
        assert!((found.value - 1.0).abs() < f64::EPSILON);
    }
}

#[tokio::test]
async fn a_trace_that_nobody_records_is_not_named() {
    let backend = backend().await;
    let rig = Rig::with(&app(), &[&backend]);
    for path in ["/app/slow", "/app/fail"] {
        rig.once(&request(path, 1, "00")).await;
        rig.once(&request(path, 2, "02")).await;
    }
    let route = rig.settled().await;
    assert_eq!((route.ok, route.failed), (2, 2));
    assert_eq!(exemplars(&rig), []);
}

#[tokio::test]
async fn what_a_fault_hits_is_named_where_it_is_counted() {
    let backend = backend().await;
    let rig = Rig::with(&app(), &[&backend]);
    let inject = |id: &str, effect: FaultEffect| {
        let notice = FaultNotice {
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
        };
        rig.gateway.inject(&notice).unwrap();
    };
    inject(
        "f-1",
        FaultEffect::Latency {
            latency_ms: 5,
            jitter_ms: 0,
        },
    );
    rig.once(&request("/app/", 1, SAMPLED)).await;
    rig.gateway.end_fault("f-1");
    inject("f-2", FaultEffect::Abort { status: 503 });
    rig.once(&request("/app/", 2, SAMPLED)).await;
    let all = named(&rig, 1).await;
    let route = rig.settled().await;
    assert_eq!((route.injected, route.answered), (2, 0));
    let aborted = of(&all, &trace(2)).unwrap();
    assert!(aborted.series.contains("cause=\"status\""), "{aborted:?}");
}

#[tokio::test]
async fn the_text_names_buckets_as_exemplars_do() {
    let rig = Rig::new(&app());
    let mut registry = Registry::default();
    registry.register_collector(rig.gateway.collector());
    let text = encode_open(&registry, &[]).unwrap();
    let bounds = text.lines().filter_map(|line| {
        let bucket = line.strip_prefix("ninefold_request_duration_seconds_bucket{le=\"")?;
        bucket.strip_suffix("\",route=\"root\"} 0")
    });
    let named = [
        "0.005", "0.01", "0.025", "0.05", "0.075", "0.1", "0.25", "0.5", "0.75", "1.0", "2.5",
        "5.0", "7.5", "10.0", "+Inf",
    ];
    assert_eq!(bounds.collect::<Vec<_>>(), named);
}
