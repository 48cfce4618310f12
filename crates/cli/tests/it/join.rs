//! `init`, `token` and `up --join`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use ninefold_core::time::Timestamp;
use ninefold_trust::{
    Authority, Identity, JoinServer, Member, SecretsFolder, Token, issue_token, now,
};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

use crate::cluster::{Cluster, three_replicas};
use crate::killed::runs_in;

const HOUR: Duration = Duration::from_secs(3_600);

/// A host where a cluster has begun, which answers joins.
struct First {
    host: Cluster,
    address: String,
    answer: Value,
    _runtime: Runtime,
}

impl First {
    fn new() -> Self {
        let runtime = Runtime::new().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let host = Cluster::new(&three_replicas(""));
        let file = host.file();
        let file = file.to_str().unwrap();
        let answer = host.json(&["init", file, "--address", &address, "--output", "json"]);
        let server = JoinServer::load(secrets(&host), || {
            vec![Member {
                name: "n7".into(),
                gossip: ([127, 0, 0, 7], 7_946).into(),
            }]
        });
        runtime.spawn(server.unwrap().unwrap().serve(listener));
        Self {
            host,
            address,
            answer,
            _runtime: runtime,
        }
    }

    fn issued(&self, at: Timestamp) -> Token {
        let folder = secrets(&self.host);
        let cluster = "test".parse().unwrap();
        let authority = Authority::load(&folder, &cluster, now()).unwrap().unwrap();
        issue_token(&folder, &authority, HOUR, 1, at).unwrap()
    }
}

