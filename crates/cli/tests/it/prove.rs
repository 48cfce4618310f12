//! `verify`, proving and refuting.

use serde_json::Value;

use crate::cluster::{Cluster, alive, signal, stopped, three_replicas};

pub(crate) const CLAIMS: &str = r#"
[[claim]]
name = "any one replica may die"
survive = { instances = 1 }
slo = "web"
available = "99.9%"
recover = "5s"
[[claim]]
name = "any one replica may hang"
survive = { hang = 1 }
slo = "web"
available = "99.9%"
recover = "10s"
"#;

/// Faults that no process shows: the gateway injects them, and its live traffic has to find them.
pub(crate) const GRAY_CLAIMS: &str = r#"
[[claim]]
name = "any one replica may be slow"
survive = { gray = 1 }
slo = "web"
available = "99.9%"
recover = "10s"
[[claim]]
name = "any one replica may fail"
survive = { errors = 1 }
slo = "web"
available = "99%"
recover = "10s"
[[claim]]
name = "any one replica may break connections"
survive = { resets = 1 }
slo = "web"
available = "99.9%"
recover = "10s"
"#;

pub(crate) fn verdicts(report: &Value) -> Vec<String> {
    let claims = report["claims"].as_array().unwrap();
    claims
        .iter()
        .map(|claim| claim["verdict"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn claims_that_hold_are_proven_on_a_running_cluster() {
    let cluster = Cluster::up(&three_replicas(CLAIMS));
    cluster.ready(3);
    let output = cluster.run(&["verify", "--trials", "2", "--seed", "1", "--output", "json"]);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        verdicts(&report),
        ["PROVEN", "PROVEN"],
        "{report:#}\n{}",
        cluster.log()
    );
    assert_eq!(output.status.code(), Some(0));
    let first = &report["claims"][0];
    assert_eq!(first["trials"]["passed"], 2);
    assert!(
        first["requests"]["acked"].as_u64().unwrap() > 100,
        "{first}"
    );
    assert!(
        first["detect_ms"]["p50"].is_number() && first["recover_ms"]["p99"].is_number(),
        "{first}"
    );
    let injected = cluster.json(&["incidents", "--output", "json"]);
    for incident in injected["incidents"].as_array().unwrap() {
        assert!(incident["injected"].is_string(), "{incident}");
    }
    cluster.ready(3);
}

#[test]
fn faults_that_only_clients_see_are_survived_without_a_restart() {
    let cluster = Cluster::up(&three_replicas(GRAY_CLAIMS));
    cluster.ready(3);
    let output = cluster.run(&["verify", "--trials", "1", "--seed", "1", "--output", "json"]);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let all = ["PROVEN", "PROVEN", "PROVEN"];
    assert_eq!(verdicts(&report), all, "{report:#}\n{}", cluster.log());
    let status = cluster.json(&["status", "--output", "json"]);
    for instance in status["instances"].as_array().unwrap() {
        assert_eq!(instance["restarts"], 0, "{instance}");
    }
    assert!(
        status["routes"][0]["injected"].as_u64() > Some(0),
        "{status}"
    );
    assert_eq!(
        status["faults"].as_array().map(Vec::len),
        Some(0),
        "{status}"
    );
}

/// The report on one trial of a claim that does not hold.
fn refuted(cluster: &Cluster, claim: &str) -> Value {
    let output = cluster.run(&[
        "verify", "--trials", "1", "--claim", claim, "--output", "json",
    ]);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(verdicts(&report), ["REFUTED"], "{report:#}");
    assert_eq!(output.status.code(), Some(1));
    report
}

/// Where all are slow there is nowhere to go: the claim is refuted, and the fault is gone afterwards.
#[test]
fn slowness_of_all_is_refuted() {
    let claim = GRAY_CLAIMS.replace("gray = 1", "gray = 3");
    let claim = claim.replacen("recover = \"10s\"", "recover = \"1s\"", 1);
    let cluster = Cluster::up(&three_replicas(&claim));
    cluster.ready(3);
    let name = "any one replica may be slow";
    let report = refuted(&cluster, name);
    let reason = report["claims"][0]["reasons"][0].as_str().unwrap();
    assert!(reason.contains("keep away"), "{reason}");
    let status = cluster.json(&["status", "--output", "json"]);
    assert_eq!(
        status["faults"].as_array().map(Vec::len),
        Some(0),
        "{status}"
    );
}

/// Nobody repeats what broke, nobody takes out who breaks it, and each has its turn.
#[test]
fn broken_connections_are_refuted_without_retries_and_ejection() {
    let file = three_replicas(GRAY_CLAIMS)
        .replace(
            "replicas = 3",
            "replicas = 3\nbalance = \"round-robin\"\nejection = { failures = 0 }",
        )
        .replace(
            "service = \"web\"\n[slo",
            "service = \"web\"\nretry = \"off\"\n[slo",
        )
        .replace("recover = \"10s\"", "recover = \"1s\"")
        + "[chaos]\nttl_max = \"8s\"\n";
    let cluster = Cluster::up(&file);
    cluster.ready(3);
    let name = "any one replica may break connections";
    let report = refuted(&cluster, name);
    let reasons = report["claims"][0]["reasons"].to_string();
    assert!(
        reasons.contains("keep away") && reasons.contains("requests failed"),
        "{reasons}"
    );
    // It is explained as what it was.
    let incidents = cluster.json(&["incidents", "--output", "json"]);
    let mut incidents = incidents["incidents"].as_array().unwrap().iter();
    let id = incidents.find_map(|one| one["injected"].as_str().and_then(|_| one["id"].as_str()));
    let explained = cluster.run(&["explain", id.unwrap()]).stdout;
    let explained = String::from_utf8(explained).unwrap();
    for said in [
        &format!(", resets, by the gateway, for the claim `{name}`; over +"),
        "(rolled back)",
        "The fault hit ",
        " failed",
    ] {
        assert!(explained.contains(said), "{said}: {explained}");
    }
}

#[test]
fn a_claim_that_cannot_hold_is_refuted_by_a_cluster_of_its_own() {
    let file = three_replicas(CLAIMS)
        .replace("replicas = 3", "replicas = 1")
        .replace(
            "service = \"web\"\n[slo",
            "service = \"web\"\nretry = \"off\"\n[slo",
        );
    let cluster = Cluster::new(&file);
    let path = cluster.file();
    let output = cluster.run(&[
        "verify",
        path.to_str().unwrap(),
        "--trials",
        "1",
        "--claim",
        "any one replica may die",
        "--output",
        "json",
    ]);
    let report: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}\n{}", String::from_utf8_lossy(&output.stderr)));
    assert_eq!(verdicts(&report), ["REFUTED"], "{report:#}");
    assert_eq!(output.status.code(), Some(1));
    assert_ne!(report["claims"][0]["reasons"], Value::Array(Vec::new()));
}

#[test]
fn what_cannot_be_tried_is_refused_before_anything_starts() {
    let cluster = Cluster::new(&three_replicas(CLAIMS));
    let path = cluster.file();
    for (args, said) in [
        (
            ["--claim", "any one replica may hand"],
            "did you mean `any one replica may hang`?",
        ),
        (["--claim", "no such claim"], "any one replica may die"),
        (["--rate", "0"], "rate of 0/s"),
    ] {
        let output = cluster.run(&[&["verify", path.to_str().unwrap()], &args[..]].concat());
        let text = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{text}");
        assert!(text.contains(said), "{text}");
        assert!(!cluster.state().exists(), "nothing was started: {text}");
    }
}

#[test]
fn a_cluster_of_its_own_that_cannot_start_is_given_up_and_stopped() {
    let file = three_replicas(CLAIMS)
        .replace("/examples/answer", "/examples/no-such-program")
        .replace(
            "replicas = 3",
            "replicas = 3\nrestart = { budget = 1, backoff_max = \"100ms\" }",
        );
    let cluster = Cluster::new(&file);
    let path = cluster.file();
    let output = cluster.run(&["verify", path.to_str().unwrap()]);
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{text}");
    assert!(
        text.contains("does not start") && text.contains("no-such-program"),
        "{text}"
    );
    let status = std::process::Command::new(env!("CARGO_BIN_EXE_ninefold"))
        .args(["status", "--state"])
        .arg(cluster.state().join("verify"))
        .output()
        .unwrap();
    assert!(!status.status.success(), "it was stopped");
}

/// `verify` of one claim, which runs when this returns.
fn begin(cluster: &Cluster, claim: &str) -> std::process::Child {
    std::process::Command::new(env!("CARGO_BIN_EXE_ninefold"))
        .args(["verify", "--claim", claim, "--state"])
        .arg(cluster.state())
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap()
}

#[test]
fn a_killed_verify_leaves_no_fault_in_the_gateway() {
    // Of all, so that nobody recovers and the fault would last for its whole time to live.
    let claims = GRAY_CLAIMS.replace("gray = 1", "gray = 3");
    let cluster = Cluster::up(&three_replicas(&claims));
    cluster.ready(3);
    let mut verify = begin(&cluster, "any one replica may be slow");
    let faults = || cluster.status()["faults"].as_array().unwrap().len();
    cluster.wait("a fault", || faults() == 1);
    verify.kill().unwrap();
    verify.wait().unwrap();
    cluster.wait("the fault to be undone", || faults() == 0);
    let events = cluster.run(&["events"]).stdout;
    let events = String::from_utf8(events).unwrap();
    assert!(events.contains("undone by the reaper"), "{events}");
}

/// The same where another process has taken over in between: the reaper is heard there too.
#[test]
fn a_verify_killed_after_an_upgrade_leaves_no_fault_in_the_gateway() {
    let claims = GRAY_CLAIMS.replace("gray = 1", "gray = 3");
    let cluster = Cluster::up(&three_replicas(&claims));
    cluster.ready(3);
    let mut verify = begin(&cluster, "any one replica may be slow");
    let faults = || cluster.status()["faults"].as_array().unwrap().len();
    cluster.wait("a fault", || faults() == 1);
    let output = cluster.run(&["upgrade"]);
    assert!(output.status.success(), "{output:?}");
    verify.kill().unwrap();
    verify.wait().unwrap();
    cluster.wait("the fault to be undone", || faults() == 0);
    let events = cluster.run(&["events"]).stdout;
    let events = String::from_utf8(events).unwrap();
    let ended = ["undone by the reaper", "rolled back"];
    assert!(ended.iter().any(|how| events.contains(how)), "{events}");
    assert!(!events.contains("not taken over"), "{events}");
}

/// Both at once: nobody is left to undo it, and it is over long before its time.
#[test]
fn a_killed_verify_and_reaper_leave_no_fault_in_the_gateway() {
    let claims = GRAY_CLAIMS.replace("gray = 1", "gray = 3");
    let cluster = Cluster::up(&three_replicas(&claims));
    cluster.ready(3);
    let mut verify = begin(&cluster, "any one replica may be slow");
    let faults = || cluster.status()["faults"].as_array().unwrap().len();
    cluster.wait("a fault", || faults() == 1);
    let reaper = children(verify.id());
    assert!(!reaper.is_empty());
    // Neither has a moment in which it could act for the other.
    signal(
        i32::try_from(verify.id()).unwrap(),
        rustix::process::Signal::STOP,
    );
    for pid in reaper {
        signal(pid, rustix::process::Signal::KILL);
    }
    verify.kill().unwrap();
    verify.wait().unwrap();
    cluster.wait("the fault to be over", || faults() == 0);
    let events = cluster.run(&["events"]).stdout;
    let events = String::from_utf8(events).unwrap();
    assert!(events.contains("who ordered it is gone"), "{events}");
}

/// The processes that a process has started.
fn children(pid: u32) -> Vec<i32> {
    let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).unwrap();
    let of = |task: std::fs::DirEntry| std::fs::read_to_string(task.path().join("children")).ok();
    let lists: Vec<String> = tasks.filter_map(|task| of(task.unwrap())).collect();
    let ids = lists.iter().flat_map(|list| list.split_whitespace());
    ids.map(|id| id.parse().unwrap()).collect()
}

#[test]
fn a_killed_verify_leaves_no_stopped_process() {
    let cluster = Cluster::up(&three_replicas(CLAIMS));
    let before = cluster.ready(3);
    let mut verify = begin(&cluster, "any one replica may hang");
    cluster.wait("a fault", || before.iter().any(|(_, pid)| stopped(*pid)));
    verify.kill().unwrap();
    verify.wait().unwrap();
    cluster.wait("the fault to be undone", || {
        before.iter().all(|(_, pid)| !alive(*pid) || !stopped(*pid))
    });
    cluster.ready(3);
}
