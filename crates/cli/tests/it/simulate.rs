//! `verify --simulate`: no node, only a file.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

const FILE: &str = r#"
[cluster]
zones = ["a", "b", "c"]
[service.web]
run = ["serve", "{address}"]
replicas = 3
[[listener]]
address = "127.0.0.1:8080"
[[listener.route]]
path = "/"
service = "web"
[slo.web]
route = "/"
availability = "99.9%"
[[claim]]
name = "any one node may fail"
survive = { nodes = 1 }
slo = "web"
available = "99.9%"
recover = "5s"
"#;

fn simulate(folder: &Path, more: &[&str]) -> Output {
    std::fs::write(folder.join("ninefold.toml"), FILE).unwrap();
    Command::new(env!("CARGO_BIN_EXE_ninefold"))
        .args(["verify", "--simulate"])
        .args(more)
        .current_dir(folder)
        .output()
        .unwrap()
}

fn report(folder: &Path, more: &[&str]) -> Value {
    let output = simulate(folder, &[&["--output", "json"], more].concat());
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{errors}");
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn a_claim_is_proven_on_more_nodes_than_a_machine_has() {
    let folder = tempfile::tempdir().unwrap();
    let more = ["--nodes", "60", "--trials", "2", "--seed", "5"];
    let first = report(folder.path(), &more);
    let claim = &first["claims"][0];
    assert_eq!(claim["verdict"], "PROVEN", "{claim}");
    assert!(
        claim["away"]["convicted_ms"]["p99"].as_f64().unwrap() < 3_000.0,
        "{claim}"
    );
    assert_eq!(claim["requests"]["failed"], 0, "{claim}");
    let note = first["notes"][0].as_str().unwrap();
    assert!(note.contains("60 nodes in 3 zones"), "{note}");
    assert_eq!(
        claim["each"],
        report(folder.path(), &more)["claims"][0]["each"]
    );
}

#[test]
fn nothing_is_left_behind_and_nothing_is_asked() {
    let folder = tempfile::tempdir().unwrap();
    report(folder.path(), &["--trials", "1", "--seed", "5"]);
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(left.len(), 1, "{left:?}");
}

#[test]
fn wrong_usage_is_said() {
    let folder = tempfile::tempdir().unwrap();
    for (more, said) in [
        (&["--nodes", "2"][..], "2 nodes cannot be in 3 zones"),
        (&["--nodes", "10001"], "10001 is not in 1..=10000"),
        (&["--answer", "5"], "`5` is no duration"),
        (&["--answer", "2h"], "10us to 60s are possible"),
        (&["--traffic", "live"], "cannot be used with"),
        (&["--claim", "any two"], "no claim named `any two`"),
    ] {
        let output = simulate(folder.path(), more);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(errors.contains(said), "{more:?}: {errors}");
        assert_eq!(output.status.code(), Some(2), "{more:?}");
    }
}
