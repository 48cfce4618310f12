//! What the gateway knows outlives its process.

use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::cluster::{Cluster, answer, signal};
use crate::reload::events;
use crate::upgrade::{journal, runs, take_over};

/// Three replicas of which the first fails at `/sick`, and a service that fails as a whole at `/fail`.
fn file() -> String {
    format!(
        r#"
[cluster]
name = "test"
[node]
admin = "127.0.0.1:0"
[service.web]
run = ["{answer}", "{{address}}"]
replicas = 3
health = {{ ready = "/ready" }}
ejection = {{ base = "2m", max = "4m" }}
[service.sore]
run = ["{answer}", "{{address}}"]
health = {{ ready = "/ready" }}
breaker = {{ minimum_calls = 5, open_wait = "55s" }}
[[listener]]
address = "127.0.0.1:0"
[[listener.route]]
path = "/"
service = "web"
[[listener.route]]
name = "sore"
path = "/fail"
service = "sore"
"#,
        answer = answer().display()
    )
}

fn upgrade(cluster: &Cluster) {
    let output = cluster.run(&["upgrade"]);
    assert!(
        output.status.success(),
        "{}\n{}",
        String::from_utf8_lossy(&output.stderr),
        cluster.log()
    );
}

fn instance<'a>(status: &'a Value, name: &str) -> &'a Value {
    let mut all = status["instances"].as_array().unwrap().iter();
    all.find(|one| one["instance"] == name).unwrap()
}

/// The id of the incident of an instance, as the journal says it.
fn incident_of(cluster: &Cluster, instance: &str) -> Option<String> {
    let events = events(cluster);
    let of_it = format!("in instance {instance},");
    let line = events.lines().find(|line| line.contains(&of_it))?;
    let (_, id) = line.split_once("incident ")?;
    id.split_whitespace().next().map(str::to_owned)
}

fn is_open(cluster: &Cluster, incident: &str) -> bool {
    let status = cluster.status();
    let mut open = status["open_incidents"].as_array().unwrap().iter();
    open.any(|one| one == incident)
}

fn faults(status: &Value) -> usize {
    status["faults"].as_array().unwrap().len()
}

#[test]
fn an_upgrade_in_an_incident_neither_brings_the_bad_replica_back_nor_opens_the_flood() {
    let mut cluster = Cluster::up(&file());
    cluster.ready(4);
    cluster.wait("an ejection", || {
        cluster.get("/sick");
        instance(&cluster.status(), "web/0")["ejected"] == true
    });
    cluster.wait("the breaker to open", || cluster.get("/fail").0 == 503);
    let mut incident = None;
    cluster.wait("the incident", || {
        incident = incident_of(&cluster, "web/0");
        incident.is_some()
    });
    let incident = incident.unwrap();
    let before = cluster.status();
    for turn in 0..3 {
        upgrade(&cluster);
        for _ in 0..30 {
            let (status, by) = cluster.get("/sick");
            assert_eq!(status, 200, "turn {turn}");
            assert_ne!(by.trim(), "web/0", "turn {turn}");
        }
        assert_eq!(cluster.get("/fail").0, 503, "turn {turn}");
        let status = cluster.status();
        let bad = instance(&status, "web/0");
        assert_eq!(bad["ejected"], true, "{bad}");
        assert_eq!(bad["ejection"], instance(&before, "web/0")["ejection"]);
        let sore = &status["services"][0];
        assert_eq!(sore["service"], "sore");
        assert_eq!(sore["breaker"]["state"], "open", "{sore}");
    }
    // The incident is the one it was: that its probes pass is no news.
    let events = events(&cluster);
    assert!(is_open(&cluster, &incident), "{events}");
    let said = "goes on from what the one before knew: 1 endpoint out of rotation, 1 open breaker";
    assert_eq!(events.matches(said).count(), 3, "{events}");
    assert_eq!(events.matches("web/0 ejected").count(), 1, "{events}");
    assert_eq!(
        events.matches("breaker of sore open").count(),
        1,
        "{events}"
    );
    // Another process of the instance is another matter.
    let pid = instance(&cluster.status(), "web/0")["pid"]
        .as_i64()
        .unwrap();
    signal(i32::try_from(pid).unwrap(), Signal::KILL);
    cluster.wait("its successor to be in rotation", || {
        let status = cluster.status();
        let one = instance(&status, "web/0");
        one["state"] == "ready" && one["ejected"] == false
    });
    cluster.wait("the end of the incident", || !is_open(&cluster, &incident));
    cluster.stop();
}

