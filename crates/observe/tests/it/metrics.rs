//! The metrics as a scraper sees them.

use std::io::Write;
use std::process::{Command, Stdio};

use ninefold_core::event::{Incident, IncidentState, RouteImpact};
use ninefold_core::slo::{Counts, Indicator, Ledger, Objective};
use ninefold_core::status::ClassCount;
use ninefold_core::taxonomy::FailureClass;
use ninefold_core::time::Timestamp;
use ninefold_observe::metrics::{Metrics, encode};
use prometheus_client::registry::Registry;

fn incident(hurt: u64) -> Incident {
    Incident {
        id: "inc-1".to_owned(),
        class: FailureClass::CrashStop,
        state: IncidentState::Open,
        domain: "instance catalog/1".to_owned(),
        verdicts: Vec::new(),
        injected: None,
        injection: None,
        onset: Timestamp::from_millis(1_000),
        detected: Timestamp::from_millis(1_004),
        isolated: None,
        recovered: None,
        opinions: Vec::new(),
        impact: vec![RouteImpact {
            route: "/".to_owned(),
            hurt,
            masked: 9,
            ends: Vec::new(),
        }],
        changes: Vec::new(),
        actions: Vec::new(),
        merged_into: None,
    }
}

fn scrape() -> String {
    let mut registry = Registry::default();
    let metrics = Metrics::register(&mut registry, "1.2.3");
    let mut one = incident(0);
    metrics.incident(&one);
    one.state = IncidentState::Closed;
    one.recovered = Some(Timestamp::from_millis(1_400));
    metrics.incident(&one);
    metrics.incident(&one);
    metrics.set_open_incidents(2);
    let mut ledger = Ledger::new(Objective {
        name: "checkout".to_owned(),
        route: "checkout".to_owned(),
        indicator: Indicator::Availability,
        objective: 0.99,
        window: std::time::Duration::from_secs(86_400),
    });
    let now = Timestamp::from_secs(1_000_000);
    metrics.set_slos(&[ledger.status(now)]);
    ledger.add(
        now - std::time::Duration::from_secs(3_000),
        Counts { good: 99, bad: 1 },
    );
    let mut status = ledger.status(now);
    for events in [1, 3] {
        let class = FailureClass::CrashStop;
        status.bad_by_class = vec![ClassCount { class, events }];
        metrics.set_slos(std::slice::from_ref(&status));
    }
    encode(&registry).unwrap()
}

#[test]
fn names_types_and_values_are_as_promised() {
    let text = scrape();
    let has = |line: &str| assert!(text.lines().any(|found| found == line), "{line}\n{text}");
    has("# TYPE ninefold_faults_total counter");
    has("ninefold_faults_total{class=\"crash-stop\",effect=\"masked\"} 1");
    has("ninefold_faults_total{class=\"gray\",effect=\"surfaced\"} 0");
    has("ninefold_detection_seconds_bucket{le=\"0.005\",class=\"crash-stop\"} 1");
    has("ninefold_recovery_seconds_count{class=\"crash-stop\"} 1");
    has("ninefold_incidents_open 2");
    has(
        "ninefold_slo_bad_events_total{slo=\"checkout\",route=\"checkout\",indicator=\"availability\",class=\"crash-stop\"} 3",
    );
    has(
        "ninefold_slo_bad_events_total{slo=\"checkout\",route=\"checkout\",indicator=\"availability\",class=\"unknown\"} 0",
    );
    has("# TYPE ninefold_build_info gauge");
    has("ninefold_build_info{version=\"1.2.3\"} 1");
    assert!(!text.contains("NaN"), "{text}");
    assert!(
        !text.contains("window=\"5m\""),
        "no traffic, no rate:\n{text}"
    );
    assert!(text.contains("window=\"1h\""), "{text}");
}

/// Skipped only where Prometheus' tool is not installed; the test above stands on its own.
#[test]
fn promtool_finds_nothing() {
    let tool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut tool) = tool else { return };
    tool.stdin
        .take()
        .unwrap()
        .write_all(scrape().as_bytes())
        .unwrap();
    let output = tool.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && said.is_empty(), "{said}");
}
