//! What one client may take.

use std::num::NonZeroU16;
use std::sync::Arc;
use std::time::Duration;

use ninefold_config::model::{Bytes, LimitBy, Rate, RateLimit, Span};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, Interest};
use tokio::net::TcpListener;

use crate::backend::{Act, Backend, ok};
use crate::rig::{Plain, Rig, file, small, soon, until};

#[tokio::test]
async fn heads_are_limited_in_size_and_number() {
    let backend = Backend::start(|_| ok("x")).await;
    let mut file = file();
    small(&mut file.listeners[0].limits);
    let rig = Rig::with(&file, &[&backend]);
    let long = format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "x".repeat(2_000));
    assert_eq!(rig.once(&long).await.status, 414);
    let large = format!(
        "GET / HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n",
        "x".repeat(2_000)
    );
    assert_eq!(rig.once(&large).await.status, 431);
    let many = format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", "X: y\r\n".repeat(10));
    assert_eq!(rig.once(&many).await.status, 431);
    let just = format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", "X: y\r\n".repeat(9));
    assert_eq!(rig.once(&just).await.status, 200);
}

#[tokio::test]
async fn more_headers_than_hypers_default_may_be_allowed() {
    let backend = Backend::start(|_| ok("x")).await;
    let mut file = file();
    file.listeners[0].limits.headers = 300;
    let rig = Rig::with(&file, &[&backend]);
    let many = format!(
        "GET / HTTP/1.1\r\nHost: a\r\n{}\r\n",
        "X: y\r\n".repeat(250)
    );
    assert_eq!(rig.once(&many).await.status, 200);
}

