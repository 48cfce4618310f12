//! A replica of three begins to answer wrongly.

use rustix::process::Signal;
use serde_json::Value;

use crate::cluster::{Cluster, alive, exchange, get, signal, three_replicas};

const CANARY: &str = r#"
[listener.route.answers]
ignore = ["$.by"]
canary = { path = "/price", expect = { body = '{"price": 7}' }, every = "300ms", timeout = "300ms" }
"#;

const VOTE: &str = r#"
[listener.route.answers]
ignore = ["$.by"]
vote   = { share = "100%" }
"#;

fn file(answers: &str) -> String {
    three_replicas("").replace("[slo.web]", &format!("{answers}\n[slo.web]"))
}

fn instance(cluster: &Cluster, name: &str) -> Value {
    let status = cluster.status();
    let mut instances = status["instances"].as_array().unwrap().iter();
    instances
        .find(|one| one["instance"] == name)
        .unwrap()
        .clone()
}

/// It answers another price from now on.
fn spoil(cluster: &Cluster, name: &str) {
    let address = instance(cluster, name)["address"].as_str().unwrap().parse();
    assert_eq!(get(address.unwrap(), "/spoil").0, 200);
}

/// Whether a caller gets the right price.
fn is_right(cluster: &Cluster) -> bool {
    let (status, body) = cluster.get("/price");
    assert_eq!(status, 200, "{body}");
    let body: Value = serde_json::from_str(&body).unwrap();
    body["price"] == 7
}

fn rotation(cluster: &Cluster, name: &str, expected: &str) {
    cluster.wait(&format!("{name} is {expected}"), || {
        instance(cluster, name)["rotation"] == expected
    });
}

/// The newest incident about an instance.
fn incident(cluster: &Cluster, name: &str) -> Value {
    let list = cluster.json(&["incidents", "--output", "json"]);
    let mut incidents = list["incidents"].as_array().unwrap().iter();
    let about = format!("instance {name}");
    incidents
        .find(|one| one["domain"] == *about)
        .unwrap()
        .clone()
}

fn all_right(cluster: &Cluster) {
    for _ in 0..200 {
        assert!(is_right(cluster), "{}", cluster.log());
    }
}

#[test]
fn who_fails_its_canaries_is_quarantined_and_left_as_it_is_until_a_person_decides() {
    let mut cluster = Cluster::up(&file(CANARY));
    let before = cluster.ready(3);
    let pid = before.iter().find(|(name, _)| name == "web/1").unwrap().1;
    spoil(&cluster, "web/1");
    rotation(&cluster, "web/1", "quarantined");
    all_right(&cluster);
    let status = cluster.status();
    assert_eq!(status["services"][0]["ready"], 2);
    let one = instance(&cluster, "web/1");
    assert_eq!(
        (&one["state"], &one["restarts"]),
        (&"ready".into(), &0.into())
    );
    assert_eq!(
        (&one["pid"], &one["verdict"]),
        (&pid.into(), &"byzantine".into())
    );
    let why = one["quarantine"].as_str().unwrap();
    assert!(
        why.starts_with("GET /price: wrong twice in a row: expected 200 with 12 bytes"),
        "{why}"
    );
    let open = incident(&cluster, "web/1");
    assert_eq!(
        (&open["class"], &open["state"]),
        (&"byzantine".into(), &"open".into())
    );
    assert!(open["isolated"].is_number(), "{open}");
    let explained = cluster.run(&["explain"]);
    let explained = String::from_utf8_lossy(&explained.stdout).into_owned();
    assert!(
        explained.contains("it answers in time and wrongly"),
        "{explained}"
    );
    assert!(explained.contains("quarantine"), "{explained}");
    assert!(explained.contains("ninefold readmit web/1"), "{explained}");

    // Neither the death of Ninefold ends it, nor anything but an answer from a person.
    cluster.kill_ninefold();
    cluster.start();
    cluster.ready(3);
    rotation(&cluster, "web/1", "quarantined");
    all_right(&cluster);
    assert_eq!(instance(&cluster, "web/1")["pid"], pid);
    assert_eq!(cluster.run(&["readmit", "web/0"]).status.code(), Some(2));
    let readmitted = cluster.run(&["readmit", "web/1"]);
    assert_eq!(readmitted.status.code(), Some(0), "{readmitted:?}");
    let closed = incident(&cluster, "web/1");
    assert_eq!(
        (&closed["id"], &closed["state"]),
        (&open["id"], &"closed".into())
    );
    // It still answers wrongly, so that is not for long.
    rotation(&cluster, "web/1", "quarantined");
    all_right(&cluster);
    assert!(alive(pid));

    // A new process is another one.
    signal(pid, Signal::KILL);
    cluster.wait("another process of web/1", || {
        let one = instance(&cluster, "web/1");
        one["pid"] != pid && one["rotation"] == "in" && one["state"] == "ready"
    });
    all_right(&cluster);
    assert!(instance(&cluster, "web/1")["quarantine"].is_null());
    assert_eq!(incident(&cluster, "web/1")["state"], "closed");
}

