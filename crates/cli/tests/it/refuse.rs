//! What cannot be: a clear error, a code that is not 0, and nothing left behind.

use std::net::TcpListener;

use crate::cluster::{Cluster, exchange, three_replicas};

#[test]
fn a_port_in_use_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let file = three_replicas("").replacen(
        "[[listener]]\naddress = \"127.0.0.1:0\"",
        &format!("[[listener]]\naddress = \"{address}\""),
        1,
    );
    let cluster = Cluster::new(&file);
    let path = cluster.file();
    let output = cluster.run(&["up", path.to_str().unwrap()]);
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{text}");
    assert!(text.contains(&address) && text.contains("in use"), "{text}");
}

#[test]
fn a_state_folder_that_cannot_be_written_starts_nothing() {
    let cluster = Cluster::new(&three_replicas(""));
    // In the way of the node's own record, as a full disk would be.
    std::fs::create_dir_all(cluster.state().join("node.json.tmp")).unwrap();
    let path = cluster.file();
    let output = cluster.run(&["up", path.to_str().unwrap()]);
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{text}");
    assert!(text.contains("node.json"), "{text}");
    assert!(!cluster.state().join("instances/web-0").exists());
}

#[test]
fn a_second_ninefold_in_the_same_folder_is_refused() {
    let cluster = Cluster::up(&three_replicas(""));
    let path = cluster.file();
    let output = cluster.run(&["up", path.to_str().unwrap()]);
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{text}");
    assert!(
        text.contains("already runs") && text.contains("ninefold stop"),
        "{text}"
    );
    cluster.ready(3);
}

#[test]
fn a_command_that_does_not_exist_is_said_and_does_not_spin() {
    let file = three_replicas("").replace("/examples/answer", "/examples/no-such-program");
    let cluster = Cluster::up(&file);
    cluster.wait("the reason to be shown", || {
        cluster.status()["instances"]
            .as_array()
            .unwrap()
            .iter()
            .all(|instance| {
                instance["reason"]
                    .as_str()
                    .is_some_and(|reason| reason.contains("no-such-program"))
            })
    });
    let (status, body) = cluster.get("/");
    assert_eq!(status, 503);
    assert!(body.contains("web"), "{body}");
}

#[test]
fn noise_on_the_listener_hurts_nobody() {
    let cluster = Cluster::up(&three_replicas(""));
    cluster.ready(3);
    let address = cluster.address();
    let mut rng = ninefold_core::rng::Rng::new(9);
    for _ in 0..200 {
        let noise: Vec<u8> = (0..512)
            .flat_map(|_| rng.next_u64().to_le_bytes())
            .collect();
        let answer = exchange(address, &noise);
        assert!(
            answer.is_empty() || answer.starts_with("HTTP/1.1 4"),
            "{answer}"
        );
    }
    assert_eq!(cluster.get("/").0, 200);
}

#[test]
fn logs_of_an_unknown_service_name_those_there_are() {
    let cluster = Cluster::new(&three_replicas(""));
    let path = cluster.file();
    let file = path.to_str().unwrap();
    let said = |service: &str| {
        let output = cluster.run(&["logs", service, file]);
        assert_eq!(output.status.code(), Some(2));
        String::from_utf8(output.stderr).unwrap()
    };
    let unknown = said("wbe");
    assert!(
        unknown.contains("did you mean `web`?") && unknown.contains("Its services are `web`"),
        "{unknown}"
    );
    assert!(said("web").contains("has written nothing so far"));
}

#[test]
fn an_answer_that_cannot_be_written_is_a_failure() {
    let full = std::fs::File::options()
        .write(true)
        .open("/dev/full")
        .unwrap();
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_ninefold"))
        .arg("schema")
        .stdout(full)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{text}");
    assert_eq!(text.matches("standard output: ").count(), 1, "{text}");
}

#[test]
fn commands_without_a_node_say_so() {
    let cluster = Cluster::new(&three_replicas(""));
    for command in ["status", "events", "incidents", "explain"] {
        let output = cluster.run(&[command]);
        let text = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{command}: {text}");
        assert!(text.contains("ninefold up"), "{command}: {text}");
    }
}