#[tokio::test]
async fn bodies_are_limited() {
    let backend = Backend::start(|_| ok("x")).await;
    let mut file = file();
    small(&mut file.listeners[0].limits);
    let rig = Rig::with(&file, &[&backend]);
    let announced = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1001\r\n\r\n";
    assert_eq!(rig.once(announced).await.status, 413);
    let mut plain = rig.connect().await;
    let body = format!("3e8\r\n{}\r\n1\r\nx\r\n0\r\n\r\n", "x".repeat(1_000));
    plain
        .send(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
        .await;
    plain.send(body.as_bytes()).await;
    assert_eq!(plain.answer().await.status, 413);
    let route = rig.settled().await;
    assert_eq!((route.refused, route.failed), (2, 0));
    assert_eq!(rig.counters().endpoints[0].report.failures(), 0);
}

#[tokio::test]
async fn slow_heads_are_cut_with_408() {
    let mut file = file();
    file.listeners[0].limits.head_time = Span::millis(150);
    let rig = Rig::new(&file);
    let mut plain = rig.connect().await;
    plain.send(b"GET / HT").await;
    assert_eq!(plain.answer().await.status, 408);
    plain.ends().await;
    // Also on the second request, and however the bytes drip.
    let mut plain = rig.connect().await;
    plain.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert_eq!(plain.answer().await.status, 503);
    let drip = async {
        for byte in b"GET / HTTP/1.1\r\nX: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy"
        {
            tokio::io::AsyncWriteExt::write_all(&mut plain.stream, &[*byte])
                .await
                .ok();
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    drip.await;
    assert_eq!(plain.answer().await.status, 408);
}

#[tokio::test]
async fn idle_connections_are_closed_without_a_word() {
    let mut file = file();
    file.listeners[0].limits.idle = Span::millis(100);
    let rig = Rig::new(&file);
    let mut fresh = rig.connect().await;
    assert_eq!(fresh.rest().await, "");
    let mut used = rig.connect().await;
    used.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert_eq!(used.answer().await.status, 503);
    assert_eq!(used.rest().await, "");
}

#[tokio::test]
async fn a_slow_answer_is_no_idle_connection() {
    let backend = Backend::start(|_| Act::Hang).await;
    let mut file = file();
    file.listeners[0].limits.idle = Span::millis(50);
    file.listeners[0].routes[0].timeout = Span::millis(400);
    file.listeners[0].routes[0].try_timeout = Span::millis(400);
    file.listeners[0].routes[0].retry = None;
    let rig = Rig::with(&file, &[&backend]);
    assert_eq!(rig.get("/").await.status, 504);
}

#[tokio::test]
async fn pausing_bodies_are_cut() {
    let backend = Backend::start(|_| ok("x")).await;
    let mut file = file();
    file.listeners[0].limits.body_pause = Span::millis(100);
    let rig = Rig::with(&file, &[&backend]);
    let mut plain = rig.connect().await;
    plain
        .send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc")
        .await;
    assert_eq!(plain.answer().await.status, 408);
    plain.ends().await;
    let route = rig.settled().await;
    assert_eq!((route.refused, route.requests), (1, 1));
    assert_eq!(rig.counters().endpoints[0].report.failures(), 0);
}

/// Sends a body in pieces, ten times a second, and says how that was answered.
async fn dripping(rig: &Rig, piece: &[u8], pieces: usize) -> u16 {
    let mut plain = rig.connect().await;
    let length = piece.len() * pieces;
    let head = format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n");
    plain.send(head.as_bytes()).await;
    let (read, mut write) = plain.stream.split();
    for _ in 0..pieces {
        tokio::time::sleep(Duration::from_millis(100)).await;
        write.write_all(piece).await.ok();
        if read
            .ready(Interest::READABLE.add(Interest::WRITABLE))
            .await
            .unwrap()
            .is_readable()
        {
            break;
        }
    }
    plain.answer().await.status
}

#[tokio::test]
async fn bodies_have_a_least_rate() {
    let backend = Backend::start(|_| ok("x")).await;
    let mut file = file();
    file.listeners[0].limits.body_rate_min = Bytes(1_000);
    file.listeners[0].routes[0].timeout = Span::secs(60);
    file.listeners[0].routes[0].try_timeout = Span::secs(60);
    let rig = Rig::with(&file, &[&backend]);
    let (fast, slow) = tokio::join!(dripping(&rig, &[b'x'; 500], 120), dripping(&rig, b"x", 150));
    assert_eq!((fast, slow), (200, 408));
    let route = rig.settled().await;
    assert_eq!((route.ok, route.refused), (1, 1));
    assert_eq!(rig.counters().endpoints[0].report.failures(), 0);
}

#[tokio::test]
async fn an_endpoint_that_has_answered_may_not_keep_the_rest_waiting() {
    let endpoint = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = endpoint.local_addr().unwrap();
    let mut file = file();
    file.listeners[0].limits.body_pause = Span::millis(300);
    file.listeners[0].limits.body_size = Bytes(1 << 40);
    let rig = Rig::new(&file);
    rig.publish(&[address]);
    let deaf = tokio::spawn(async move {
        let (mut stream, _) = endpoint.accept().await.unwrap();
        stream.read_exact(&mut [0; 64]).await.unwrap();
        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
        stream.write_all(answer).await.unwrap();
        stream
    });
    let mut plain = rig.connect().await;
    plain
        .send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000000\r\n\r\n")
        .await;
    assert_eq!(plain.answer().await.body, "ok");
    soon("the connection ends", async {
        let piece = vec![b'x'; 64 << 10];
        while plain.stream.write_all(&piece).await.is_ok() {}
    })
    .await;
    drop(deaf.await);
    assert_eq!(rig.settled().await.ok, 1);
}

#[tokio::test]
async fn a_slow_upload_does_not_spend_the_endpoints_time() {
    let backend = Backend::start(|_| ok("x")).await;
    let mut file = file();
    file.listeners[0].routes[0].try_timeout = Span::millis(100);
    file.listeners[0].routes[0].timeout = Span::millis(1_000);
    let rig = Rig::with(&file, &[&backend]);
    let mut plain = rig.connect().await;
    plain
        .send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\n")
        .await;
    for _ in 0..3 {
        tokio::time::sleep(Duration::from_millis(80)).await;
        plain.send(b"ab").await;
    }
    assert_eq!(plain.answer().await.status, 200);
    // The route's time is for all of it.
    plain
        .send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\nab")
        .await;
    assert_eq!(plain.answer().await.status, 408);
    let route = rig.settled().await;
    assert_eq!((route.ok, route.refused), (1, 1));
    assert_eq!(rig.counters().endpoints[0].report.failures(), 0);
}

#[tokio::test]
async fn clients_that_do_not_read_are_cut() {
    let large = "z".repeat(8 << 20);
    let backend = Backend::start(move |_| ok(&large)).await;
    let mut file = file();
    file.listeners[0].limits.body_pause = Span::millis(200);
    file.listeners[0].limits.body_size = Bytes(1);
    let rig = Rig::with(&file, &[&backend]);
    let mut plain = rig.connect().await;
    plain.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert_eq!(rig.settled_with_requests(1).await.cancelled, 1);
}

impl Rig {
    async fn settled_with_requests(&self, count: u64) -> ninefold_gateway::RouteCounters {
        until("the request ends", || async {
            let route = self.settled().await;
            (route.requests == count).then_some(route)
        })
        .await
    }
}

#[tokio::test]
async fn connections_are_limited_over_all_threads() {
    let mut file = file();
    file.listeners[0].limits.connections = 3;
    let rig = Rig::new(&file);
    let mut open = Vec::new();
    for _ in 0..3 {
        let mut plain = rig.connect().await;
        plain.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
        assert_eq!(plain.answer().await.status, 503);
        open.push(plain);
    }
    let mut beyond = rig.connect().await;
    assert_eq!(beyond.rest().await, "");
    let listener = rig.counters().listeners.remove(0);
    assert_eq!((listener.connections_open, listener.refused), (3, 1));
    assert_eq!(open.len(), 3);
    drop(open);
    until("places are free again", || async {
        (rig.counters().listeners[0].connections_open == 0).then_some(())
    })
    .await;
    assert_eq!(rig.get("/").await.status, 503);
}

#[tokio::test]
async fn many_idle_connections_are_cheap() {
    fn resident_kib() -> u64 {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let line = status
            .lines()
            .find(|line| line.starts_with("VmRSS:"))
            .unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }
    let mut files = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    files.current = files.maximum;
    rustix::process::setrlimit(rustix::process::Resource::Nofile, files).unwrap();
    let rig = Rig::new(&file());
    let before = resident_kib();
    let mut open: Vec<Plain> = Vec::new();
    for _ in 0..1_000 {
        open.push(rig.connect().await);
    }
    until("all are accepted", || async {
        (rig.counters().listeners[0].connections_open == 1_000).then_some(())
    })
    .await;
    let each = resident_kib().saturating_sub(before) / 1_000;
    assert!(
        each < 40,
        "{each} KiB for each connection, both ends and other tests included"
    );
    assert_eq!(rig.get("/").await.status, 503);
    assert_eq!(open.len(), 1_000);
}

/// Each client has its own share, and hears when to come again.
#[tokio::test]
async fn who_comes_too_often_is_told_when_to_come_again() {
    let backend = Backend::start(|_| ok("x")).await;
    let mut file = file();
    file.listeners[0].routes[0].rate_limit = Some(RateLimit {
        rate: Rate::millihertz(10),
        burst: 2,
        by: LimitBy::Header("x-tenant".to_owned()),
        keys: 100,
    });
    let rig = Rig::with(&file, &[&backend]);
    let get = async |tenant: &str| {
        let tenant = if tenant.is_empty() {
            String::new()
        } else {
            format!("X-Tenant: {tenant}\r\n")
        };
        rig.once(&format!("GET / HTTP/1.1\r\nHost: a\r\n{tenant}\r\n"))
            .await
    };
    for tenant in ["a", "b", ""] {
        assert_eq!(get(tenant).await.status, 200);
        assert_eq!(get(tenant).await.status, 200);
        let refused = get(tenant).await;
        assert_eq!(refused.status, 429, "{tenant}");
        let after: u64 = refused.header("retry-after").unwrap().parse().unwrap();
        assert!((80..=100).contains(&after), "{after}");
    }
    let route = rig.settled().await;
    assert_eq!((route.ok, route.refused, route.rate_limited), (6, 3, 3));
    assert_eq!(backend.requests().len(), 6);
}

/// Two connections are all that an endpoint may have, whoever wants one.
#[tokio::test]
async fn an_endpoint_has_no_more_connections_than_the_file_allows() {
    let release = Arc::new(tokio::sync::Notify::new());
    let theirs = Arc::clone(&release);
    let backend = Backend::start(move |seen| match ok("x") {
        Act::Answer(bytes) if seen.head.contains("/hold") => {
            Act::AnswerWhen(Arc::clone(&theirs), bytes)
        }
        answer => answer,
    })
    .await;
    let mut file = file();
    file.threads = NonZeroU16::new(1);
    file.services.values_mut().next().unwrap().connections = Some(2);
    file.listeners[0].routes[0].retry = None;
    let rig = Rig::with(&file, &[&backend]);
    let mut held = Vec::new();
    for count in 1..=2 {
        let mut plain = rig.connect().await;
        plain.send(b"GET /hold HTTP/1.1\r\nHost: a\r\n\r\n").await;
        until("it is there", || async {
            (backend.requests().len() == count).then_some(())
        })
        .await;
        held.push(plain);
    }
    let refused = rig.get("/").await;
    let reason = refused.header("x-ninefold-reason").unwrap();
    assert_eq!((refused.status, &*reason), (503, "gateway/connections"));
    release.notify_waiters();
    for plain in &mut held {
        assert_eq!(plain.answer().await.status, 200);
    }
    for _ in 0..5 {
        assert_eq!(rig.get("/").await.status, 200, "a kept one serves again");
    }
    let endpoint = rig.counters().endpoints.remove(0);
    assert_eq!(endpoint.connects, 2);
    assert_eq!(endpoint.report.connect_failed, 0, "that is not its fault");
}