fn secrets(host: &Cluster) -> SecretsFolder {
    SecretsFolder::of_state(&host.state())
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// One of three nodes of a cluster, with a host of its own.
fn one_of_three() -> String {
    three_replicas("").replace("zones = ", "nodes = 3\nzones = ")
}

/// The environment of the process of the one replica that the host has.
fn environments(host: &Cluster) -> Vec<String> {
    let environ = |pid: i32| PathBuf::from(format!("/proc/{pid}/environ"));
    let ready = host.ready(1).into_iter();
    ready
        .map(|(_, pid)| text(&std::fs::read(environ(pid)).unwrap()))
        .collect()
}

#[test]
fn a_cluster_begins_and_another_host_joins_it() {
    let first = First::new();
    let answer = |key: &str| first.answer[key].as_str().unwrap().to_owned();
    assert_eq!(
        (answer("cluster"), answer("node")),
        ("test".into(), "n1".into())
    );
    let (token, command) = (answer("token"), answer("command"));
    for part in [&token, &first.address, "--node n2"] {
        assert!(command.contains(part), "{command}");
    }

    let mut second = Cluster::new(&one_of_three());
    let join = ["--join", &first.address, "--node", "n2"];
    let join = [&join[..], &["--gossip", "127.0.0.2:0"]].concat();
    second.start_with(&join, &[("NINEFOLD_TOKEN", &token)]);
    for environment in environments(&second) {
        assert!(environment.contains("NINEFOLD_INSTANCE"), "{environment}");
        assert!(!environment.contains(&token), "{environment}");
    }
    assert!(second.log().contains("joined the cluster `test` as `n2`"));
    let one = Identity::load(&secrets(&first.host), now())
        .unwrap()
        .unwrap();
    let two = Identity::load(&secrets(&second), now()).unwrap().unwrap();
    assert_eq!(two.keys(), one.keys());
    assert_eq!(two.authority(), one.authority());
    assert_eq!(two.seeds()[0].to_string(), first.address);
    assert!(!second.state().join("cluster/ca.key").exists());
    assert!(second.stop().success());

    // Once it has joined it needs no token, and cannot be another one.
    second.start_with(&join, &[]);
    assert!(!second.log().contains("joined the cluster"));
    assert!(second.stop().success());
    let other = ["up", "--join", &first.address, "--node", "n3"];
    let refused = second.run(&[&other[..], &[second.file().to_str().unwrap()]].concat());
    let said = text(&refused.stderr);
    assert_eq!(refused.status.code(), Some(2), "{said}");
    assert!(said.contains("`n2`") && said.contains("--state"), "{said}");

    // The token that it used is of no use to anybody else.
    refused_to_join(&first, Some(&token), "n3", "used already");
}

#[test]
fn two_hosts_are_one_cluster() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = free.local_addr().unwrap().to_string();
    drop(free);
    let mut first = Cluster::new(&one_of_three());
    let file = first.file();
    let init = ["init", file.to_str().unwrap(), "--address", &address];
    let answer = first.json(&[&init[..], &["--output", "json"]].concat());
    first.start();
    let mut second = Cluster::new(&one_of_three());
    let join = [
        "--join",
        &address,
        "--node",
        "n2",
        "--gossip",
        "127.0.0.2:0",
    ];
    let token = answer["token"].as_str().unwrap();
    second.start_with(&join, &[("NINEFOLD_TOKEN", token)]);
    let states = |host: &Cluster| {
        let file = host.file();
        let members = ["members", file.to_str().unwrap(), "--output", "json"];
        let answer = host.json(&members);
        let members = answer["members"].as_array().unwrap().iter();
        let state = |one: &Value| one["state"].as_str().unwrap().to_owned();
        members.map(state).collect::<Vec<_>>()
    };
    for host in [&first, &second] {
        host.wait("both to be members", || states(host) == ["alive", "alive"]);
        // Each runs its own replica, and knows of the other's.
        host.ready(2);
    }
    assert!(second.stop().success());
    first.wait("the second to have left", || {
        states(&first) == ["alive", "left"]
    });
    assert!(first.stop().success());

    // A node that cannot gossip starts nothing.
    let taken = std::net::UdpSocket::bind("127.0.0.2:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let file = second.file();
    let refused = second.run(&["up", file.to_str().unwrap(), "--gossip", &address]);
    let said = text(&refused.stderr);
    assert_eq!(refused.status.code(), Some(2), "{said}");
    assert!(said.contains("gossip cannot listen on"), "{said}");
    assert!(!said.contains("action: start"), "{said}");
    assert!(runs_in(second.state().to_str().unwrap()).is_empty());
}

/// Three hosts with more to tell than packets hold: each newcomer gets it over a stream, and says so.
#[test]
fn a_newcomer_is_told_all_over_a_stream() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = free.local_addr().unwrap().to_string();
    drop(free);
    let file = one_of_three().replace("replicas = 3", "replicas = 15");
    let mut first = Cluster::new(&file);
    let path = first.file();
    let path = path.to_str().unwrap();
    let init = ["init", path, "--address", &address, "--output", "json"];
    let mut answer = first.json(&init);
    first.start();
    first.ready(5);
    let mut others = Vec::new();
    for (node, gossip) in [("n2", "127.0.0.2:0"), ("n3", "127.0.0.3:0")] {
        let mut host = Cluster::new(&file);
        let join = ["--join", &address, "--node", node, "--gossip", gossip];
        let token = answer["token"].as_str().unwrap();
        host.start_with(&join, &[("NINEFOLD_TOKEN", token)]);
        others.push(host);
        for host in others.iter().chain([&first]) {
            host.ready(5 * (others.len() + 1));
        }
        answer = first.json(&["token", path, "--output", "json"]);
    }
    for host in &others {
        let file = host.file();
        let file = file.to_str().unwrap();
        host.wait("a state to be fetched", || {
            let members = host.json(&["members", file, "--output", "json"]);
            members["gossip"]["syncs"]["fetched"].as_u64() > Some(0)
        });
        let said = host.log();
        assert!(said.contains("synced from n"), "{said}");
    }
    for host in others.iter_mut().chain([&mut first]) {
        assert!(host.stop().success());
    }
}

/// A host that fails to join says why, exits with 2, and has written no secret.
#[track_caller]
fn refused_to_join(first: &First, token: Option<&str>, node: &str, why: &str) {
    let host = Cluster::new(&three_replicas(""));
    let file = host.file();
    let mut args = vec!["up", file.to_str().unwrap()];
    args.extend(["--join", &first.address, "--node", node]);
    let token_file = host.file().with_file_name("token");
    if let Some(token) = token {
        std::fs::write(&token_file, format!("{token}\n")).unwrap();
        args.extend(["--token-file", token_file.to_str().unwrap()]);
    }
    let output = host.run(&args);
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains(why), "{said}");
    assert!(!host.state().exists(), "{said}");
}

