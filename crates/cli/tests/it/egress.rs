//! Calls of services to each other.

use crate::cluster::{Cluster, answer, exchange, three_replicas};

/// `web` is called by name, and a service that says where it would call.
fn egress(listener: &str) -> String {
    let worker = format!(
        "[service.worker]\nrun = [\"sh\", \"-c\", \"echo calls go to $NINEFOLD_EGRESS and {{egress}}; exec {} {{address}}\"]\n\
         health = {{ ready = \"/ready\" }}\n",
        answer().display()
    );
    let file = three_replicas(&format!("[[listener]]\n{listener}\negress = true\n"));
    // The routes by name have that path, too.
    let file = file.replace("route = \"/\"", "route = \"root\"");
    file.replace(
        "[[listener]]\naddress = \"127.0.0.1:0\"\n[[listener.route]]",
        &format!("{worker}[[listener]]\naddress = \"127.0.0.1:0\"\n[[listener.route]]"),
    )
}

#[test]
fn services_are_called_by_name_and_nothing_else_is() {
    let cluster = Cluster::up(&egress("address = \"127.0.0.1:0\""));
    cluster.ready(4);
    let status = cluster.status();
    let listener = &status["listeners"][1];
    assert_eq!(listener["egress"], true, "{status:#}");
    let address: std::net::SocketAddr = listener["address"].as_str().unwrap().parse().unwrap();
    let ask = |head: &str| {
        let request = format!("{head}\r\nconnection: close\r\n\r\n");
        exchange(address, request.as_bytes())
    };
    for known in [
        "GET / HTTP/1.1\r\nhost: web",
        "GET / HTTP/1.1\r\nhost: worker",
        // As a client with `http_proxy` asks.
        "GET http://web/ HTTP/1.1\r\nhost: web",
    ] {
        let answer = ask(known);
        assert!(answer.starts_with("HTTP/1.1 200"), "{known}: {answer}");
    }
    for unknown in [
        "GET / HTTP/1.1\r\nhost: example.org",
        "GET http://example.org/ HTTP/1.1\r\nhost: example.org",
    ] {
        assert!(ask(unknown).starts_with("HTTP/1.1 404"), "{unknown}");
    }
    let tunnel = ask("CONNECT web:80 HTTP/1.1\r\nhost: web:80");
    assert!(tunnel.starts_with("HTTP/1.1 405"), "{tunnel}");
    let said = format!("calls go to {address} and {address}");
    cluster.wait("the instance to say it", || {
        let logs = cluster.run(&["logs", "worker"]);
        String::from_utf8_lossy(&logs.stdout).contains(&said)
    });
    let routes = status["routes"].as_array().unwrap();
    let routes: Vec<_> = routes.iter().map(|route| &route["route"]).collect();
    for known in ["to-web", "root"] {
        assert!(routes.iter().any(|route| *route == known), "{routes:?}");
    }
}

#[test]
fn instances_outlive_a_ninefold_that_told_them_where_to_call() {
    let mut cluster = Cluster::up(&egress("address = \"127.0.0.1:0\""));
    let mut before = cluster.ready(4);
    // Whoever connects from that port in the meantime has it; then they are told the new one.
    let kept = (0..3).any(|_| {
        let address = cluster.status()["listeners"][1]["address"].clone();
        cluster.kill_ninefold();
        cluster.start();
        let same = cluster.status()["listeners"][1]["address"] == address;
        let after = cluster.ready(4);
        let outlived = std::mem::replace(&mut before, after) == before;
        same && outlived
    });
    assert!(kept, "{}", cluster.log());
}

#[test]
fn others_are_not_to_make_calls() {
    let cluster = Cluster::new(&egress("address = \"0.0.0.0:15000\""));
    let file = cluster.file();
    let output = Cluster::anywhere(&["check", file.to_str().unwrap()]);
    assert!(!output.status.success());
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let said = said + &String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("error[not-local]"), "{said}");
}
