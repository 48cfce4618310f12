//! `check` and `schema`.

use crate::cluster::{Cluster, three_replicas};

#[test]
fn all_errors_of_a_file_are_told_at_once() {
    let cluster = Cluster::new(
        "[service.web]\nrunn = [\"x\"]\nreplicas = \"three\"\n[[listener]]\naddress = \"127.0.0.1:0\"\n[[listener.route]]\npath = \"/\"\nservice = \"wbe\"\n",
    );
    let path = cluster.file();
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_ninefold"))
        .arg("check")
        .arg(&path)
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1), "{text}");
    for expected in ["runn", "run", "replicas", "wbe", "web", ":2:", ":3:", ":8:"] {
        assert!(text.contains(expected), "{expected} is not in\n{text}");
    }
}

#[test]
fn a_sound_file_passes_as_json_too() {
    let cluster = Cluster::new(&three_replicas(""));
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_ninefold"))
        .args(["check", "--output", "json"])
        .arg(cluster.file())
        .output()
        .unwrap();
    assert_eq!(
        output.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&output.stdout)
    );
    let answer: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(answer["summary"]["instances"], 3, "{answer}");
}

#[test]
fn a_sound_file_is_said_to_be_so() {
    let cluster = Cluster::new(&three_replicas(""));
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_ninefold"))
        .arg("check")
        .arg(cluster.file())
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert_eq!(
        text,
        format!(
            "{}: sound: 1 service, 3 instances, 1 listener, 1 route, 1 SLO, 0 claims; no warnings\n",
            cluster.file().display()
        )
    );
}