#[test]
fn who_is_outvoted_is_quarantined_and_half_of_them_stay() {
    let cluster = Cluster::up(&file(VOTE));
    cluster.ready(3);
    spoil(&cluster, "web/2");
    cluster.wait("a quarantine", || {
        is_right(&cluster);
        instance(&cluster, "web/2")["rotation"] == "quarantined"
    });
    all_right(&cluster);
    let why = instance(&cluster, "web/2")["quarantine"].clone();
    let why = why.as_str().unwrap().to_owned();
    assert!(
        why.contains("alone against a majority; the last time: on route root: web/"),
        "{why}"
    );
    let metrics = cluster.metrics();
    let minority = metrics
        .lines()
        .find(|line| line.starts_with("ninefold_answer_checks_total") && line.contains("minority"));
    let count: u32 = minority
        .unwrap()
        .rsplit(' ')
        .next()
        .unwrap()
        .parse()
        .unwrap();
    assert!(count >= 3, "{minority:?}");

    // Of the two that are left neither is wrong beside the other.
    spoil(&cluster, "web/0");
    cluster.wait("a verdict that names nobody as wrong", || {
        is_right(&cluster);
        instance(&cluster, "web/0")["verdict"] == "unknown"
    });
    for name in ["web/0", "web/1"] {
        assert_eq!(instance(&cluster, name)["rotation"], "in");
    }
    assert!(!exchange(cluster.address(), b"GET / HTTP/1.0\r\n\r\n").is_empty());
}

const CLAIM: &str = r#"
[[claim]]
name      = "one may answer wrongly"
survive   = { wrong_answers = 1 }
slo       = "web"
available = "50%"
recover   = "3s"
load      = { rate = "100/s", requests = [{ path = "/price" }] }
[chaos]
ttl_max = "9s"
"#;

fn verify(cluster: &Cluster) -> Value {
    let args = ["verify", "--trials", "1", "--seed", "1", "--output", "json"];
    let output = cluster.run(&args);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
        panic!("{error}\n{}", String::from_utf8_lossy(&output.stderr));
    });
    report["claims"][0].clone()
}

