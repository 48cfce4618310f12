//! Ninefold itself dies.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::thread;

use rustix::process::Signal;

use crate::cluster::{Cluster, alive, get, signal, three_replicas};

/// What clients in closed loops saw.
#[derive(Debug, Default)]
struct Seen {
    ok: AtomicU64,
    /// Answers that are none of the service's.
    bad: AtomicU64,
    /// No listener, or one that died.
    none: AtomicU64,
    end: AtomicBool,
}

impl Seen {
    fn drive(&self, address: SocketAddr) {
        while !self.end.load(Relaxed) {
            let count = match get(address, "/").0 {
                200 => &self.ok,
                0 => {
                    thread::yield_now();
                    &self.none
                }
                _ => &self.bad,
            };
            count.fetch_add(1, Relaxed);
        }
    }
}

#[test]
fn nobody_hears_that_nothing_is_up_when_ninefold_comes_back() {
    // The same address before and after; it was free a moment ago.
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = free.local_addr().unwrap();
    drop(free);
    let file = three_replicas("").replacen(
        "[[listener]]\naddress = \"127.0.0.1:0\"",
        &format!("[[listener]]\naddress = \"{address}\""),
        1,
    );
    let mut cluster = Cluster::up(&file);
    assert_eq!(cluster.address(), address);
    let before = cluster.ready(3);
    let seen = Arc::new(Seen::default());
    let clients: Vec<_> = (0..4)
        .map(|_| {
            let seen = Arc::clone(&seen);
            thread::spawn(move || seen.drive(address))
        })
        .collect();
    for _ in 0..5 {
        let served = seen.ok.load(Relaxed);
        cluster.wait("traffic", || seen.ok.load(Relaxed) > served + 100);
        let unheard = seen.none.load(Relaxed);
        cluster.kill_ninefold();
        cluster.wait("clients to notice", || seen.none.load(Relaxed) > unheard);
        cluster.start();
    }
    let served = seen.ok.load(Relaxed);
    cluster.wait("traffic", || seen.ok.load(Relaxed) > served + 100);
    seen.end.store(true, Relaxed);
    for client in clients {
        client.join().unwrap();
    }
    assert_eq!(seen.bad.load(Relaxed), 0, "{seen:?}\n{}", cluster.log());
    assert_eq!(cluster.ready(3), before, "the same processes serve");
}

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

#[test]
fn who_follows_the_events_sees_the_end() {
    let mut cluster = Cluster::up(&three_replicas(""));
    cluster.ready(3);
    let log = cluster.state().join("followed");
    let mut follower = std::process::Command::new(env!("CARGO_BIN_EXE_ninefold"))
        .args(["events", "-f", "--state"])
        .arg(cluster.state())
        .stdout(std::fs::File::create(&log).unwrap())
        .spawn()
        .unwrap();
    let followed = || std::fs::read_to_string(&log).unwrap();
    cluster.wait("the first events", || followed().contains("node started"));
    assert!(cluster.stop().success());
    assert!(follower.wait().unwrap().success());
    let text = followed();
    assert!(text.ends_with("node stopped\n"), "{text}");
}

#[test]
fn what_happened_can_be_read_when_nothing_runs() {
    let mut cluster = Cluster::up(&three_replicas(""));
    let (victim, pid) = cluster.ready(3)[0].clone();
    signal(pid, Signal::KILL);
    let closed = |cluster: &Cluster| {
        let list = cluster.json(&["incidents", "--output", "json"]);
        list["incidents"][0]["state"] == "closed"
    };
    cluster.wait("the incident to close", || closed(&cluster));
    assert!(cluster.stop().success());

    for (command, said) in [
        (&["events"][..], victim.as_str()),
        (&["incidents"], "crash-stop"),
        (&["explain"], "SIGKILL"),
    ] {
        let output = cluster.run(command);
        let text = String::from_utf8_lossy(&output.stdout);
        let note = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{command:?}: {note}");
        assert!(text.contains(said), "{command:?}: {text}");
        assert!(note.starts_with("offline: "), "{command:?}: {note}");
    }
    assert!(closed(&cluster), "as JSON too");
    let newest = cluster.run(&["events", "-n", "1"]).stdout;
    assert_eq!(newest.iter().filter(|byte| **byte == b'\n').count(), 1);
    for refused in [&["explain", "inc-77"][..], &["events", "-f"]] {
        assert_eq!(cluster.run(refused).status.code(), Some(2), "{refused:?}");
    }
}
