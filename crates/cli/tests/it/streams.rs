//! Connections that are no HTTP, or do not begin with it, through both kinds of hand-over.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use crate::cluster::{Cluster, exchange};
use crate::reload::replicas;

const GET: &str = "GET / HTTP/1.1\r\nhost: t\r\n\r\n";

/// The address of a listener, as bound.
fn listener(cluster: &Cluster, index: usize) -> SocketAddr {
    let address = cluster.status()["listeners"][index]["address"].clone();
    address.as_str().unwrap().parse().unwrap()
}

fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    let patience = Some(Duration::from_secs(20));
    stream.set_read_timeout(patience).unwrap();
    stream
}

/// One request on a connection that stays.
fn ask(stream: &mut TcpStream) -> String {
    stream.write_all(GET.as_bytes()).unwrap();
    let (mut text, mut piece) = (String::new(), [0; 4 << 10]);
    // The body is a name and a line feed.
    while !text
        .split_once("\r\n\r\n")
        .is_some_and(|(_, body)| body.ends_with('\n'))
    {
        let size = stream.read(&mut piece).unwrap();
        assert!(size > 0, "the connection ended after {text:?}");
        text.push_str(std::str::from_utf8(&piece[..size]).unwrap());
    }
    text
}

#[test]
fn plain_tcp_and_the_proxy_protocol_go_on_through_reloads_and_upgrades() {
    let file = replicas(
        "[[listener]]\naddress = \"127.0.0.1:0\"\nprotocol = \"tcp\"\n\
         [[listener.route]]\nservice = \"web\"\n\
         [[listener]]\naddress = \"127.0.0.1:0\"\nproxy_protocol = true\n\
         [[listener.route]]\npath = \"/\"\nname = \"behind\"\nservice = \"web\"\n",
    );
    // Three routes have this path.
    let file = file.replace("route = \"/\"", "route = \"root\"");
    let cluster = Cluster::up(&file);
    let before = cluster.ready(3);
    let (plain, behind) = (listener(&cluster, 1), listener(&cluster, 2));
    for turn in 0_u16..6 {
        // It has not said yet whom it stands for.
        let mut begun = connect(behind);
        begun.write_all(b"PROXY TCP4 192.0.2.7 ").unwrap();
        let mut open = connect(plain);
        assert!(ask(&mut open).starts_with("HTTP/1.1 200"));
        cluster.write(&file.replace(
            "proxy_protocol = true",
            &format!(
                "proxy_protocol = true\nlimits = {{ streams = {} }}",
                50 + turn
            ),
        ));
        let command: &[&str] = if turn % 2 == 0 {
            &["reload", "--now"]
        } else {
            &["upgrade"]
        };
        let output = cluster.run(command);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{said}\n{}", cluster.log());
        let rest = format!("198.51.100.2 56324 443\r\n{GET}");
        begun.write_all(rest.as_bytes()).unwrap();
        let mut head = [0; 12];
        begun.read_exact(&mut head).unwrap();
        assert_eq!(&head, b"HTTP/1.1 200");
        assert!(ask(&mut open).starts_with("HTTP/1.1 200"));
        assert!(ask(&mut connect(plain)).starts_with("HTTP/1.1 200"));
        let last = GET.replace("host: t", "host: t\r\nconnection: close");
        let whole = format!("PROXY TCP4 192.0.2.7 198.51.100.2 56324 443\r\n{last}");
        assert!(exchange(behind, whole.as_bytes()).starts_with("HTTP/1.1 200"));
        // What is there ends, so that the next one need not wait for it.
        drop((begun, open));
    }
    assert_eq!(
        (listener(&cluster, 1), listener(&cluster, 2)),
        (plain, behind)
    );
    assert_eq!(cluster.ready(3), before);
}

#[test]
fn what_takes_longer_than_the_file_allows_is_ended() {
    let file = replicas(
        "[[listener]]\naddress = \"127.0.0.1:0\"\nprotocol = \"tcp\"\n\
         [[listener.route]]\nservice = \"web\"\n",
    );
    let file = file.replace("route = \"/\"", "route = \"root\"");
    let file = file.replace("[node]\n", "[node]\ndrain = \"200ms\"\n");
    let cluster = Cluster::up(&file);
    cluster.ready(3);
    for (turn, command) in [&["reload", "--now"][..], &["upgrade"], &["reload", "--now"]]
        .into_iter()
        .enumerate()
    {
        let mut open = connect(listener(&cluster, 1));
        assert!(ask(&mut open).starts_with("HTTP/1.1 200"));
        cluster.write(&format!("threads = {}\n{file}", turn + 1));
        let output = cluster.run(command);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{said}\n{}", cluster.log());
        // Nobody asks anything; the wait is the file's.
        let end = open.read(&mut [0]);
        let reset = std::io::ErrorKind::ConnectionReset;
        assert!(
            matches!(end, Ok(0)) || end.is_err_and(|why| why.kind() == reset),
            "it is still open"
        );
    }
    let journal = String::from_utf8(cluster.run(&["events", "-n", "1000"]).stdout).unwrap();
    assert!(journal.contains("ended with 1 connections"), "{journal}");
}
