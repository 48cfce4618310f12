//! `verify`, its `up`, or the `up` it works on, killed at the worst moment.

use std::process::Child;

use rustix::process::Signal;
use serde_json::Value;

use crate::cluster::{Cluster, alive, instances, signal, stopped, three_replicas};
use crate::prove::{CLAIMS, verdicts};

/// Its hang must be over long before.
const CLAIM: &str = "any one replica may hang";

/// The processes of a cluster that `verify` started for itself.
struct Own {
    up: i32,
    instances: Vec<i32>,
}

fn pids(status: &Value, state: &str) -> Vec<i32> {
    let instances = instances(status, state);
    instances.into_iter().map(|(_, pid)| pid).collect()
}

fn own_status(cluster: &Cluster) -> Option<Value> {
    let state = cluster.own_state();
    let output = Cluster::anywhere(&["status", "--output", "json", "--state", state.to_str()?]);
    serde_json::from_slice(&output.stdout).ok()
}

/// Waits until `verify` hangs an instance of its own cluster.
fn in_mid_hang(cluster: &Cluster) -> Own {
    let mut own = None;
    cluster.wait("a fault in the cluster of its own", || {
        let Some(status) = own_status(cluster) else {
            return false;
        };
        let found = Own {
            up: i32::try_from(status["pid"].as_i64().unwrap()).unwrap(),
            instances: status["instances"]
                .as_array()
                .unwrap()
                .iter()
                .filter_map(|instance| instance["pid"].as_i64())
                .map(|pid| i32::try_from(pid).unwrap())
                .collect(),
        };
        let hung = found.instances.iter().any(|pid| stopped(*pid));
        own = Some(found);
        hung
    });
    own.unwrap()
}

/// Nothing of the cluster runs, not even its keepers.
fn nothing_is_left(cluster: &Cluster, own: &Own) {
    cluster.wait("the cluster of its own to be gone", || {
        !own.instances.iter().chain([&own.up]).any(|pid| alive(*pid))
            && runs_in(cluster.own_state().to_str().unwrap()).is_empty()
    });
}

/// Processes with this folder in their command line.
pub(crate) fn runs_in(folder: &str) -> Vec<String> {
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let lines = processes.filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok());
    let texts = lines.map(|line| String::from_utf8_lossy(&line).replace('\0', " "));
    texts.filter(|line| line.contains(folder)).collect()
}

fn report(verify: Child) -> (Option<i32>, Value) {
    let output = verify.wait_with_output().unwrap();
    let report = serde_json::from_slice(&output.stdout).unwrap();
    (output.status.code(), report)
}

#[test]
fn an_up_killed_under_verify_makes_it_inconclusive_and_leaves_nothing_stopped() {
    let mut cluster = Cluster::up(&three_replicas(CLAIMS));
    let before = cluster.ready(3);
    let verify = cluster.begin_verify(&["--claim", CLAIM, "--output", "json"]);
    cluster.wait("a fault", || before.iter().any(|(_, pid)| stopped(*pid)));
    cluster.kill_ninefold();
    let (code, report) = report(verify);
    assert_eq!(verdicts(&report), ["INCONCLUSIVE"], "{report:#}");
    assert!(
        report.to_string().contains("Ninefold itself ended"),
        "{report:#}"
    );
    assert_eq!(code, Some(3));
    for (id, pid) in &before {
        assert!(alive(*pid) && !stopped(*pid), "{id}");
    }
    cluster.start();
    assert_eq!(cluster.ready(3), before, "the same processes serve");
    // Nothing of it stands in the way of the next.
    let again = cluster.run(&["verify", "--claim", CLAIM, "--trials", "1"]);
    assert_eq!(
        again.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&again.stdout)
    );
}

#[test]
fn an_own_up_that_is_killed_leaves_nothing_behind() {
    let cluster = Cluster::new(&three_replicas(CLAIMS));
    let verify = cluster.begin_verify(&["--claim", CLAIM, "--output", "json"]);
    let own = in_mid_hang(&cluster);
    signal(own.up, Signal::KILL);
    let (code, report) = report(verify);
    assert_eq!(verdicts(&report), ["INCONCLUSIVE"], "{report:#}");
    assert_eq!(code, Some(3));
    nothing_is_left(&cluster, &own);
}

#[test]
fn a_killed_verify_takes_its_own_cluster_with_it() {
    let cluster = Cluster::new(&three_replicas(CLAIMS));
    let mut verify = cluster.begin_verify(&["--claim", CLAIM]);
    let own = in_mid_hang(&cluster);
    verify.kill().unwrap();
    verify.wait().unwrap();
    nothing_is_left(&cluster, &own);
}

#[test]
fn a_verify_killed_with_its_own_up_leaves_nothing_behind() {
    let cluster = Cluster::new(&three_replicas(CLAIMS));
    let mut verify = cluster.begin_verify(&["--claim", CLAIM]);
    let own = in_mid_hang(&cluster);
    signal(own.up, Signal::KILL);
    verify.kill().unwrap();
    verify.wait().unwrap();
    nothing_is_left(&cluster, &own);
}

#[test]
fn a_verify_killed_before_its_cluster_is_ready_takes_it_with_it() {
    let file = three_replicas(CLAIMS).replace("ready = \"/ready\"", "ready = \"/fail\"");
    let cluster = Cluster::new(&file);
    let mut verify = cluster.begin_verify(&[]);
    let mut own = None;
    cluster.wait("three instances that start", || {
        let Some(status) = own_status(&cluster) else {
            return false;
        };
        let instances = pids(&status, "starting");
        let up = i32::try_from(status["pid"].as_i64().unwrap()).unwrap();
        let all = instances.len() == 3 && !instances.contains(&0);
        own = Some(Own { up, instances });
        all
    });
    verify.kill().unwrap();
    verify.wait().unwrap();
    nothing_is_left(&cluster, &own.unwrap());
}

#[test]
fn an_unknown_claim_starts_nothing() {
    let cluster = Cluster::new(&three_replicas(CLAIMS));
    let verify = cluster.begin_verify(&["--claim", "nobody said so"]);
    assert_eq!(verify.wait_with_output().unwrap().status.code(), Some(2));
    assert!(!cluster.own_state().exists());
}
