//! A cluster of hosts: three network namespaces on a bridge, each with an address of its own, and a firewall.

use std::process::{Command, Output};
use std::thread::sleep;
use std::time::Duration;

use serde_json::Value;

use crate::cluster::{Cluster, answer};

const HOSTS: u32 = 3;

/// Hosts without anybody on them; gone when this is.
struct Network {
    /// What the names of its namespaces begin with.
    name: String,
}

impl Network {
    /// Nothing where this user may not make one.
    fn new() -> Option<Self> {
        let nft = Command::new("nft").arg("--version").output();
        if !rustix::process::geteuid().is_root() || nft.is_err() {
            eprintln!("not tried: hosts on one machine take root, and `nft` of nftables");
            return None;
        }
        let name = format!("nf{}", std::process::id());
        let network = Self { name };
        let switch = network.switch();
        let made = Command::new("ip").args(["netns", "add", &switch]).status();
        if !made.is_ok_and(|status| status.success()) {
            eprintln!("not tried: this machine makes no network namespaces");
            return None;
        }
        done(&["-n", &switch, "link", "add", "br0", "type", "bridge"]);
        done(&["-n", &switch, "addr", "add", "10.9.0.254/24", "dev", "br0"]);
        done(&["-n", &switch, "link", "set", "br0", "up"]);
        for number in 1..=HOSTS {
            network.plug_in(number);
        }
        Some(network)
    }

    fn switch(&self) -> String {
        format!("{}s", self.name)
    }

    fn host(&self, number: u32) -> String {
        format!("{}h{number}", self.name)
    }

    fn plug_in(&self, number: u32) {
        let (host, switch, port) = (self.host(number), self.switch(), format!("p{number}"));
        done(&["netns", "add", &host]);
        let peer = ["peer", "name", "eth0", "netns", &host];
        let link = ["-n", &switch, "link", "add", &port, "type", "veth"];
        done(&[&link[..], &peer[..]].concat());
        done(&["-n", &switch, "link", "set", &port, "master", "br0", "up"]);
        let address = format!("{}/24", address(number));
        done(&["-n", &host, "addr", "add", &address, "dev", "eth0"]);
        for device in ["lo", "eth0"] {
            done(&["-n", &host, "link", "set", device, "up"]);
        }
        self.protect(&host);
        let route = ["route", "add", "default", "via", "10.9.0.254"];
        done(&[&["-n", &host][..], &route[..]].concat());
    }

    /// The firewall of `docs/hosts.md`.
    fn protect(&self, host: &str) {
        let rules = "table inet host {
            chain input {
            type filter hook input priority 0; policy drop;
            iif lo accept
            ct state established,related accept
            udp dport 7946 accept
            tcp dport { 7946, 7947, 8080, 21000-21999 } accept
            }
        }";
        done(&["netns", "exec", host, "nft", rules]);
    }

    /// Pulls the cable of a host, or plugs it in again.
    fn cable(&self, number: u32, to: &str) {
        done(&[
            "-n",
            &self.switch(),
            "link",
            "set",
            &format!("p{number}"),
            to,
        ]);
    }

    /// The status of an answer from a host's gateway, as a client elsewhere gets it; 0 without one.
    fn get(&self, number: u32) -> u16 {
        let url = format!("http://{}:8080/", address(number));
        let curl = ["curl", "-s", "-m", "5", "-o", "/dev/null", "-w"];
        let switch = self.switch();
        let exec = ["netns", "exec", &switch];
        let output = ip(&[&exec[..], &curl[..], &["%{http_code}", &url]].concat());
        String::from_utf8_lossy(&output.stdout).parse().unwrap_or(0)
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        for number in 1..=HOSTS {
            ip(&["netns", "del", &self.host(number)]);
        }
        ip(&["netns", "del", &self.switch()]);
    }
}

fn address(number: u32) -> String {
    format!("10.9.0.{number}")
}

fn ip(words: &[&str]) -> Output {
    Command::new("ip").args(words).output().unwrap()
}

