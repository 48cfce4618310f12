//! Plain TCP, and who the client is.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use ninefold_config::model::{File, Protocol, ProxyVersion, Redundancy, ServiceKind, Span};
use ninefold_config::parse;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::backend::{Backend, ok};
use crate::rig::{Rig, file, soon, until, views};

/// Says its name, then repeats what it hears; `quit` makes it leave without a farewell.
async fn echo(name: &'static str) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let open = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&open);
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let open = Arc::clone(&counted);
            open.fetch_add(1, Ordering::SeqCst);
            tokio::spawn(async move {
                stream.write_all(name.as_bytes()).await.unwrap();
                let mut piece = [0; 64 << 10];
                loop {
                    match stream.read(&mut piece).await {
                        Ok(0) | Err(_) => break,
                        Ok(size) if piece[..size].ends_with(b"quit") => {
                            stream.set_zero_linger().unwrap();
                            break;
                        }
                        Ok(size) => stream.write_all(&piece[..size]).await.unwrap(),
                    }
                }
                open.fetch_sub(1, Ordering::SeqCst);
            });
        }
    });
    (address, open)
}

/// Nobody listens there.
fn closed() -> SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap()
}

fn tcp() -> File {
    let mut file = file();
    file.listeners[0].protocol = Protocol::Tcp;
    file
}

async fn hears(stream: &mut TcpStream, text: &str) {
    let mut heard = vec![0; text.len()];
    soon("bytes", stream.read_exact(&mut heard)).await.unwrap();
    assert_eq!(String::from_utf8(heard).unwrap(), text);
}

async fn ends(stream: &mut TcpStream) {
    let mut rest = Vec::new();
    drop(soon("the end", stream.read_to_end(&mut rest)).await);
    assert_eq!(rest, b"");
}

#[tokio::test]
async fn bytes_pass_both_ways_and_so_does_the_end_of_either() {
    let (a, open) = echo("a").await;
    let rig = Rig::new(&tcp());
    rig.publish(&[a]);
    let mut stream = TcpStream::connect(rig.address).await.unwrap();
    hears(&mut stream, "a").await;
    let long = "0123456789".repeat(20_000);
    let (mut from, mut to) = stream.split();
    let writes = async {
        to.write_all(long.as_bytes()).await.unwrap();
        to.shutdown().await.unwrap();
    };
    let mut heard = String::new();
    let (_, read) = soon("all", async {
        tokio::join!(writes, from.read_to_string(&mut heard))
    })
    .await;
    read.unwrap();
    assert!(heard == long);
    until("the instance is left", async || {
        (open.load(Ordering::SeqCst) == 0).then_some(())
    })
    .await;
    let route = rig.settled().await;
    assert_eq!((route.requests, route.ok, route.masked), (1, 1, 0));
    assert_eq!((route.bytes_in, route.bytes_out), (200_000, 200_001));
    assert_eq!(route.answered, 1);
}

#[tokio::test]
async fn who_refuses_is_passed_over_and_ejected() {
    let (a, _open) = echo("a").await;
    let rig = Rig::new(&tcp());
    rig.publish(&[closed(), a]);
    until("ejected", async || {
        let mut stream = TcpStream::connect(rig.address).await.unwrap();
        hears(&mut stream, "a").await;
        rig.counters().endpoints[0].ejected().then_some(())
    })
    .await;
    let route = rig.settled().await;
    assert_eq!((route.ok, route.failed), (route.requests, 0));
    let refused = &rig.counters().endpoints[0];
    assert!(route.masked >= 3 && refused.report.connect_failed == route.masked);
}

#[tokio::test]
async fn without_an_instance_the_client_is_told_at_once() {
    let rig = Rig::new(&tcp());
    let mut stream = TcpStream::connect(rig.address).await.unwrap();
    ends(&mut stream).await;
    let route = rig.settled().await;
    assert_eq!((route.requests, route.failed), (1, 1));
}

#[tokio::test]
async fn an_instance_that_breaks_off_has_failed() {
    let (a, _open) = echo("a").await;
    let rig = Rig::new(&tcp());
    rig.publish(&[a]);
    let mut stream = TcpStream::connect(rig.address).await.unwrap();
    hears(&mut stream, "a").await;
    stream.write_all(b"quit").await.unwrap();
    ends(&mut stream).await;
    let route = rig.settled().await;
    assert_eq!((route.ok, route.failed), (0, 1));
    let endpoint = &rig.counters().endpoints[0];
    assert_eq!(endpoint.report.reset, 1);
    assert_eq!(endpoint.impact[0].1, 1, "hurt");
}

