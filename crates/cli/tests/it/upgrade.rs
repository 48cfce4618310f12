//! Another process takes over while requests come.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use rustix::process::Signal;

use crate::cluster::{Cluster, alive, signal};
use crate::load::Load;
use crate::reload::{events, replicas, scraped, with_timeout};

/// The process that runs the cluster; nothing while none has the folder.
pub(crate) fn runs(cluster: &Cluster) -> Option<i32> {
    let output = cluster.run(&["status", "--output", "json"]);
    let status: serde_json::Value = serde_json::from_slice(&output.stdout).ok()?;
    i32::try_from(status["pid"].as_i64()?).ok()
}

/// A process that is to take over, and what came of it.
pub(crate) fn take_over(cluster: &Cluster, state: &std::path::Path) -> Child {
    Command::new(env!("CARGO_BIN_EXE_ninefold"))
        .args(["up", "--take-over", "--quiet"])
        .arg(cluster.file())
        .arg("--state")
        .arg(state)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

#[test]
fn many_upgrades_under_load_lose_nothing() {
    let file = replicas("");
    let mut cluster = Cluster::up(&file);
    let before = cluster.ready(3);
    let load = Load::begin(cluster.address());
    let mut counted = 0;
    for turn in 0..6 {
        let served = load.ok();
        cluster.wait("traffic", || load.ok() > served + 100);
        let old = runs(&cluster).unwrap();
        cluster.write(&with_timeout(&file, 20 + turn));
        let output = cluster.run(&["upgrade"]);
        assert!(
            output.status.success(),
            "{}\n{}",
            String::from_utf8_lossy(&output.stderr),
            cluster.log()
        );
        assert_ne!(runs(&cluster), Some(old));
        assert_eq!(cluster.ready(3), before, "the services were not restarted");
        let now = scraped(&cluster);
        assert!(now >= counted, "{now} after {counted}");
        counted = now;
        cluster.wait("the one before to go", || !alive(old));
    }
    let sent = load.end();
    cluster.wait("every request to be counted once", || {
        scraped(&cluster) == sent
    });
    let booked = |cluster: &Cluster| cluster.status()["routes"][0]["ok"].as_u64().unwrap();
    cluster.wait("every request to be booked once", || {
        booked(&cluster) == sent
    });
    assert_eq!(events(&cluster).matches("took over from pid").count(), 6);
    cluster.stop();
}

#[test]
fn a_successor_that_cannot_serve_leaves_the_old_one_as_it_was() {
    let file = replicas("");
    let cluster = Cluster::up(&file);
    let before = cluster.ready(3);
    let old = runs(&cluster);
    let load = Load::begin(cluster.address());
    // A broken file, and one whose listener somebody else has.
    cluster.write("[cluster");
    assert_eq!(cluster.run(&["upgrade"]).status.code(), Some(1));
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    cluster.write(&format!("{file}\n[[listener]]\naddress = \"{address}\"\n[[listener.route]]\npath = \"/two\"\nservice = \"web\""));
    let output = cluster.run(&["upgrade"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("goes on"), "{said}");
    assert_eq!(runs(&cluster), old);
    assert_eq!(cluster.ready(3), before);
    let served = load.ok();
    cluster.wait("traffic", || load.ok() > served + 200);
    load.end();
}

/// What the journal on disk says, whoever runs.
pub(crate) fn journal(cluster: &Cluster) -> String {
    let folder = std::fs::read_dir(cluster.state().join("journal")).unwrap();
    let files = folder
        .flatten()
        .map(|entry: std::fs::DirEntry| entry.path());
    let texts = files.filter_map(|path: PathBuf| std::fs::read_to_string(path).ok());
    texts.collect()
}

#[test]
fn a_successor_killed_at_any_moment_leaves_a_node_that_serves_or_can_be_started() {
    let file = replicas("");
    let mut cluster = Cluster::up(&file);
    let before = cluster.ready(3);
    let mut kept = 0;
    for turn in 0..8 {
        let old = runs(&cluster).unwrap();
        let load = Load::begin(cluster.address());
        cluster.wait("traffic", || load.ok() > 50);
        let started = journal(&cluster).len();
        let mut next = take_over(&cluster, &cluster.state());
        // Before it has anything, or once it has the folder and writes its first line.
        if turn % 2 == 1 {
            cluster.wait("it to have the folder", || {
                journal(&cluster).len() > started || next.try_wait().unwrap().is_some()
            });
        } else {
            let served = load.ok();
            cluster.wait("some more traffic", || load.ok() > served + turn * 10);
        }
        next.kill().unwrap();
        next.wait().unwrap();
        cluster.wait("the old one to answer or to be gone", || {
            runs(&cluster) == Some(old) || !alive(old)
        });
        if alive(old) {
            kept += 1;
            let served = load.ok();
            cluster.wait("traffic", || load.ok() > served + 100);
            load.end();
        } else {
            // It had taken over already, so the old one had left: an ordinary start adopts.
            drop(load);
            cluster.reap();
            cluster.start();
        }
        assert_eq!(cluster.ready(3), before, "{}", cluster.log());
        assert_eq!(cluster.get("/").0, 200);
    }
    assert!(kept > 0, "it never came before the end of a hand-over");
}

#[test]
fn an_old_one_killed_in_mid_hand_over_leaves_a_node_that_serves_or_can_be_started() {
    let file = replicas("");
    let mut cluster = Cluster::up(&file);
    let before = cluster.ready(3);
    for _ in 0..4 {
        let old = runs(&cluster).unwrap();
        let started = journal(&cluster).len();
        let mut next = take_over(&cluster, &cluster.state());
        cluster.wait("it to have the folder", || {
            journal(&cluster).len() > started
        });
        signal(old, Signal::KILL);
        cluster.wait("the new one to serve", || {
            runs(&cluster) == Some(i32::try_from(next.id()).unwrap())
        });
        assert_eq!(cluster.ready(3), before);
        assert_eq!(cluster.get("/").0, 200);
        next.kill().unwrap();
        next.wait().unwrap();
        cluster.reap();
        cluster.start();
        assert_eq!(cluster.ready(3), before);
        assert_eq!(cluster.get("/").0, 200);
    }
}
