//! `up --nodes`: several nodes on this machine.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;

use rustix::process::Signal;
use serde_json::Value;

use crate::cluster::{Cluster, alive, get, instances, signal, three_replicas};
use crate::killed::runs_in;

/// By instance: its node, address and pid, of all that are ready.
type Seen = BTreeMap<String, (u32, String, i32)>;

fn seen(cluster: &Cluster, nodes: u32) -> Option<Seen> {
    let mut seen = Seen::new();
    for number in 1..=nodes {
        let status = cluster.node_status(number)?;
        for one in status["instances"].as_array()? {
            // Each node knows what the others run as well.
            if one["state"] != "ready" || one["node"] != format!("n{number}") {
                continue;
            }
            let id = one["instance"].as_str()?.to_owned();
            let address = one["address"].as_str()?.to_owned();
            let pid = i32::try_from(one["pid"].as_i64()?).ok()?;
            let before = seen.insert(id.clone(), (number, address, pid));
            assert_eq!(before, None, "{id} runs twice");
        }
    }
    Some(seen)
}

/// Waits until so many replicas are ready on all nodes together.
fn ready(cluster: &Cluster, nodes: u32, replicas: usize) -> Seen {
    let mut all = Seen::new();
    cluster.wait(&format!("{replicas} ready replicas"), || {
        all = seen(cluster, nodes).unwrap_or_default();
        all.len() == replicas
    });
    all
}

fn pid(status: &Value) -> i32 {
    i32::try_from(status["pid"].as_i64().unwrap()).unwrap()
}

fn nothing_is_left(cluster: &Cluster, seen: &Seen) {
    let state = cluster.state();
    cluster.wait("everything to be gone", || {
        !seen.values().any(|(_, _, pid)| alive(*pid)) && runs_in(state.to_str().unwrap()).is_empty()
    });
}

#[test]
fn every_replica_runs_on_one_node_and_a_killed_node_comes_back_to_it() {
    let mut cluster = Cluster::up_on(&three_replicas(""), 3);
    let before = ready(&cluster, 3, 3);
    let homes: Vec<u32> = before.values().map(|(node, _, _)| *node).collect();
    assert_eq!(homes, [1, 2, 3], "a zone each");
    for (id, (node, address, _)) in &before {
        assert!(
            address.starts_with(&format!("127.0.0.{node}:")),
            "{id}: {address}"
        );
        let status = cluster.node_status(*node).unwrap();
        let listener = status["listeners"][0]["address"].as_str().unwrap();
        assert!(
            listener.starts_with(&format!("127.0.0.{node}:")),
            "{listener}"
        );
        let (code, body) = get(listener.parse().unwrap(), "/");
        assert_eq!((code, body.trim()), (200, id.as_str()));
        assert_eq!(status["open_incidents"].as_array().map(Vec::len), Some(0));
    }
    // Without a word about it the first is meant.
    assert_eq!(
        pid(&cluster.status()),
        pid(&cluster.node_status(1).unwrap())
    );
    let other = cluster.run(&["status", "--node", "n4"]);
    assert_eq!(other.status.code(), Some(2));

    let second = pid(&cluster.node_status(2).unwrap());
    signal(second, Signal::KILL);
    cluster.wait("n2 to be back", || {
        let status = cluster.node_status(2);
        status.is_some_and(|status| pid(&status) != second)
    });
    assert_eq!(ready(&cluster, 3, 3), before, "its instance is adopted");
    let log = cluster.log();
    assert!(log.contains("n2: its process ended (signal: 9"), "{log}");
    assert!(
        log.contains("n2 │ ") && log.contains("web/1 adopted"),
        "{log}"
    );

    signal(cluster.pid(), Signal::TERM);
    assert_eq!(cluster.ended().code(), Some(0), "{}", cluster.log());
    nothing_is_left(&cluster, &before);
}

#[test]
fn nodes_stop_with_their_parent_however_it_ends() {
    let mut cluster = Cluster::up_on(&three_replicas(""), 3);
    let first = ready(&cluster, 3, 3);
    cluster.kill_ninefold();
    nothing_is_left(&cluster, &first);
    // Nothing of it stands in the way of the next.
    cluster.start_on(3);
    let second = ready(&cluster, 3, 3);
    let stopped = cluster.run(&["stop"]);
    assert_eq!(stopped.status.code(), Some(0), "{}", cluster.log());
    assert_eq!(cluster.ended().code(), Some(0), "{}", cluster.log());
    nothing_is_left(&cluster, &second);
    let again = cluster.run(&["stop"]);
    assert_eq!(again.status.code(), Some(2), "nothing ran");
    // What happened is still told.
    let events = cluster.run(&["events", "--node", "n3"]);
    assert!(String::from_utf8_lossy(&events.stdout).contains("web/2"));
}

