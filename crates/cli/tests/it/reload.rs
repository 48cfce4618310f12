//! The configuration changes while requests come.

use rustix::process::Signal;
use serde_json::Value;

use crate::cluster::{Cluster, alive, answer, signal, three_replicas};
use crate::load::Load;

/// Three replicas that are not restarted because a busy machine lets them wait.
pub(crate) fn replicas(extra: &str) -> String {
    let file = three_replicas(extra);
    let (before, live) = file.split_once(", live = {").unwrap();
    let (_, after) = live.split_once('}').unwrap();
    format!("{before}{after}")
}

/// The same with another time limit, which is no other behaviour.
pub(crate) fn with_timeout(file: &str, seconds: usize) -> String {
    file.replacen(
        "path = \"/\"\nservice = \"web\"",
        &format!("path = \"/\"\ntimeout = \"{seconds}s\"\nservice = \"web\""),
        1,
    )
}

pub(crate) fn events(cluster: &Cluster) -> String {
    String::from_utf8(cluster.run(&["events", "-n", "1000"]).stdout).unwrap()
}

/// The answered requests of the one route, as a scraper sees them.
pub(crate) fn scraped(cluster: &Cluster) -> u64 {
    let metrics = cluster.metrics();
    let line = "ninefold_requests_total{route=\"root\",outcome=\"ok\"} ";
    let found = metrics.lines().find_map(|text| text.strip_prefix(line));
    found.unwrap().parse().unwrap()
}

#[test]
fn many_reloads_under_load_lose_nothing() {
    let file = replicas("");
    let cluster = Cluster::up(&file);
    let before = cluster.ready(3);
    let load = Load::begin(cluster.address());
    let mut counted = 0;
    for turn in 0..8 {
        let served = load.ok();
        cluster.wait("traffic", || load.ok() > served + 100);
        cluster.write(&with_timeout(&file, 20 + turn));
        // Every other one is watched.
        let args: &[&str] = if turn % 2 == 0 {
            &["reload", "--now", "--output", "json"]
        } else {
            &["reload", "--watch", "1", "--output", "json"]
        };
        let report = cluster.json(args);
        assert_eq!(report["outcome"], "done", "{report:#}\n{}", cluster.log());
        assert_eq!(report["changes"].as_array().unwrap().len(), 1, "{report:#}");
        if turn % 2 == 1 {
            assert!(
                report["watched"]["successor"].as_u64().unwrap() > 0,
                "{report:#}"
            );
        }
        let now = scraped(&cluster);
        assert!(now >= counted, "{now} after {counted}");
        counted = now;
    }
    let sent = load.end();
    cluster.wait("every request to be counted once", || {
        scraped(&cluster) == sent
    });
    let booked = |cluster: &Cluster| cluster.status()["routes"][0]["ok"].as_u64().unwrap();
    cluster.wait("every request to be booked once", || {
        booked(&cluster) == sent
    });
    assert_eq!(cluster.ready(3), before, "the services were left alone");
    assert_eq!(events(&cluster).matches("configuration changed").count(), 8);
}

#[test]
fn a_broken_file_is_refused_and_nothing_changes() {
    let file = replicas("");
    let cluster = Cluster::up(&file);
    let before = cluster.ready(3);
    let config = cluster.status()["config"].clone();
    cluster.write(&file.replace("replicas = 3", "replicas = \"many\""));
    let refused = cluster.run(&["reload"]);
    assert_eq!(refused.status.code(), Some(1));
    let said = String::from_utf8_lossy(&refused.stdout).into_owned();
    assert!(said.contains("replicas"), "{said}");
    // As SIGHUP it is only logged.
    signal(
        i32::try_from(cluster.status()["pid"].as_i64().unwrap()).unwrap(),
        Signal::HUP,
    );
    cluster.wait("the log to say so", || {
        cluster.log().contains("SIGHUP: nothing was changed")
    });

    cluster.write(&file.replace("name = \"test\"", "name = \"other\""));
    let refused = cluster.run(&["reload"]);
    assert_eq!(refused.status.code(), Some(1));
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(said.contains("ninefold stop"), "{said}");

    cluster.write(&with_timeout(&file, 20));
    let dry = cluster.json(&["reload", "--dry-run", "--output", "json"]);
    assert_eq!(dry["outcome"], "dry_run");
    assert_eq!(dry["changes"][0]["what"], "route 127.0.0.1:0 root");
    assert_eq!(cluster.status()["config"], config);
    assert_eq!(cluster.ready(3), before);
    assert_eq!(cluster.get("/").0, 200);

    signal(
        i32::try_from(cluster.status()["pid"].as_i64().unwrap()).unwrap(),
        Signal::HUP,
    );
    cluster.wait("SIGHUP to take it", || cluster.status()["config"] != config);
    cluster.write(&format!("# words\n{}", with_timeout(&file, 20)));
    assert_eq!(
        cluster.json(&["reload", "--output", "json"])["outcome"],
        "unchanged"
    );
}