#[test]
fn who_may_not_join_is_told_why_and_has_nothing() {
    let first = First::new();
    let good = first.answer["token"].as_str().unwrap();
    let cut = &good[..good.len() - 3];
    let other = {
        let other = Cluster::new(&three_replicas("").replace("\"test\"", "\"site\""));
        let answer = other.json(&["init", other.file().to_str().unwrap(), "-o", "json"]);
        answer["token"].as_str().unwrap().to_owned()
    };
    let stranger = {
        let namesake = Cluster::new(&three_replicas(""));
        let answer = namesake.json(&["init", namesake.file().to_str().unwrap(), "-o", "json"]);
        answer["token"].as_str().unwrap().to_owned()
    };
    let over = first.issued(now() - HOUR * 2).to_string();
    refused_to_join(&first, Some("let me in"), "n2", "no join token");
    refused_to_join(&first, Some(cut), "n2", "damaged");
    let host = Cluster::new(&three_replicas(""));
    let file = host.file();
    let join = ["--join", &first.address, "--node", "n2", "--token", cut];
    let output = host.run(&[&["up", file.to_str().unwrap()], &join[..]].concat());
    let said = text(&output.stderr);
    assert!(said.contains("damaged") && !said.contains(cut), "{said}");
    refused_to_join(&first, Some(&other), "n2", "`site`");
    refused_to_join(&first, Some(&stranger), "n2", "was told nothing");
    refused_to_join(&first, Some(&over), "n2", "ended at");
    refused_to_join(&first, None, "n2", "NINEFOLD_TOKEN");
    refused_to_join(&first, Some(good), "n1", "choose another --node");
    refused_to_join(&first, Some(good), "n7", "choose another --node");
    std::fs::remove_file(secrets(&first.host).path().join("tokens.json")).unwrap();
    refused_to_join(&first, Some(good), "n2", "does not know this token");
}

#[test]
fn a_cluster_begins_once_and_makes_tokens_as_often_as_asked() {
    let host = Cluster::new(&three_replicas(""));
    let file = host.file();
    let file = file.to_str().unwrap();
    let early = host.run(&["token", file]);
    assert_eq!(early.status.code(), Some(2));
    assert!(text(&early.stderr).contains("ninefold init"), "{early:?}");
    let begun = host.run(&["init", file]);
    let said = text(&begun.stdout);
    assert_eq!(begun.status.code(), Some(0), "{said}");
    assert!(
        said.contains("--join") && said.contains("one host"),
        "{said}"
    );

    let authority = |host: &Cluster| std::fs::read(host.state().join("cluster/ca.pem")).unwrap();
    let before = authority(&host);
    let again = host.run(&["init", file]);
    assert_eq!(again.status.code(), Some(2));
    assert!(text(&again.stderr).contains("ninefold token"), "{again:?}");
    assert_eq!(authority(&host), before);

    let token = |args: &[&str]| host.json(&[&["token", file, "-o", "json"], args].concat());
    let (one, two) = (token(&[]), token(&["--ttl", "90m", "--uses", "3"]));
    assert_ne!(one["token"], two["token"]);
    assert_eq!((&one["uses"], &two["uses"]), (&1.into(), &3.into()));
    for wrong in [["--ttl", "31d"], ["--uses", "0"], ["--ttl", "soon"]] {
        let refused = host.run(&[&["token", file], &wrong[..]].concat());
        assert_eq!(refused.status.code(), Some(2), "{refused:?}");
    }
    for secret in ["ca.key", "node.key", "keys.json", "tokens.json"] {
        use std::os::unix::fs::PermissionsExt;
        let path: &Path = &host.state().join("cluster").join(secret);
        let mode = std::fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{secret}");
    }
}