/// The one before is killed once the new one has the folder: it had told by then what it knew.
#[test]
fn a_kill_in_mid_hand_over_brings_nobody_back() {
    let mut cluster = Cluster::up(&file());
    cluster.ready(4);
    cluster.wait("an ejection", || {
        cluster.get("/sick");
        instance(&cluster.status(), "web/0")["ejected"] == true
    });
    let mut taken = Vec::new();
    for turn in 0..4 {
        let old = runs(&cluster).unwrap();
        let started = journal(&cluster).len();
        let next = take_over(&cluster, &cluster.state());
        cluster.wait("it to have the folder", || {
            journal(&cluster).len() > started
        });
        signal(old, Signal::KILL);
        let pid = i32::try_from(next.id()).unwrap();
        taken.push(next);
        cluster.wait("the new one to serve", || {
            runs(&cluster) == Some(pid) && cluster.status()["phase"] == "running"
        });
        let status = cluster.status();
        let bad = instance(&status, "web/0");
        assert_eq!(bad["ejected"], true, "turn {turn}: {bad}");
        for _ in 0..20 {
            let (status, by) = cluster.get("/sick");
            assert_eq!(status, 200, "turn {turn}");
            assert_ne!(by.trim(), "web/0", "turn {turn}");
        }
    }
    cluster.reap();
    let output = cluster.run(&["stop"]);
    assert!(output.status.success(), "{output:?}");
    for mut one in taken {
        one.wait().unwrap();
    }
}

fn abort(id: &str, ttl: Duration) -> Value {
    json!({
        "id": id,
        "kind": "abort",
        "targets": ["web/0", "web/1", "web/2"],
        "claim": null,
        "ttl_ns": u64::try_from(ttl.as_nanos()).unwrap(),
        "gateway": { "effect": { "type": "abort", "status": 418 } },
    })
}

#[test]
fn a_fault_goes_on_over_an_upgrade_and_ends_when_it_should() {
    let mut cluster = Cluster::up(&file());
    let ready = cluster.ready(4);
    // One that is ended by whoever ordered it, at the process that came after.
    let said = cluster.post("/v1/faults", &abort("f-1", Duration::from_secs(60)));
    assert!(said.starts_with("HTTP/1.1 200"), "{said}");
    upgrade(&cluster);
    assert_eq!(cluster.get("/").0, 418);
    assert_eq!(faults(&cluster.status()), 1);
    let said = cluster.post("/v1/faults", &abort("f-1", Duration::from_secs(60)));
    assert!(said.contains("announced already"), "{said}");
    let said = cluster.post("/v1/faults/f-1/end", &json!({ "how": "rolled back" }));
    assert!(said.starts_with("HTTP/1.1 200"), "{said}");
    assert_eq!(cluster.get("/").0, 200);
    // What has ended does not come back.
    upgrade(&cluster);
    assert_eq!((cluster.get("/").0, faults(&cluster.status())), (200, 0));
    // One that nobody ends.
    let ttl = Duration::from_secs(5);
    let asked = Instant::now();
    let said = cluster.post("/v1/faults", &abort("f-2", ttl));
    assert!(said.starts_with("HTTP/1.1 200"), "{said}");
    upgrade(&cluster);
    if asked.elapsed() < ttl {
        let seen = cluster.get("/").0;
        assert!(seen == 418 || asked.elapsed() >= ttl, "{seen}");
    }
    cluster.wait("its end", || cluster.get("/").0 == 200);
    assert!(asked.elapsed() >= ttl, "it ended early");
    cluster.wait("it to be forgotten", || faults(&cluster.status()) == 0);
    let events = events(&cluster);
    assert!(events.contains("fault f-2 ended: expired"), "{events}");
    // One whose gateway is killed ends with it.
    let said = cluster.post("/v1/faults", &abort("f-3", Duration::from_secs(60)));
    assert!(said.starts_with("HTTP/1.1 200"), "{said}");
    let pid = cluster.status()["pid"].as_i64().unwrap();
    signal(i32::try_from(pid).unwrap(), Signal::KILL);
    cluster.reap();
    cluster.start();
    assert_eq!(cluster.ready(4), ready);
    assert_eq!((cluster.get("/").0, faults(&cluster.status())), (200, 0));
}