#[test]
fn a_file_that_burns_is_rolled_back() {
    let file = replicas("");
    let cluster = Cluster::up(&file);
    let before = cluster.ready(3);
    let config = cluster.status()["config"].clone();
    let load = Load::begin(cluster.address());
    cluster.wait("traffic", || load.ok() > 500);
    // Nobody listens there.
    let burning = replicas(
        "[service.gone]\nendpoints = [\"127.0.0.1:9\"]\n[[listener.route]]\npath = \"/never\"\nservice = \"web\"",
    );
    let route = "path = \"/\"\nservice = ";
    let burning = burning.replacen(&format!("{route}\"web\""), &format!("{route}\"gone\""), 1);
    cluster.write(&burning);
    let output = cluster.run(&["reload", "--watch", "20", "--output", "json"]);
    assert_eq!(
        output.status.code(),
        Some(1),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["outcome"], "rolled_back", "{report:#}");
    assert!(
        report["watched"]["successor_bad"].as_u64().unwrap() >= 5,
        "{report:#}"
    );
    assert!(
        events(&cluster).contains("rolled back"),
        "{}",
        events(&cluster)
    );
    assert_eq!(cluster.status()["config"], config);
    assert!(!load.failures().is_empty(), "somebody had to find out");
    // What is under way there may still fail; then nothing does.
    cluster.wait("the successor to be gone", || {
        let failed = load.failures().len();
        let served = load.ok();
        cluster.wait("traffic", || load.ok() > served + 500);
        load.failures().len() == failed
    });
    assert_eq!(cluster.ready(3), before);
    // The next one finds everything in order.
    cluster.write(&with_timeout(&file, 20));
    assert_eq!(
        cluster.json(&["reload", "--now", "--output", "json"])["outcome"],
        "done"
    );
}

#[test]
fn services_are_added_changed_and_removed_under_load() {
    let file = replicas("");
    let cluster = Cluster::up(&file);
    let before = cluster.ready(3);
    let load = Load::of_short_answers(cluster.address());
    cluster.wait("traffic", || load.ok() > 100);

    let added = replicas(&format!(
        r#"
[service.other]
run = ["{}", "{{address}}"]
replicas = 2
health = {{ ready = "/ready" }}
[[listener.route]]
path = "/other"
service = "other"
"#,
        answer().display()
    ));
    cluster.write(&added);
    let report = cluster.json(&["reload", "--watch", "1", "--output", "json"]);
    assert_eq!(report["outcome"], "done", "{report:#}\n{}", cluster.log());
    assert_eq!(cluster.get("/other").0, 200);
    let five = cluster.ready(5);
    assert!(
        before.iter().all(|one| five.contains(one)),
        "{before:?} {five:?}"
    );

    // One instance at a time is replaced, and the clients see nothing of it.
    let changed = added.replacen("replicas = 3", "replicas = 3\nenv = { NEW = \"1\" }", 1);
    cluster.write(&changed);
    assert_eq!(
        cluster.json(&["reload", "--now", "--output", "json"])["outcome"],
        "done"
    );
    cluster.wait("all three to be replaced", || {
        let now = cluster.ready(5);
        now.iter().all(|one| !before.contains(one))
    });

    cluster.write(&file);
    assert_eq!(
        cluster.json(&["reload", "--now", "--output", "json"])["outcome"],
        "done"
    );
    assert_eq!(cluster.get("/other").0, 200, "it is web's now");
    let gone: Vec<_> = five
        .iter()
        .filter(|(name, _)| name.starts_with("other"))
        .collect();
    cluster.wait("the other service to stop", || {
        gone.iter().all(|(_, pid)| !alive(*pid))
    });
    cluster.wait("it to be forgotten", || {
        cluster.status()["instances"].as_array().unwrap().len() == 3
    });
    load.end();
}
