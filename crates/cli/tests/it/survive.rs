//! Ninefold itself dies.

use crate::cluster::{Cluster, alive, three_replicas};

#[test]
fn services_survive_the_death_of_ninefold_and_are_adopted() {
    let mut cluster = Cluster::up(&three_replicas(""));
    let before = cluster.ready(3);
    for _ in 0..50 {
        assert_eq!(cluster.get("/").0, 200);
    }
    let requests = |cluster: &Cluster| cluster.status()["routes"][0]["requests"].as_u64().unwrap();
    cluster.wait("the counts to be booked", || requests(&cluster) == 50);
    // Booked in memory is not on disk yet; the next flush is at most 100 ms away.
    let flushed = cluster.state().join("slo");
    let stamp = |path: &std::path::Path| {
        std::fs::read_dir(path)
            .unwrap()
            .flatten()
            .filter_map(|e| e.metadata().ok()?.modified().ok())
            .max()
    };
    let then = stamp(&flushed);
    cluster.wait("a flush", || stamp(&flushed) > then);

    cluster.kill_ninefold();
    for (_, pid) in &before {
        assert!(alive(*pid), "{pid} died with Ninefold");
    }
    cluster.start();
    assert_eq!(cluster.ready(3), before, "the same processes serve");
    assert!(requests(&cluster) >= 50, "the counts go on");
    assert_eq!(cluster.get("/").0, 200);
    let events = String::from_utf8(cluster.run(&["events"]).stdout).unwrap();
    assert_eq!(events.matches(" adopted: ").count(), 3, "{events}");
    assert!(cluster.stop().success());
    for (_, pid) in before {
        assert!(!alive(pid), "{pid} is left behind");
    }
}

#[test]
fn what_a_killed_ninefold_left_can_be_stopped() {
    let mut cluster = Cluster::up(&three_replicas(""));
    let before = cluster.ready(3);
    cluster.kill_ninefold();
    let output = cluster.run(&["stop"]);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    for (_, pid) in before {
        assert!(!alive(pid), "{pid} is left behind");
    }
}
