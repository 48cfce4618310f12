//! Faults in the gateway, in front of real processes.

use serde_json::{Value, json};

use crate::cluster::{Cluster, exchange, three_replicas};

fn abort(id: &str, ttl_ns: u64) -> Value {
    json!({
        "id": id,
        "kind": "abort",
        "targets": ["web/0", "web/1", "web/2"],
        "claim": null,
        "ttl_ns": ttl_ns,
        "gateway": { "effect": { "type": "abort", "status": 503 } },
    })
}

fn faults(status: &Value) -> usize {
    status["faults"].as_array().unwrap().len()
}

#[test]
fn a_fault_is_marked_and_burns_no_budget_and_ends() {
    let mut cluster = Cluster::up(&three_replicas(""));
    cluster.ready(3);
    let said = cluster.post("/v1/faults", &abort("f-odd", 120_000_000_000));
    assert!(
        said.starts_with("HTTP/1.1 409") && said.contains("chaos.ttl_max"),
        "{said}"
    );
    let mut nobody = abort("f-odd", 1_000_000_000);
    nobody["targets"] = json!(["web/0", "web/9"]);
    let said = cluster.post("/v1/faults", &nobody);
    assert!(
        said.starts_with("HTTP/1.1 409") && said.contains("web/9 is no endpoint"),
        "{said}"
    );
    let said = cluster.post("/v1/faults", &abort("f-1", 60_000_000_000));
    assert!(said.starts_with("HTTP/1.1 200"), "{said}");
    let get = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    let answer = exchange(cluster.address(), get.as_bytes());
    assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
    assert!(answer.contains("x-ninefold-fault: f-1"), "{answer}");
    cluster.wait("the failure to be counted", || {
        cluster.status()["routes"][0]["injected_failed"] == 1
    });
    let status = cluster.status();
    assert_eq!(faults(&status), 1);
    assert_eq!(status["routes"][0]["failed"], 1);
    assert_eq!(status["slos"][0]["bad"], 0, "{status}");
    assert!(
        cluster
            .metrics()
            .contains("ninefold_injected_failures_total{route=\"root\"} 1")
    );
    let said = cluster.post("/v1/faults/f-1/end", &json!({ "how": "rolled back" }));
    assert!(said.starts_with("HTTP/1.1 200"), "{said}");
    assert_eq!(cluster.get("/").0, 200);
    // Whoever orders this one never says a word again.
    let said = cluster.post("/v1/faults", &abort("f-2", 2_000_000_000));
    assert!(said.starts_with("HTTP/1.1 200"), "{said}");
    cluster.wait("the fault to be over", || cluster.get("/").0 == 200);
    cluster.wait("it to be forgotten", || faults(&cluster.status()) == 0);
    cluster.stop();
}
