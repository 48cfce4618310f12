//! What happens to a node itself.

use std::time::Duration;

use rustix::process::Signal;

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