#[test]
fn what_was_left_at_once_is_adopted_by_its_node_or_stopped_with_fewer() {
    let file = three_replicas("").replace("zones = [\"a\", \"b\", \"c\"]", "");
    let mut cluster = Cluster::up_on(&file, 3);
    let before = ready(&cluster, 3, 3);
    // It holds the stop of its node until the second signal.
    let status = cluster.node_status(1).unwrap();
    let listener = status["listeners"][0]["address"].as_str().unwrap();
    let mut held = TcpStream::connect(listener).unwrap();
    held.write_all(b"GET /stream HTTP/1.1\r\nhost: t\r\n\r\n")
        .unwrap();
    held.read_exact(&mut [0; 8]).unwrap();
    signal(cluster.pid(), Signal::INT);
    cluster.wait("the stop to begin", || {
        cluster.log().contains("stopping in order")
    });
    signal(cluster.pid(), Signal::INT);
    assert_eq!(cluster.ended().code(), Some(2), "{}", cluster.log());
    assert!(before.values().any(|(_, _, pid)| alive(*pid)));
    cluster.start_on(2);
    let after = ready(&cluster, 2, 3);
    for (id, (node, _, pid)) in &before {
        if alive(*pid) {
            assert_eq!(
                after.get(id).map(|(_, _, pid)| pid),
                Some(pid),
                "{id} of n{node}"
            );
        }
    }
    assert_eq!(cluster.stop().code(), Some(0));
    nothing_is_left(&cluster, &before);
    nothing_is_left(&cluster, &after);
}

#[test]
fn what_a_killed_node_left_is_stopped_with_the_others() {
    let mut cluster = Cluster::up_on(&three_replicas(""), 3);
    let before = ready(&cluster, 3, 3);
    signal(pid(&cluster.node_status(2).unwrap()), Signal::KILL);
    cluster.wait("its end to be seen", || {
        cluster.log().contains("n2: its process ended")
    });
    assert!(alive(before["web/1"].2));
    signal(cluster.pid(), Signal::TERM);
    assert_eq!(cluster.ended().code(), Some(0), "{}", cluster.log());
    nothing_is_left(&cluster, &before);
}

#[test]
fn a_node_that_is_stopped_stays_so() {
    let mut cluster = Cluster::up_on(&three_replicas(""), 3);
    let before = ready(&cluster, 3, 3);
    let left = ["web/1", "web/2"].map(|one| (one.to_owned(), before[one].2));
    cluster.wait("n2 to have heard of what n3 runs", || {
        cluster.node_status(2).is_some_and(|status| {
            left.iter()
                .all(|one| instances(&status, "ready").contains(one))
        })
    });
    let stopped = cluster.run(&["stop", "--node", "n1"]);
    assert_eq!(stopped.status.code(), Some(0), "{}", cluster.log());
    cluster.wait("it to be seen", || {
        cluster.log().contains("n1 stopped in order")
    });
    assert!(cluster.node_status(1).is_none());
    // The first that runs is another one now.
    let status = cluster.status();
    assert_eq!(status["node"], "n2");
    assert_eq!(instances(&status, "ready"), left);
    assert_eq!(cluster.stop().code(), Some(0));
    nothing_is_left(&cluster, &before);
}

#[test]
fn all_nodes_reload_one_after_another_and_none_hands_over() {
    let mut cluster = Cluster::up_on(&three_replicas(""), 3);
    let before = ready(&cluster, 3, 3);
    cluster.write(&three_replicas("").replace("replicas = 3", "replicas = 6"));
    let file = cluster.file();
    let reloaded = cluster.run(&["reload", "--now", file.to_str().unwrap()]);
    let said = String::from_utf8_lossy(&reloaded.stderr).into_owned();
    assert_eq!(reloaded.status.code(), Some(0), "{said}\n{}", cluster.log());
    assert!(
        said.contains("node n1:") && said.contains("node n3:"),
        "{said}"
    );
    let after = ready(&cluster, 3, 6);
    for (id, was) in &before {
        assert_eq!(after.get(id), Some(was), "{id}");
    }
    let on = |number| {
        after
            .values()
            .filter(|(node, _, _)| *node == number)
            .count()
    };
    assert_eq!([on(1), on(2), on(3)], [2, 2, 2]);

    // What decides who runs what stays as it is.
    cluster.write(&three_replicas("").replace("\"c\"", "\"d\""));
    let refused = cluster.run(&["reload", "--now", file.to_str().unwrap()]);
    assert_eq!(refused.status.code(), Some(1));
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(said.contains("cluster.zones"), "{said}");

    cluster.write(&three_replicas(""));
    assert_eq!(cluster.run(&["upgrade"]).status.code(), Some(1));
    let third = pid(&cluster.node_status(3).unwrap());
    let state = cluster.state().join("n3");
    let (file, state) = (file.to_str().unwrap(), state.to_str().unwrap());
    let taker = Cluster::anywhere(&["up", "--take-over", "--state", state, file]);
    assert_eq!(taker.status.code(), Some(2));
    cluster.wait("n3 to go on", || {
        cluster
            .node_status(3)
            .is_some_and(|status| pid(&status) == third)
    });
    assert_eq!(cluster.stop().code(), Some(0));
    nothing_is_left(&cluster, &after);
}

