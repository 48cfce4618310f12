//! One replica of three fails under traffic.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;

use rustix::process::Signal;
use serde_json::Value;

use crate::cluster::{Cluster, alive, exchange, get, signal, three_replicas};

/// GETs from four threads until told to stop; gives how many there were and which failed.
struct Traffic {
    stop: Arc<AtomicBool>,
    sent: Arc<AtomicU64>,
    threads: Vec<JoinHandle<Vec<u16>>>,
}

impl Traffic {
    fn start(cluster: &Cluster) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let sent = Arc::new(AtomicU64::new(0));
        let address = cluster.address();
        let threads = (0..4)
            .map(|_| {
                let (stop, sent) = (Arc::clone(&stop), Arc::clone(&sent));
                std::thread::spawn(move || {
                    let mut failed = Vec::new();
                    while !stop.load(Ordering::Relaxed) {
                        let (status, _) = get(address, "/");
                        sent.fetch_add(1, Ordering::Relaxed);
                        if status != 200 {
                            failed.push(status);
                        }
                    }
                    failed
                })
            })
            .collect();
        Self {
            stop,
            sent,
            threads,
        }
    }

    /// Ends after a hundred requests at the earliest: fewer are no traffic.
    fn end(self, cluster: &Cluster) -> (u64, Vec<u16>) {
        let sent = || self.sent.load(Ordering::Relaxed);
        cluster.wait("a hundred requests", || sent() > 100);
        self.stop.store(true, Ordering::Relaxed);
        let threads = self.threads.into_iter();
        let failed = threads.flat_map(|thread| thread.join().unwrap()).collect();
        (self.sent.load(Ordering::Relaxed), failed)
    }
}

fn closed_incident(cluster: &Cluster, class: &str) -> Value {
    let mut found = Value::Null;
    cluster.wait(&format!("a closed incident of class {class}"), || {
        let list = cluster.json(&["incidents", "--output", "json"]);
        let incidents = list["incidents"].as_array().unwrap().clone();
        match incidents
            .into_iter()
            .find(|i| i["class"] == class && i["state"] == "closed")
        {
            Some(incident) => {
                found = incident;
                true
            }
            None => false,
        }
    });
    found
}

#[test]
fn a_killed_replica_costs_no_request_and_comes_back() {
    let mut cluster = Cluster::up(&three_replicas(""));
    let before = cluster.ready(3);
    let traffic = Traffic::start(&cluster);
    let (victim, pid) = before[1].clone();
    signal(pid, Signal::KILL);
    cluster.wait("the victim to be replaced", || {
        cluster
            .ready(3)
            .iter()
            .any(|(name, new)| *name == victim && *new != pid)
    });
    let incident = closed_incident(&cluster, "crash-stop");
    let (sent, failed) = traffic.end(&cluster);
    assert!(failed.is_empty(), "{failed:?} of {sent}");

    assert_eq!(incident["injected"], Value::Null);
    assert!(
        incident["isolated"].is_u64() && incident["recovered"].is_u64(),
        "{incident}"
    );
    let explained = cluster.run(&["explain", incident["id"].as_str().unwrap()]);
    let text = String::from_utf8(explained.stdout).unwrap();
    assert!(
        text.contains("crash-stop") && text.contains("SIGKILL") && text.contains(&victim),
        "{text}"
    );

    let route = cluster.status()["routes"][0].clone();
    assert_eq!(route["failed"], 0, "{route}");
    let after = cluster.ready(3);
    assert!(cluster.stop().success());
    for (_, pid) in after {
        assert!(!alive(pid), "{pid} is left behind");
    }
}

/// The parent of a process, by `/proc/PID/stat`.
fn parent(pid: i32) -> i32 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields = stat.rsplit(')').next().unwrap();
    fields
        .split_ascii_whitespace()
        .nth(1)
        .unwrap()
        .parse()
        .unwrap()
}

#[test]
fn a_killed_keeper_is_an_incident_that_is_explained() {
    let cluster = Cluster::up(&three_replicas(""));
    let (victim, pid) = cluster.ready(3)[0].clone();
    let keeper = parent(pid);
    signal(keeper, Signal::KILL);
    let cause = format!("its keeper, process {keeper}, ended");
    let mut incident = Value::Null;
    cluster.wait("an incident that is over", || {
        let list = cluster.json(&["incidents", "--output", "json"]);
        let mut incidents = list["incidents"].as_array().unwrap().iter();
        let found = incidents.find(|incident| incident.to_string().contains(&cause));
        incident = found.cloned().unwrap_or_default();
        incident["state"] == "closed"
    });
    assert_eq!(incident["class"], "crash-stop", "{incident}");
    let explained = cluster.run(&["explain", incident["id"].as_str().unwrap()]);
    let text = String::from_utf8(explained.stdout).unwrap();
    assert!(text.contains(&cause) && text.contains(&victim), "{text}");
    for action in ["stop", "restart"] {
        let line = format!("{action} {victim}: its keeper is gone");
        assert_eq!(text.matches(&line).count(), 1, "{text}");
    }
    assert!(!alive(pid), "{pid} is replaced");
}

