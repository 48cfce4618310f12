//! What passes, and in which shape.

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::backend::{Act, Backend, header, ok};
use crate::rig::{Rig, file, soon};

#[tokio::test]
async fn a_get_passes_with_the_headers_of_a_gateway() {
    let backend = Backend::start(|_| ok("hello")).await;
    let rig = Rig::with(&file(), &[&backend]);
    let answer = rig
        .once("GET /a?b=c HTTP/1.1\r\nHost: Shop:80\r\nConnection: x-secret, keep-alive, TE\r\nX-Secret: 1\r\nX-Forwarded-For: 6.6.6.6\r\nForwarded: for=6.6.6.6\r\nX-Request-Id: mine\r\nKeep-Alive: 5\r\nTE: trailers, gzip\r\n\r\n")
        .await;
    assert_eq!((answer.status, answer.body.as_str()), (200, "hello"));
    assert_eq!(answer.header("server"), None);
    let head = backend.requests()[0].head.clone();
    assert!(head.starts_with("GET /a?b=c HTTP/1.1\r\n"), "{head}");
    let value = |name| header(&head, name);
    assert_eq!(value("host").unwrap(), "Shop:80");
    assert_eq!(value("x-forwarded-for").unwrap(), "127.0.0.1");
    assert_eq!(value("x-forwarded-proto").unwrap(), "http");
    assert_eq!(value("x-forwarded-host").unwrap(), "Shop:80");
    assert_eq!(value("via").unwrap(), "1.1 ninefold");
    assert_eq!(value("te").unwrap(), "trailers");
    for gone in ["x-secret", "connection", "keep-alive", "forwarded"] {
        assert_eq!(value(gone), None, "{gone}");
    }
    let id = value("x-request-id").unwrap();
    assert_ne!(id, "mine", "ids of strangers are not kept");
    assert_eq!(answer.header("x-request-id"), Some(id));
    assert_eq!(value("traceparent").unwrap().len(), 55);
    let left: u64 = value("x-deadline-ms").unwrap().parse().unwrap();
    assert!((1..=10_000).contains(&left));
}

#[tokio::test]
async fn trusted_ids_and_traces_are_kept() {
    let backend = Backend::start(|_| ok("")).await;
    let mut file = file();
    file.listeners[0].trust_forwarded = true;
    let rig = Rig::with(&file, &[&backend]);
    rig.once("GET / HTTP/1.1\r\nHost: a\r\nX-Request-Id: mine\r\nX-Forwarded-For: 6.6.6.6\r\ntraceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00\r\ntracestate: a=b\r\nx-deadline-ms: 700\r\n\r\n")
        .await;
    let head = backend.requests()[0].head.clone();
    assert_eq!(header(&head, "x-request-id").unwrap(), "mine");
    assert!(
        head.contains("x-forwarded-for: 6.6.6.6\r\n")
            && head.contains("x-forwarded-for: 127.0.0.1\r\n")
    );
    let trace = header(&head, "traceparent").unwrap();
    assert!(trace.starts_with("00-0af7651916cd43dd8448eb211c80319c-") && trace.ends_with("-00"));
    assert!(
        !trace.contains("b7ad6b7169203331"),
        "a hop is a span of its own"
    );
    assert_eq!(header(&head, "tracestate").unwrap(), "a=b");
    let left: u64 = header(&head, "x-deadline-ms").unwrap().parse().unwrap();
    assert!(left <= 700);
}

#[tokio::test]
async fn connections_are_kept_on_both_sides() {
    let backend = Backend::start(|_| ok("x")).await;
    let mut file = file();
    file.threads = std::num::NonZeroU16::new(1);
    let rig = Rig::with(&file, &[&backend]);
    let mut plain = rig.connect().await;
    for _ in 0..20 {
        plain.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
        assert_eq!(plain.answer().await.status, 200);
    }
    // Two requests at once are answered in order.
    plain
        .send(b"GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n")
        .await;
    assert_eq!(plain.answer().await.status, 200);
    assert_eq!(plain.answer().await.status, 200);
    assert_eq!(
        backend
            .connections
            .load(std::sync::atomic::Ordering::SeqCst),
        1
    );
    assert_eq!(rig.counters().endpoints[0].connects, 1);
}