#[test]
fn it_is_proven_that_wrong_answers_end_with_a_quarantine() {
    let both = CANARY.replace("canary =", "vote = { share = \"20%\" }\ncanary =");
    let cluster = Cluster::up(&(file(&both) + CLAIM));
    let before = cluster.ready(3);
    let claim = verify(&cluster);
    assert_eq!(claim["verdict"], "PROVEN", "{claim:#}\n{}", cluster.log());
    let trial = &claim["each"][0];
    assert_eq!(trial["class"], "byzantine", "{trial:#}");
    assert!(
        trial["away"]["isolated_ms"].as_f64() > Some(0.0),
        "{trial:#}"
    );
    assert_eq!(trial["away"]["failed_after"], 0, "{trial:#}");
    let requests = &trial["requests"];
    // Maybe none, where it was found before a caller met it.
    let of = |key: &str| requests[key].as_u64().unwrap();
    assert_eq!(of("wrong") > 0, of("hit") > 0, "{trial:#}");
    // The fault is over, and so is the quarantine; nobody was restarted.
    assert_eq!(cluster.ready(3), before);
    let one = trial["targets"][0].as_str().unwrap();
    assert_eq!(instance(&cluster, one)["rotation"], "in");
    let events = cluster.run(&["events", "--output", "json"]);
    let events = String::from_utf8_lossy(&events.stdout).into_owned();
    let over = events
        .lines()
        .any(|line| line.contains("\"readmit\"") && line.contains("is over"));
    assert!(over, "{events}");
    all_right(&cluster);
}

#[test]
fn who_looks_at_no_answer_is_refuted() {
    let quick = CLAIM.replace("\"3s\"", "\"1s\"").replace("9s", "4s");
    let none = VOTE.replace("100%", "0%");
    let cluster = Cluster::up(&(file(&none) + &quick));
    cluster.ready(3);
    let claim = verify(&cluster);
    assert_eq!(claim["verdict"], "REFUTED", "{claim:#}");
    let reasons = claim["reasons"].to_string();
    assert!(
        reasons.contains("not every target was put into quarantine"),
        "{reasons}"
    );
    assert!(reasons.contains("nobody saw it"), "{reasons}");
    assert!(claim["requests"]["wrong"].as_u64() > Some(0), "{claim:#}");
}

#[test]
fn a_quarantine_holds_on_every_node_and_any_of_them_ends_it() {
    let cluster = Cluster::up_on(&file(CANARY), 3);
    let on_all = |name: &str, expected: &str| {
        cluster.wait(&format!("{name} is {expected} on every node"), || {
            (1..=3).all(|node| {
                let status = cluster.node_status(node);
                let instances = status
                    .as_ref()
                    .and_then(|status| status["instances"].as_array());
                let one = instances.and_then(|all| all.iter().find(|one| one["instance"] == name));
                one.is_some_and(|one| one["rotation"] == expected)
            })
        });
    };
    for name in ["web/0", "web/1", "web/2"] {
        on_all(name, "in");
    }
    let status = cluster.node_status(1).unwrap();
    let instances = status["instances"].as_array().unwrap();
    let elsewhere = instances.iter().find(|one| one["node"] != "n1").unwrap();
    let name = elsewhere["instance"].as_str().unwrap();
    let pid = elsewhere["pid"].clone();
    let address = elsewhere["address"].as_str().unwrap().parse().unwrap();
    assert_eq!(get(address, "/spoil").0, 200);
    on_all(name, "quarantined");
    for node in 1..=3 {
        let status = cluster.node_status(node).unwrap();
        let listens = status["listeners"][0]["address"].as_str().unwrap();
        for _ in 0..50 {
            let (status, body) = get(listens.parse().unwrap(), "/price");
            assert_eq!(status, 200, "{body}");
            assert!(body.contains("\"price\":7"), "node n{node}: {body}");
        }
    }
    let readmitted = cluster.run(&["readmit", name]);
    assert_eq!(readmitted.status.code(), Some(0), "{readmitted:?}");
    // It answers wrongly still.
    on_all(name, "quarantined");
    let status = cluster.node_status(1).unwrap();
    let mut instances = status["instances"].as_array().unwrap().iter();
    let same = instances.find(|one| one["instance"] == name).unwrap();
    assert_eq!(same["pid"], pid);
    // A new process is trusted by all of them.
    let pid = i32::try_from(pid.as_i64().unwrap()).unwrap();
    signal(pid, Signal::KILL);
    on_all(name, "in");
}