#[test]
fn what_never_becomes_ready_is_an_incident_that_is_explained() {
    let never = r#"
[service.never]
run = ["sleep", "1000"]
health = { startup = { exec = ["false"], every = "100ms", timeout = "100ms", failures = 3 } }
"#;
    let cluster = Cluster::up(&three_replicas(never));
    let mut incident = Value::Null;
    cluster.wait("an incident", || {
        let list = cluster.json(&["incidents", "--output", "json"]);
        let mut incidents = list["incidents"].as_array().unwrap().iter();
        let found = incidents.find(|incident| incident.to_string().contains("never/0"));
        incident = found.cloned().unwrap_or_default();
        incident["class"] == "unknown"
    });
    let explained = cluster.run(&["explain", incident["id"].as_str().unwrap()]);
    let text = String::from_utf8(explained.stdout).unwrap();
    for part in [
        "never/0",
        "was never ready",
        "startup probe was answered \"not well\" (exit status: 1)",
    ] {
        assert!(text.contains(part), "{text}");
    }
}

#[test]
fn a_hung_replica_is_told_from_a_dead_one_and_healed() {
    let cluster = Cluster::up(&three_replicas(""));
    let before = cluster.ready(3);
    let traffic = Traffic::start(&cluster);
    let (victim, pid) = before[2].clone();
    signal(pid, Signal::STOP);
    cluster.wait("the victim to be replaced", || {
        cluster
            .ready(3)
            .iter()
            .any(|(name, new)| *name == victim && *new != pid)
    });
    let incident = closed_incident(&cluster, "timing");
    let (sent, failed) = traffic.end(&cluster);
    assert!(
        failed.is_empty(),
        "{failed:?} of {sent}: GETs in flight are tried again elsewhere"
    );
    assert!(!alive(pid));
    assert_eq!(incident["verdicts"][0]["instance"], Value::String(victim));
}

#[test]
fn the_error_budget_divides_by_class() {
    let file = three_replicas("").replace("replicas = 3", "replicas = 1");
    let mut cluster = Cluster::up(&file);
    let pid = cluster.ready(1)[0].1;
    let divided = |class: &str| {
        let status = cluster.status();
        let classes = status["slos"][0]["bad_by_class"].as_array().unwrap();
        let found = classes.iter().find(|count| count["class"] == class);
        found.map_or(0, |count| count["events"].as_u64().unwrap())
    };
    // A failure that nobody can explain: the service says so itself, once.
    assert_eq!(cluster.get("/fail").0, 500);
    cluster.wait("one to be unknown", || divided("unknown") == 1);
    // And one with a class. A POST is not repeated.
    signal(pid, Signal::STOP);
    let answer = exchange(
        cluster.address(),
        b"POST / HTTP/1.1\r\nhost: t\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
    );
    assert!(answer.starts_with("HTTP/1.1 50"), "{answer}");
    cluster.wait("the other to be classed", || divided("timing") == 1);
    assert_eq!(divided("unknown"), 1);
    let metrics = cluster.metrics();
    let line = "ninefold_slo_bad_events_total{slo=\"web\",route=\"root\",indicator=\"availability\",class=\"timing\"} 1";
    assert!(metrics.contains(line), "{metrics}");
    assert!(cluster.stop().success());
}

#[test]
fn what_waits_for_a_prepare_says_so() {
    let prepare = r#"replicas = 3
prepare = ["sh", "-c", "until [ -e go ]; do sleep 0.02; done"]"#;
    let cluster = Cluster::up(&three_replicas("").replace("replicas = 3", prepare));
    cluster.wait("three that wait for the command", || {
        let status = cluster.status();
        let instances = status["instances"].as_array().unwrap();
        let waits = |instance: &Value| {
            let reason = instance["reason"].as_str().unwrap_or_default();
            instance["state"] == "starting" && reason.starts_with("waits for its prepare: sh -c")
        };
        instances.len() == 3 && instances.iter().all(waits)
    });
    let go = cluster.file().with_file_name("go");
    std::fs::write(go, "").unwrap();
    cluster.ready(3);
    let status = cluster.status();
    let mut instances = status["instances"].as_array().unwrap().iter();
    assert!(
        instances.all(|instance| instance["reason"].is_null()),
        "{status}"
    );
}
