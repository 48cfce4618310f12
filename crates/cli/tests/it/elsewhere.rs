//! `verify` on endpoints that something else runs.

use serde_json::Value;

use crate::cluster::{Cluster, three_replicas};
use crate::prove::{GRAY_CLAIMS, verdicts};

/// Only a gateway, in front of `endpoints`; `service` and `route` are more keys of theirs.
fn in_front(endpoints: &str, service: &str, route: &str) -> String {
    format!(
        r#"
[cluster]
name = "test"
[node]
admin = "127.0.0.1:0"
[service.web]
endpoints = {endpoints}
health = {{ ready = "/ready" }}
{service}
[[listener]]
address = "127.0.0.1:0"
[[listener.route]]
path = "/"
service = "web"
{route}
[slo.web]
route = "/"
availability = "99.9%"
{GRAY_CLAIMS}
"#
    )
}

/// The addresses of a cluster's instances, as a list in TOML and JSON.
fn addresses(elsewhere: &Cluster) -> String {
    elsewhere.ready(3);
    let status = elsewhere.status();
    let instances = status["instances"].as_array().unwrap().iter();
    let addresses: Vec<&Value> = instances.map(|instance| &instance["address"]).collect();
    serde_json::to_string(&addresses).unwrap()
}

fn verify(cluster: &Cluster, more: &[&str]) -> (Value, Option<i32>) {
    let args = ["verify", "--trials", "1", "--seed", "1", "--output", "json"];
    let output = cluster.run(&[&args[..], more].concat());
    let report = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
        panic!("{error}\n{}", String::from_utf8_lossy(&output.stderr));
    });
    (report, output.status.code())
}

#[test]
fn what_the_gateway_does_is_proven_of_endpoints_that_run_elsewhere() {
    let elsewhere = Cluster::up(&three_replicas(""));
    let kill = "[[claim]]\nname = \"any one may die\"\nsurvive = { instances = 1 }\n\
                slo = \"web\"\navailable = \"99%\"\n";
    // In turns, or the balancer may keep away from who was slow in the first trial, and the next fault hits nobody.
    let service = "balance = \"round-robin\"";
    let file = in_front(&addresses(&elsewhere), service, "") + kill;
    let cluster = Cluster::up(&file);
    cluster.ready(3);
    let (report, code) = verify(&cluster, &[]);
    let expected = ["PROVEN", "PROVEN", "PROVEN", "UNTESTED"];
    assert_eq!(verdicts(&report), expected, "{report:#}\n{}", cluster.log());
    assert_ne!(code, Some(0));
    let reason = report["claims"][3]["reasons"][0].as_str().unwrap();
    assert!(reason.contains("web runs elsewhere"), "{reason}");
    let first = &report["claims"][0];
    assert!(
        first["requests"]["acked"].as_u64().unwrap() > 100,
        "{first}"
    );
    for claim in &report["claims"].as_array().unwrap()[..3] {
        assert!(claim["requests"]["hit"].as_u64() > Some(0), "{claim}");
    }
    let status = cluster.status();
    assert_eq!(status["faults"].as_array().map(Vec::len), Some(0));
    // Nobody touched them.
    for instance in elsewhere.status()["instances"].as_array().unwrap() {
        assert_eq!(instance["restarts"], 0, "{instance}");
    }
}

#[test]
fn without_retries_and_ejection_endpoints_elsewhere_are_not_survived() {
    let elsewhere = Cluster::up(&three_replicas(""));
    let service = "balance = \"round-robin\"\nejection = { failures = 0 }";
    let file = in_front(&addresses(&elsewhere), service, "retry = \"off\"");
    let file =
        file.replace("recover = \"10s\"", "recover = \"1s\"") + "[chaos]\nttl_max = \"8s\"\n";
    let cluster = Cluster::up(&file);
    cluster.ready(3);
    let (report, code) = verify(&cluster, &["--claim", "any one replica may fail"]);
    assert_eq!(verdicts(&report), ["REFUTED"], "{report:#}");
    assert_eq!(code, Some(1));
    let reasons = report["claims"][0]["reasons"].to_string();
    assert!(
        reasons.contains("keep away") && reasons.contains("requests failed"),
        "{reasons}"
    );
}

/// Endpoints that come from a file, which changes while a claim is tried: nothing can be said then.
#[test]
fn endpoints_that_change_meanwhile_make_it_inconclusive() {
    let elsewhere = Cluster::up(&three_replicas(""));
    let list: Vec<String> = serde_json::from_str(&addresses(&elsewhere)).unwrap();
    let file = in_front("{ file = \"web.list\", every = \"100ms\" }", "", "");
    // All of them, so that nobody recovers before the file has changed.
    let cluster = Cluster::new(&file.replace("gray = 1", "gray = 3"));
    let path = cluster.file().with_file_name("web.list");
    std::fs::write(&path, list.join("\n")).unwrap();
    let mut cluster = cluster;
    cluster.start();
    cluster.ready(3);
    let claim = ["--claim", "any one replica may be slow", "--output", "json"];
    let verify = cluster.begin_verify(&claim);
    let faults = || cluster.status()["faults"].as_array().unwrap().len();
    cluster.wait("a fault", || faults() == 1);
    std::fs::write(&path, list[..2].join("\n")).unwrap();
    let output = verify.wait_with_output().unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(verdicts(&report), ["INCONCLUSIVE"], "{report:#}");
    let reason = report["claims"][0]["reasons"][0].as_str().unwrap();
    assert!(reason.contains("endpoints of web changed"), "{reason}");
    assert_eq!(faults(), 0);
}