#[tokio::test]
async fn silence_ends_a_connection() {
    let (a, open) = echo("a").await;
    let mut file = tcp();
    file.listeners[0].limits.idle = Span::millis(50);
    let rig = Rig::new(&file);
    rig.publish(&[a]);
    let mut stream = TcpStream::connect(rig.address).await.unwrap();
    hears(&mut stream, "a").await;
    ends(&mut stream).await;
    until("the instance is left", async || {
        (open.load(Ordering::SeqCst) == 0).then_some(())
    })
    .await;
    assert_eq!(rig.settled().await.ok, 1);
}

#[tokio::test]
async fn clients_of_an_instance_that_is_active_no_more_are_sent_away() {
    let text = "[service.app]\nrun = [\"x\"]\nredundancy = \"active-passive\"\nreplicas = 2\n\
                [[listener]]\naddress = \"127.0.0.1:0\"\nprotocol = \"tcp\"\n";
    let outcome = parse(text, std::path::Path::new("/nonexistent/ninefold.toml"));
    let file = outcome.file.unwrap();
    let ServiceKind::Supervised(app) = &file.services.values().next().unwrap().kind else {
        panic!("external");
    };
    assert_eq!(app.redundancy, Redundancy::ActivePassive);
    assert_eq!(&*file.listeners[0].routes[0].name, "app");
    let ((a, _open), (b, _)) = (echo("a").await, echo("b").await);
    let rig = Rig::new(&file);
    rig.publish(&[a, b]);
    let mut stream = TcpStream::connect(rig.address).await.unwrap();
    hears(&mut stream, "a").await;
    let mut views = views(&[a, b]);
    views[0].admitted = false;
    rig.gateway.publish(views);
    ends(&mut stream).await;
    let mut stream = TcpStream::connect(rig.address).await.unwrap();
    hears(&mut stream, "b").await;
}

#[tokio::test]
async fn an_instance_is_told_who_the_client_is() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut file = tcp();
    file.listeners[0].routes[0].send_proxy_protocol = Some(ProxyVersion::V1);
    let rig = Rig::new(&file);
    rig.publish(&[listener.local_addr().unwrap()]);
    let mut stream = TcpStream::connect(rig.address).await.unwrap();
    stream.write_all(b"hello").await.unwrap();
    let (mut accepted, _) = soon("a connection", listener.accept()).await.unwrap();
    let client = stream.local_addr().unwrap();
    let (from, to) = (client.port(), rig.address.port());
    let expected = format!("PROXY TCP4 127.0.0.1 127.0.0.1 {from} {to}\r\nhello");
    hears(&mut accepted, &expected).await;
}

#[tokio::test]
async fn a_balancer_says_who_the_client_is() {
    let backend = Backend::start(|_| ok("x")).await;
    let mut file = file();
    file.listeners[0].proxy_protocol = true;
    let rig = Rig::with(&file, &[&backend]);
    let get = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    let mut plain = rig.connect().await;
    // In two parts, the second with the request behind it.
    plain.send(b"PROXY TCP4 192.0.2.7 198.51").await;
    plain
        .send(&[b".100.2 56324 443\r\n".as_slice(), get].concat())
        .await;
    assert_eq!(plain.answer().await.status, 200);
    let mut plain = rig.connect().await;
    let local = b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0";
    plain.send(&[local.as_slice(), get].concat()).await;
    assert_eq!(plain.answer().await.status, 200);
    let seen = backend.requests();
    let client = |n: usize| crate::backend::header(&seen[n].head, "x-forwarded-for");
    assert_eq!(client(0).as_deref(), Some("192.0.2.7"));
    assert_eq!(client(1).as_deref(), Some("127.0.0.1"));
    let mut stream = TcpStream::connect(rig.address).await.unwrap();
    stream.write_all(get).await.unwrap();
    ends(&mut stream).await;
    assert_eq!(rig.counters().listeners[0].handshakes_failed, 1);
}
