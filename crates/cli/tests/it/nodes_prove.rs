//! `verify` on several nodes: they die, and are cut off.

use std::process::Command;

use serde_json::Value;

use crate::cluster::{Cluster, three_replicas};
use crate::prove::verdicts;

const NODES: &str = r#"
[[claim]]
name = "any one node may die"
survive = { nodes = 1 }
slo = "web"
available = "99.9%"
recover = "10s"
"#;

const PARTITION: &str = r#"
[[claim]]
name = "any one node may be cut off"
survive = { partition = 1 }
slo = "web"
available = "99%"
recover = "10s"
"#;

/// With it the first trial on three nodes is on the first.
const FIRST_NODE: &str = "3";

fn report(output: &std::process::Output) -> Value {
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}\n{}", String::from_utf8_lossy(&output.stderr)))
}

/// One trial, on the first node: the one that is asked, and that the load goes to. Another stands in.
fn verify_first(cluster: &Cluster) -> Value {
    let args = ["verify", "--trials", "1", "--seed", FIRST_NODE];
    report(&cluster.run(&[&args[..], &["--output", "json"]].concat()))
}

/// That trial, which has to be PROVEN.
fn proven_of_first<'a>(cluster: &Cluster, report: &'a Value) -> &'a Value {
    let log = cluster.log();
    assert_eq!(verdicts(report), ["PROVEN"], "{report:#}\n{log}");
    let trial = &report["claims"][0]["each"][0];
    assert_eq!(trial["nodes"], serde_json::json!(["n1"]), "{trial}");
    trial
}

#[test]
fn a_node_that_dies_under_load_is_proven_survived() {
    let cluster = Cluster::up_on(&three_replicas(NODES), 3);
    let pids = || -> Vec<u64> {
        let pid = |number| {
            cluster.node_status(number).unwrap()["pid"]
                .as_u64()
                .unwrap()
        };
        (1..=3).map(pid).collect()
    };
    let before = pids();
    let report = verify_first(&cluster);
    let trial = proven_of_first(&cluster, &report);
    assert_eq!(trial["targets"], serde_json::json!(["web/0"]), "{trial}");
    let away = &trial["away"];
    assert!(away["isolated_ms"].is_number(), "{away}");
    assert_eq!(away["failed_after"], 0, "{away}");
    // On a machine that is busy it may be back before the others have agreed on its end.
    let said = ["n2", "n3"].map(|node| cluster.run(&["events", "--node", node]).stdout);
    let said = said.map(|text| String::from_utf8(text).unwrap()).join("");
    let down = said.contains("node n1: down");
    assert_eq!(away["convicted_ms"].is_number(), down, "{away}\n{said}");
    assert!(down || said.contains("node n1: restarted"), "{said}");
    let after = pids();
    assert_ne!(before[0], after[0], "another process");
    assert_eq!(before[1..], after[1..], "these lived on");
    // None of them takes it for a failure of its own.
    for number in 1..=3 {
        let node = format!("n{number}");
        let incidents = cluster.json(&["incidents", "--node", &node, "--output", "json"]);
        let incidents = incidents["incidents"].as_array().unwrap();
        assert!(!incidents.is_empty(), "{node} saw nothing");
        for incident in incidents {
            assert!(incident["injected"].is_string(), "{node}: {incident}");
        }
    }
    let more = cluster.run(&["verify", "--nodes", "3"]);
    let text = String::from_utf8_lossy(&more.stderr);
    assert_eq!(more.status.code(), Some(2), "{text}");
    assert!(
        text.contains("--nodes is for a cluster of its own"),
        "{text}"
    );
}

#[test]
fn the_only_replica_dies_with_its_node_and_refutes_on_a_cluster_of_its_own() {
    let file = three_replicas(NODES).replace("replicas = 3", "replicas = 1");
    let cluster = Cluster::new(&file);
    let path = cluster.file();
    let path = path.to_str().unwrap();
    let args = ["verify", path, "--nodes", "3", "--trials", "1", "--seed"];
    let output = cluster.run(&[&args[..], &[FIRST_NODE, "--output", "json"]].concat());
    let report = report(&output);
    assert_eq!(verdicts(&report), ["REFUTED"], "{report:#}");
    assert_eq!(output.status.code(), Some(1));
    let reasons = report["claims"][0]["reasons"].to_string();
    assert!(
        reasons.contains("on n1, web/0") && reasons.contains("requests failed"),
        "{reasons}"
    );
    let replay = report["claims"][0]["replay"].as_str().unwrap();
    assert!(replay.contains(" --nodes 3"), "{replay}");
    assert!(
        crate::killed::runs_in(cluster.own_state().to_str().unwrap()).is_empty(),
        "it was stopped with all its nodes"
    );
}

