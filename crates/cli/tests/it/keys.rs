//! `keys`: another key of gossip for a cluster that runs.

use serde_json::Value;

use crate::cluster::{Cluster, get, three_replicas};

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The generations that the members say they have, as a node sees it.
fn generations(status: &Value) -> Option<Vec<u64>> {
    let members = status["members"].as_array()?;
    members.iter().map(|one| one["keys"].as_u64()).collect()
}

fn three_that_know_each_other() -> Cluster {
    let cluster = Cluster::up_on(&three_replicas(""), 3);
    cluster.wait("three nodes that know each other", || {
        let mut all = (1..=3).map(|number| cluster.node_status(number));
        all.all(|status| status.is_some_and(|seen| generations(&seen) == Some(vec![0; 3])))
    });
    cluster
}

#[test]
fn the_key_of_a_running_cluster_changes_and_nobody_notices() {
    let cluster = three_that_know_each_other();
    let file = cluster.file();
    let file = file.to_str().unwrap();
    let before = cluster.json(&["keys", "show", file, "--output", "json"]);
    assert_eq!(
        (&before["generation"], &before["step"]),
        (&0.into(), &"settled".into())
    );
    assert_eq!(before["keys"].as_array().map(Vec::len), Some(1));

    let begun = cluster.run(&["keys", "rotate", file, "--keep", "0s"]);
    let said = text(&begun.stdout);
    assert_eq!(begun.status.code(), Some(0), "{}", text(&begun.stderr));
    assert!(said.contains("generation 1, spreading since"), "{said}");
    let again = cluster.run(&["keys", "rotate", file]);
    assert_eq!(again.status.code(), Some(2));
    let why = text(&again.stderr);
    assert!(why.contains("are being changed already"), "{why}");

    let address = cluster.node_status(3).unwrap()["listeners"][0]["address"].clone();
    let address = address.as_str().unwrap().parse().unwrap();
    cluster.wait("all to have the new key alone", || {
        assert_eq!(get(address, "/").0, 200);
        let all = (1..=3).map(|number| cluster.node_status(number));
        let mut settled = all.map(|status| {
            let status = status?;
            let keys = &status["gossip"]["keys"];
            let all = generations(&status)? == [3, 3, 3];
            Some(all && keys["step"] == "settled" && keys["count"] == 1)
        });
        settled.all(|settled| settled == Some(true))
    });
    let after = cluster.json(&["keys", "show", file, "--output", "json"]);
    assert_ne!(after["keys"], before["keys"]);
    assert_eq!(after["generation"], 3);
    let members = text(&cluster.run(&["members"]).stdout);
    assert!(
        members.contains("keys of gossip: generation 3, settled\n"),
        "{members}"
    );
    let events = text(&cluster.run(&["events", "-n", "1000"]).stdout);
    assert!(
        events.contains("keys of gossip: generation 2, "),
        "{events}"
    );
    assert!(!events.contains("convicted"), "{events}");
}

#[test]
fn without_a_cluster_or_its_authority_no_key_changes() {
    let host = Cluster::new(&three_replicas(""));
    let file = host.file();
    let file = file.to_str().unwrap();
    for command in [["keys", "show", file], ["keys", "rotate", file]] {
        let refused = host.run(&command);
        assert_eq!(refused.status.code(), Some(2));
        let why = text(&refused.stderr);
        assert!(why.contains("no cluster has begun"), "{why}");
    }
    host.json(&[
        "init",
        file,
        "--address",
        "127.0.0.1:7946",
        "--output",
        "json",
    ]);
    let too_long = host.run(&["keys", "rotate", file, "--keep", "31d"]);
    assert_eq!(too_long.status.code(), Some(2));
    assert!(text(&too_long.stderr).contains("30 days at most"));
    std::fs::remove_file(host.state().join("cluster/ca.key")).unwrap();
    let refused = host.run(&["keys", "rotate", file]);
    assert_eq!(refused.status.code(), Some(2));
    let why = text(&refused.stderr);
    assert!(why.contains("does not have its authority"), "{why}");
    let shown = text(&host.run(&["keys", "show", file]).stdout);
    assert!(shown.contains("generation 0, settled\n"), "{shown}");
}

#[test]
fn a_node_that_is_expelled_is_gone_for_all() {
    let cluster = three_that_know_each_other();
    let file = cluster.file();
    let file = file.to_str().unwrap();
    let own = cluster.run(&["expel", "n1", file]);
    assert_eq!(own.status.code(), Some(2));
    let why = text(&own.stderr);
    assert!(why.contains("has the cluster's authority"), "{why}");

    let begun = cluster.json(&["expel", "n3", file, "--output", "json"]);
    assert_eq!(
        (&begun["step"], &begun["expelled"][0]),
        (&"spreading".into(), &"n3".into())
    );
    let again = cluster.run(&["expel", "n3", file]);
    assert_eq!(again.status.code(), Some(2));
    assert!(text(&again.stderr).contains("n3 is expelled already"));
    cluster.wait("the other two to be alone with a new key", || {
        let mut all = (1..=2).map(|number| cluster.node_status(number));
        all.all(|status| {
            let Some(status) = status else { return false };
            let state = |name: &str| {
                let mut members = status["members"].as_array().into_iter().flatten();
                members
                    .find(|one| one["node"] == name)
                    .map(|one| one["state"].clone())
            };
            let keys = &status["gossip"]["keys"];
            let settled = keys["step"] == "settled" && keys["generation"] == 3;
            settled && state("n3").is_none_or(|state| state == "left")
        })
    });
    let members = text(&cluster.run(&["members"]).stdout);
    assert!(members.contains("expelled: n3\n"), "{members}");
    let events = text(&cluster.run(&["events", "-n", "1000"]).stdout);
    assert!(
        events.contains("n3 was expelled from the cluster"),
        "{events}"
    );

    let back = text(&cluster.run(&["expel", "n3", file, "--undo"]).stdout);
    assert!(back.contains("generation 4, settled since"), "{back}");
    assert!(!back.contains("expelled"), "{back}");

    let stranger = cluster.run(&["expel", "n33", file]);
    assert_eq!(stranger.status.code(), Some(0));
    let note = text(&stranger.stderr);
    assert!(
        note.contains("nobody here is called n33: the nodes are n1, n2"),
        "{note}"
    );
}