fn done(words: &[&str]) {
    let output = ip(words);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "ip {words:?}: {said}");
}

fn file() -> String {
    format!(
        r#"
[cluster]
name = "hosts"
nodes = {HOSTS}
zones = ["a", "b", "c"]
[node]
admin = "off"
[service.web]
run = ["{}", "{{address}}"]
replicas = {HOSTS}
health = {{ ready = "/ready" }}
[[listener]]
address = "0.0.0.0:8080"
[[listener.route]]
path = "/"
service = "web"
"#,
        answer().display()
    )
}

/// The states of the nodes as one of them sees them.
fn states(host: &Cluster) -> Vec<String> {
    let file = host.file();
    let members = ["members", file.to_str().unwrap(), "--output", "json"];
    let answer = host.json(&members);
    let members = answer["members"].as_array().unwrap().iter();
    let state = |one: &Value| one["state"].as_str().unwrap().to_owned();
    members.map(state).collect()
}

/// How many processes a node holds on to.
fn lifelines(host: &Cluster) -> String {
    let socket = host.state().join("admin.sock");
    let curl = ["-s", "http://localhost/metrics", "--unix-socket"];
    let output = Command::new("curl").args(curl).arg(socket).output();
    let metrics = output.unwrap().stdout;
    let metrics = String::from_utf8_lossy(&metrics);
    let mut lines = metrics.lines();
    let line = lines.find_map(|line| line.strip_prefix("ninefold_gossip_lifelines "));
    line.unwrap_or_default().to_owned()
}

#[test]
fn hosts_outlive_one_whose_cable_is_pulled_and_take_it_back() {
    let Some(network) = Network::new() else {
        return;
    };
    let mut hosts: Vec<Cluster> = (1..=HOSTS)
        .map(|number| Cluster::inside(&network.host(number), &file()))
        .collect();
    let first = hosts[0].file();
    let begin = ["init", first.to_str().unwrap(), "--uses", "2"];
    let answer = hosts[0].json(&[&begin[..], &["--output", "json"]].concat());
    let token = answer["token"].as_str().unwrap().to_owned();
    // What a host that has one address says of itself needs nobody to write it.
    let seed = format!("{}:7946", address(1));
    assert!(
        answer["command"].as_str().unwrap().contains(&seed),
        "{answer}"
    );
    hosts[0].start();
    for (number, host) in (1..).zip(&mut hosts).skip(1) {
        let node = format!("n{number}");
        let join = ["--join", &seed, "--node", &node];
        host.start_with(&join, &[("NINEFOLD_TOKEN", &token)]);
    }
    for host in &hosts {
        host.wait("all to be members", || states(host) == ["alive"; 3]);
        host.ready(3);
    }
    for (number, host) in (1..).zip(&hosts) {
        assert_eq!(network.get(number), 200, "by way of host {number}");
        host.wait("lifelines through the firewall", || lifelines(host) == "2");
    }

    network.cable(3, "down");
    for host in &hosts[..2] {
        host.wait("the third to be convicted", || {
            states(host) == ["alive", "alive", "down"]
        });
    }
    for _ in 0..20 {
        assert_eq!((network.get(1), network.get(2)), (200, 200));
    }
    // It knows that it is the one who is cut off, and convicts nobody.
    assert_eq!(states(&hosts[2])[..2], ["alive", "alive"]);
    let status = hosts[2].status();
    assert_eq!(status["gossip"]["isolated"], true, "{status}");
    let degraded = status["degraded"][0].as_str().unwrap();
    assert!(degraded.starts_with("cut off"), "{degraded}");
    assert_eq!(network.get(3), 0);

    network.cable(3, "up");
    for host in &hosts {
        host.wait("all to be members again", || states(host) == ["alive"; 3]);
        host.ready(3);
    }
    sleep(Duration::from_millis(100));
    for number in 1..=HOSTS {
        assert_eq!(network.get(number), 200, "by way of host {number}");
    }
    for host in &mut hosts {
        assert!(host.stop().success());
    }
}