/// Runs `up --nodes`, which ends by itself, and says how and what it wrote.
fn refused(file: &str, nodes: &str) -> (Option<i32>, String) {
    let cluster = Cluster::new(file);
    let path = cluster.file();
    let output = cluster.run(&["up", "--nodes", nodes, path.to_str().unwrap()]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    // A keeper is a moment behind the instance that it kept.
    let state = cluster.state();
    cluster.wait("nothing to be left", || {
        runs_in(state.to_str().unwrap()).is_empty()
    });
    (output.status.code(), said)
}

#[test]
fn what_nodes_cannot_share_is_refused_with_a_remedy() {
    let file = three_replicas("");
    let (code, said) = refused(&file, "2");
    assert_eq!(code, Some(2));
    assert!(said.contains("2 nodes cannot be in 3 zones"), "{said}");

    let wild = file.replacen(
        "[[listener]]\naddress = \"127.0.0.1:0\"",
        "[[listener]]\naddress = \"0.0.0.0:0\"",
        1,
    );
    let (code, said) = refused(&wild, "3");
    assert_eq!(code, Some(2));
    assert!(said.contains("listener 0.0.0.0:0"), "{said}");

    // A port that somebody has on one of them: that node does not begin, so none does.
    let taken = std::net::TcpListener::bind("127.0.0.3:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let file = file.replacen(
        "[[listener]]\naddress = \"127.0.0.1:0\"",
        &format!("[[listener]]\naddress = \"127.0.0.1:{port}\""),
        1,
    );
    let (code, said) = refused(&file, "3");
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("n3 did not begin"), "{said}");
}

/// The line of the journal that says with whom an instance failed, by any of the nodes.
fn together(cluster: &Cluster, nodes: u32) -> Option<String> {
    (1..=nodes).find_map(|number| {
        let node = format!("n{number}");
        let events = cluster.run(&["events", "--node", &node, "--output", "json"]);
        let events = String::from_utf8_lossy(&events.stdout).into_owned();
        let mut lines = events.lines();
        lines
            .find(|line| line.contains("\"together\":\""))
            .map(str::to_owned)
    })
}

#[test]
fn failures_that_begin_together_name_what_they_share() {
    let file = three_replicas("").replace("replicas = 3", "replicas = 3\nversion = \"1.4.2\"\nrestart = { backoff_min = \"2s\", backoff_max = \"2s\" }");
    let mut cluster = Cluster::up_on(&file, 3);
    let before = ready(&cluster, 3, 3);
    cluster.wait("all to know of all", || {
        let mut all = (1..=3).map(|number| cluster.node_status(number));
        all.all(|status| {
            let instances = status.as_ref().map(|status| status["instances"].as_array());
            instances
                .flatten()
                .is_some_and(|all| all.len() == 3 && all.iter().all(|one| one["state"] == "ready"))
        })
    });
    let status = cluster.node_status(1).unwrap();
    for one in status["instances"].as_array().unwrap() {
        assert_eq!(one["release"]["version"], "1.4.2", "{one}");
    }
    assert_eq!(status["members"][0]["version"], env!("CARGO_PKG_VERSION"));
    for (_, _, pid) in before.values() {
        signal(*pid, Signal::KILL);
    }
    let mut line = None;
    cluster.wait("somebody to say what they share", || {
        line = together(&cluster, 3);
        line.is_some()
    });
    let line = line.unwrap_or_default();
    assert!(
        line.contains("version 1.4.2 of web: instance web/"),
        "{line}"
    );
    assert!(line.contains("correlated"), "{line}");
    assert_eq!(cluster.stop().code(), Some(0));
}