#[test]
fn without_nodes_a_claim_about_them_is_untested() {
    let cluster = Cluster::up(&three_replicas(&format!("{NODES}{PARTITION}")));
    cluster.ready(3);
    let output = cluster.run(&["verify", "--trials", "1", "--output", "json"]);
    let report = report(&output);
    assert_eq!(verdicts(&report), ["UNTESTED", "UNTESTED"], "{report:#}");
    assert_eq!(output.status.code(), Some(3));
    let reason = report["claims"][0]["reasons"][0].as_str().unwrap();
    assert!(reason.contains("--nodes N"), "{reason}");
}

/// Our tables of packet filters; an error says why there can be none.
fn tables() -> Result<String, String> {
    let list = Command::new("nft").args(["list", "tables"]).output();
    let output = list.map_err(|error| format!("nft: {error}"))?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    let all = String::from_utf8_lossy(&output.stdout).into_owned();
    let ours = all.lines().filter(|line| line.contains("ninefold_f_"));
    Ok(ours.collect())
}

/// Where no packet filters may be set this holds `verify` to saying so, and says itself what it has not tried.
#[test]
fn a_node_that_is_cut_off_is_done_without_and_comes_back() {
    cut_off(PARTITION);
}

#[test]
fn a_node_that_nobody_hears_is_done_without_and_comes_back() {
    cut_off(&PARTITION.replace("partition = 1", "partition = 1, one_way = true"));
}

fn cut_off(claim: &str) {
    let cluster = Cluster::up_on(&three_replicas(claim), 3);
    let report = verify_first(&cluster);
    if let Err(why) = tables() {
        eprintln!("SKIPPED: no partition was tried here: {}", why.trim());
        assert_eq!(verdicts(&report), ["UNTESTED"], "{report:#}");
        let reason = report["claims"][0]["reasons"][0].as_str().unwrap();
        assert!(
            reason.contains("as root") || reason.contains("nftables"),
            "{reason}"
        );
        return;
    }
    let trial = proven_of_first(&cluster, &report);
    let away = &trial["away"];
    for figure in ["convicted_ms", "isolated_ms", "rejoined_ms"] {
        assert!(away[figure].is_number(), "{figure}: {away}");
    }
    // Nobody was restarted for it.
    for number in 1..=3 {
        let status = cluster.node_status(number).unwrap();
        for instance in status["instances"].as_array().unwrap() {
            assert_eq!(instance["restarts"], 0, "{instance}");
        }
    }
}

/// Its answers do not come through the cut: what passes between nodes is cut with their gossip.
#[test]
fn the_only_replica_is_cut_off_with_its_node_and_refutes() {
    if let Err(why) = tables() {
        eprintln!("SKIPPED: no partition can be tried here: {}", why.trim());
        return;
    }
    let file = three_replicas(PARTITION).replace("replicas = 3", "replicas = 1");
    let cluster = Cluster::up_on(&file, 3);
    let report = verify_first(&cluster);
    assert_eq!(verdicts(&report), ["REFUTED"], "{report:#}");
    let reasons = report["claims"][0]["reasons"].to_string();
    assert!(reasons.contains("requests failed"), "{reasons}");
    // Also before its endpoint was given up.
    let trial = &report["claims"][0]["each"][0];
    let failed = trial["requests"]["failed"].as_u64();
    assert!(failed > trial["away"]["failed_after"].as_u64(), "{trial}");
}

#[test]
fn a_killed_verify_leaves_nobody_cut_off() {
    if let Err(why) = tables() {
        eprintln!("SKIPPED: no partition can be tried here: {}", why.trim());
        return;
    }
    let cluster = Cluster::up_on(&three_replicas(PARTITION), 3);
    let mut verify = cluster.begin_verify(&["--trials", "1"]);
    // Of this cluster: the fault's id begins with its run, which has the pid of `verify`.
    let own = format!("_{:x}_", verify.id());
    let cut = || tables().unwrap().contains(&own);
    cluster.wait("a cut", cut);
    verify.kill().unwrap();
    verify.wait().unwrap();
    cluster.wait("its end", || !cut());
}