#[tokio::test]
async fn bodies_pass_with_length_and_in_chunks() {
    let backend = Backend::start(|_| ok("x")).await;
    let rig = Rig::with(&file(), &[&backend]);
    let large = "y".repeat(300_000);
    rig.once(&format!(
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n{large}",
        large.len()
    ))
    .await;
    rig.once("POST / HTTP/1.1\r\nHost: a\r\nTrailer: x-sum\r\nTransfer-Encoding: chunked\r\n\r\n3;ext=1\r\nabc\r\n0\r\nX-Sum: 7\r\n\r\n")
        .await;
    let requests = backend.requests();
    assert_eq!(requests[0].body, large.as_bytes());
    assert_eq!(requests[1].body, b"3\r\nabc\r\n0\r\nx-sum: 7\r\n\r\n");
    assert_eq!(rig.settled().await.bytes_in, 300_003);
}

#[tokio::test]
async fn answers_stream_with_trailers() {
    let backend = Backend::start(|_| {
        Act::Answer(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntrailer: x-sum\r\n\r\n3\r\nabc\r\n0\r\nx-sum: 7\r\n\r\n".to_vec())
    })
    .await;
    let rig = Rig::with(&file(), &[&backend]);
    let answer = rig
        .once("GET / HTTP/1.1\r\nHost: a\r\nTE: trailers\r\n\r\n")
        .await;
    assert_eq!(answer.body, "3\r\nabc\r\n0\r\nx-sum: 7\r\n\r\n");
}

#[tokio::test]
async fn an_endless_answer_is_passed_on_as_it_comes() {
    let backend = Backend::start(|_| {
        Act::Answer(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n".to_vec())
    })
    .await;
    let rig = Rig::with(&file(), &[&backend]);
    let mut plain = rig.connect().await;
    plain.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert_eq!(plain.head().await.unwrap().status, 200);
    assert_eq!(plain.until(b"abc\r\n").await.unwrap(), "3\r\nabc\r\n");
    drop(plain);
    assert_eq!(rig.settled().await.cancelled, 1);
}

#[tokio::test]
async fn heads_without_bodies() {
    let backend = Backend::start(|seen| {
        Act::Answer(if seen.head.starts_with("HEAD") {
            b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n".to_vec()
        } else {
            b"HTTP/1.1 304 Not Modified\r\netag: x\r\n\r\n".to_vec()
        })
    })
    .await;
    let rig = Rig::with(&file(), &[&backend]);
    let mut plain = rig.connect().await;
    plain.send(b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    let head = plain.head().await.unwrap();
    assert_eq!(head.header("content-length").unwrap(), "5");
    plain.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert_eq!(plain.head().await.unwrap().status, 304);
    assert_eq!(rig.settled().await.ok, 2);
}

#[tokio::test]
async fn http_1_0_and_absolute_targets() {
    let backend = Backend::start(|_| ok("x")).await;
    let rig = Rig::with(&file(), &[&backend]);
    let mut plain = rig.connect().await;
    plain.send(b"GET / HTTP/1.0\r\n\r\n").await;
    assert!(plain.rest().await.starts_with("HTTP/1.0 200 OK"));
    let answer = rig
        .once("GET http://a:1/x?y HTTP/1.1\r\nHost: a:1\r\n\r\n")
        .await;
    assert_eq!(answer.status, 200);
    assert!(
        backend.requests()[1]
            .head
            .starts_with("GET /x?y HTTP/1.1\r\n")
    );
    rig.once("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert!(
        backend.requests()[2]
            .head
            .starts_with("OPTIONS * HTTP/1.1\r\n")
    );
}

#[tokio::test]
async fn continue_comes_only_when_the_body_is_wanted() {
    let backend = Backend::start(|_| ok("x")).await;
    let rig = Rig::with(&file(), &[&backend]);
    let mut plain = rig.connect().await;
    plain
        .send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n")
        .await;
    assert_eq!(plain.head().await.unwrap().status, 100);
    plain.send(b"abc").await;
    assert_eq!(plain.answer().await.status, 200);
    assert_eq!(backend.requests()[0].body, b"abc");

    rig.publish(&[]);
    let mut plain = rig.connect().await;
    plain
        .send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n")
        .await;
    assert_eq!(plain.head().await.unwrap().status, 503);
}

#[tokio::test]
async fn routes_are_chosen_and_missing_ones_told() {
    let backend = Backend::start(|_| ok("x")).await;
    let mut file = file();
    file.listeners[0].routes[0].path = "/shop".to_owned();
    let rig = Rig::with(&file, &[&backend]);
    assert_eq!(rig.get("/shop/1").await.status, 200);
    let answer = rig.get("/shopping").await;
    assert_eq!(answer.status, 404);
    assert_eq!(answer.header("x-ninefold-reason").unwrap(), "gateway/route");
    let none = rig.counters().routes.pop().unwrap();
    assert_eq!((&*none.route, none.requests, none.refused), ("none", 1, 1));
}

#[tokio::test]
async fn endpoints_always_get_a_host_and_the_ids() {
    let backend = Backend::start(|_| ok("x")).await;
    let rig = Rig::with(&file(), &[&backend]);
    assert_eq!(rig.once("GET / HTTP/1.0\r\n\r\n").await.status, 200);
    let stripping = "GET / HTTP/1.1\r\nHost: a\r\nX-A: 1\r\nConnection: x-a, x-request-id, traceparent, host\r\n\r\n";
    assert_eq!(rig.once(stripping).await.status, 200);
    let seen = backend.requests();
    let host = header(&seen[0].head, "host").unwrap();
    assert_eq!(host, backend.address.to_string());
    assert_eq!(header(&seen[1].head, "x-a"), None);
    assert_eq!(header(&seen[1].head, "host").unwrap(), "a");
    for name in ["x-request-id", "traceparent"] {
        assert!(header(&seen[1].head, name).is_some(), "{name}");
    }
}

/// An answer may begin before its request has ended, and neither waits for the other: here the
/// client reads only once it has sent everything, and both are larger than what sockets hold.
#[tokio::test]
async fn an_upload_goes_on_beside_its_answer() {
    const SIZE: usize = 12 << 20;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let backend = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.unwrap());
        }
        let (mut read, mut write) = stream.split();
        let answer = async {
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {SIZE}\r\n\r\n");
            write.write_all(head.as_bytes()).await.unwrap();
            write.write_all(&vec![b'a'; SIZE]).await.unwrap();
        };
        let mut body = vec![0; SIZE];
        let (uploaded, ()) = tokio::join!(read.read_exact(&mut body), answer);
        uploaded.unwrap();
    });
    let rig = Rig::new(&file());
    rig.publish(&[address]);
    let mut plain = rig.connect().await;
    let head = format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {SIZE}\r\n\r\n");
    plain.send(head.as_bytes()).await;
    assert_eq!(plain.head().await.unwrap().status, 200);
    plain.send(&vec![b'u'; SIZE]).await;
    let mut received = plain.buffered();
    let mut piece = vec![0; 64 << 10];
    while received < SIZE {
        let count = soon("the answer", plain.stream.read(&mut piece)).await;
        let count = count.unwrap();
        assert!(count > 0, "it broke off after {received} bytes");
        received += count;
    }
    soon("the backend", backend).await.unwrap();
    assert_eq!(rig.settled().await.ok, 1);
}
