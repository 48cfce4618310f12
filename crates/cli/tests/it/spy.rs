//! What happens to a node itself.

use std::time::Duration;

use rustix::process::{Pid, Resource, Rlimit, Signal, prlimit};

use crate::cluster::{Cluster, signal, three_replicas};

fn events(cluster: &Cluster) -> String {
    String::from_utf8(cluster.run(&["events"]).stdout).unwrap()
}

#[test]
fn a_node_that_stood_still_says_so() {
    let cluster = Cluster::up(&three_replicas(""));
    cluster.ready(3);
    signal(cluster.pid(), Signal::STOP);
    std::thread::sleep(Duration::from_millis(1_500));
    signal(cluster.pid(), Signal::CONT);
    cluster.wait("a stall in the journal", || {
        events(&cluster).contains("this node: stood still for ")
    });
    let metrics = cluster.metrics();
    let counted = metrics
        .lines()
        .find_map(|line| line.strip_prefix("ninefold_disturbances_total{what=\"stalled\"} "));
    assert!(counted.is_some_and(|count| count != "0"), "{metrics}");
}

#[test]
fn a_state_folder_that_takes_nothing_is_told_of() {
    let cluster = Cluster::up(&three_replicas(""));
    cluster.ready(3);
    let canary = cluster.state().join("canary");
    cluster.wait("the first write", || canary.is_file());
    std::fs::remove_file(&canary).unwrap();
    // Between two writes; if it is taken just then, nothing is lost but five seconds.
    std::fs::create_dir(&canary).unwrap();
    let trouble = "the state folder cannot be written to: Is a directory";
    cluster.wait("the trouble", || events(&cluster).contains(trouble));
    let degraded = cluster.status()["degraded"].to_string();
    assert!(degraded.contains(trouble), "{degraded}");
    assert_eq!(cluster.get("/").0, 200, "it serves on");
    std::fs::remove_dir(&canary).unwrap();
    cluster.wait("its end", || {
        events(&cluster).contains("the state folder can be written to again")
    });
}

/// Sets the soft limit of a node's open files; what it was.
fn limit_files(cluster: &Cluster, current: u64) -> u64 {
    let pid = Pid::from_raw(cluster.pid());
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", cluster.pid())).unwrap();
    let line = limits
        .lines()
        .find(|line| line.starts_with("Max open files"));
    let maximum = line
        .unwrap()
        .split_whitespace()
        .nth(4)
        .unwrap()
        .parse()
        .unwrap();
    let limit = Rlimit {
        current: Some(current),
        maximum: Some(maximum),
    };
    prlimit(pid, Resource::Nofile, limit)
        .unwrap()
        .current
        .unwrap()
}

/// A node that may open no more files accepts nobody; the kernel connects clients all the same.
#[test]
fn a_listener_that_accepts_nothing_is_told_of_and_its_recovery() {
    let cluster = Cluster::up(&three_replicas(""));
    cluster.ready(3);
    let address = cluster.address();
    let before = limit_files(&cluster, 3);
    let trouble = format!("this node: the listener {address} accepts nothing: ");
    // Nobody can ask it meanwhile, but it says so itself.
    cluster.wait("the trouble in the log", || {
        cluster.log().contains(&trouble)
    });
    limit_files(&cluster, before);
    let over = format!("this node: the listener {address} accepts again");
    cluster.wait("its end", || events(&cluster).contains(&over));
    assert!(events(&cluster).contains(&trouble));
    let degraded = cluster.status()["degraded"].to_string();
    assert!(!degraded.contains("the listener"), "{degraded}");
    // It could not probe its instances either, and has them restarted.
    cluster.wait("an answer", || cluster.get("/").0 == 200);
    let counted = cluster.metrics().lines().any(|line| {
        line.strip_prefix("ninefold_disturbances_total{what=\"listener_failed\"} ")
            .is_some_and(|count| count != "0")
    });
    assert!(counted);
}
