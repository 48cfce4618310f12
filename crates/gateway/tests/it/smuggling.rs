//! Ambiguous requests: what reaches the upstream, byte for byte.

use crate::backend::{Act, Backend, ok};
use crate::rig::{Rig, file};

/// Requests that two parsers may read differently, with the status that they are refused with.
const AMBIGUOUS: &[(&str, u16)] = &[
    (
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nG",
        400,
    ),
    (
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 6\r\n\r\n0\r\n\r\nG",
        400,
    ),
    (
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n12345G",
        400,
    ),
    (
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n12345",
        400,
    ),
    (
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5,5\r\n\r\n12345",
        400,
    ),
    (
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\n12345",
        400,
    ),
    (
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        400,
    ),
    (
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        400,
    ),
    (
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
        400,
    ),
    (
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n",
        400,
    ),
    (
        "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        400,
    ),
    (
        "POST / HTTP/1.1\r\nHost: a\nContent-Length: 5\r\n\r\n12345",
        400,
    ),
    ("GET / HTTP/1.1\nHost: a\n\n", 400),
    ("GET / HTTP/1.1\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
    ("GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n", 400),
    (
        "GET / HTTP/1.1\r\nHost: a\r\nX: a\rTransfer-Encoding: chunked\r\n\r\n",
        400,
    ),
    ("GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("GET / HTTP/3.0\r\nHost: a\r\n\r\n", 505),
    ("CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n", 405),
    ("\x16\x03\x01\x02\0\x01\0\x01\u{7f}\u{7f}", 400),
];

#[tokio::test]
async fn ambiguous_requests_reach_nobody() {
    let backend = Backend::start(|_| ok("x")).await;
    let rig = Rig::with(&file(), &[&backend]);
    for (index, (request, status)) in AMBIGUOUS.iter().enumerate() {
        let mut plain = rig.connect().await;
        plain.send(request.as_bytes()).await;
        let answer = plain.answer().await;
        assert_eq!(answer.status, *status, "{request:?}");
        assert_eq!(answer.header("connection").unwrap(), "close");
        assert_eq!(plain.rest().await, "", "{request:?}");
        let none = crate::rig::until("the refusal is counted", || async {
            let none = rig.counters().routes.pop().unwrap();
            (none.refused == index as u64 + 1).then_some(none)
        });
        assert_eq!(none.await.requests, index as u64 + 1);
    }
    assert_eq!(backend.raw.lock().unwrap().as_slice(), b"");
}

#[tokio::test]
async fn an_answer_under_way_ends_well_before_the_refusal() {
    let backend = Backend::start(|_| ok("first")).await;
    let rig = Rig::with(&file(), &[&backend]);
    let mut plain = rig.connect().await;
    plain.send(b"GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\nHost: a\r\nAccept: application/json\r\n\r\n").await;
    assert_eq!(plain.answer().await.body, "first");
    let refused = plain.answer().await;
    assert_eq!(refused.status, 400);
    assert_eq!(refused.header("x-ninefold-reason").unwrap(), "client/head");
    let body: serde_json::Value = serde_json::from_str(&refused.body).unwrap();
    assert_eq!(body["detail"], "a line does not end with CRLF");
    plain.ends().await;
    let raw = String::from_utf8(backend.raw.lock().unwrap().clone()).unwrap();
    assert!(raw.starts_with("GET /1 ") && !raw.contains("/2"), "{raw}");
}

#[tokio::test]
async fn malformed_chunks_end_the_request() {
    for chunks in [
        "3\nabc\r\n0\r\n\r\n",
        "3\r\nabcd\r\n0\r\n\r\n",
        "0x3\r\nabc\r\n",
        "3\r\nabc\r\n0\r\nHost: b\r\n\r\n",
    ] {
        let backend = Backend::start(|_| ok("x")).await;
        let rig = Rig::with(&file(), &[&backend]);
        let mut plain = rig.connect().await;
        plain
            .send(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
            .await;
        plain.send(chunks.as_bytes()).await;
        let text = plain.rest().await;
        assert!(
            text.starts_with("HTTP/1.1 400 ") || text.is_empty(),
            "{chunks:?}: {text}"
        );
        assert_eq!(backend.requests().len(), 0, "{chunks:?}");
        let route = rig.settled().await;
        assert_eq!(route.ok, 0, "{chunks:?}");
    }
}

#[tokio::test]
async fn what_passes_is_written_anew() {
    let backend = Backend::start(|_| ok("x")).await;
    let rig = Rig::with(&file(), &[&backend]);
    rig.once("POST /p HTTP/1.1\r\nhOsT:a\r\nX-A:   b \r\nTransfer-Encoding: chunked\r\n\r\n4;e=\"x\"\r\nabcd\r\n0\r\n\r\n")
        .await;
    let raw = String::from_utf8(backend.raw.lock().unwrap().clone()).unwrap();
    let (head, body) = raw.split_once("\r\n\r\n").unwrap();
    assert!(
        head.starts_with("POST /p HTTP/1.1\r\n") && head.contains("\r\nx-a: b\r\n"),
        "{head}"
    );
    assert_eq!(body, "4\r\nabcd\r\n0\r\n\r\n");
}

#[tokio::test]
async fn garbage_closes_and_the_gateway_goes_on() {
    let backend = Backend::start(|_| ok("x")).await;
    let rig = Rig::with(&file(), &[&backend]);
    let mut seed = 7u64;
    for _ in 0..200 {
        let noise: Vec<u8> = (0..64)
            .map(|_| {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                (seed >> 56) as u8
            })
            .collect();
        let mut plain = rig.connect().await;
        plain.send(&noise).await;
        tokio::io::AsyncWriteExt::shutdown(&mut plain.stream)
            .await
            .ok();
        plain.ends().await;
    }
    assert_eq!(rig.get("/").await.status, 200);
}

#[tokio::test]
async fn targets_that_hyper_would_refuse_are_refused_and_counted() {
    let backend = Backend::start(|_| ok("x")).await;
    let rig = Rig::with(&file(), &[&backend]);
    let (mut passed, mut refused) = (0, 0);
    for byte in (b'!'..=b'~').map(char::from) {
        for target in [format!("/a{byte}b"), format!("/?a{byte}b")] {
            let request = format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n");
            let answer = rig.once(&request).await;
            match answer.status {
                200 => passed += 1,
                400 => refused += 1,
                other => panic!("{target}: {other}"),
            }
        }
    }
    let absolute = "GET http://a%20b/ HTTP/1.1\r\nHost: a%20b\r\n\r\n";
    assert_eq!(rig.once(absolute).await.status, 400);
    let none = crate::rig::until("the refusals are counted", || async {
        let none = rig.counters().routes.pop().unwrap();
        (none.refused == refused + 1).then_some(none)
    });
    assert_eq!(none.await.requests, refused + 1);
    assert_eq!(refused, 8, "# < > in both, ` in a path, \" in a query");
    assert_eq!(rig.settled().await.ok, passed);
}

#[tokio::test]
async fn answers_that_two_parsers_read_differently_are_bad_gateways() {
    for framing in [
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\na\r\n0123456789\r\n0\r\n\r\n",
        "Transfer-Encoding: gzip, chunked\r\n\r\n5\r\n01234\r\n0\r\n\r\n",
        "Transfer-Encoding: chunked, gzip\r\n\r\n5\r\n01234\r\n0\r\n\r\n",
        "Content-Length: 5, 5\r\n\r\n01234",
        "Content-Length: 5\r\nContent-Length: 6\r\n\r\n012345",
    ] {
        let answer = format!("HTTP/1.1 200 OK\r\n{framing}").into_bytes();
        let backend = Backend::start(move |_| Act::AnswerAndClose(answer.clone())).await;
        let mut file = file();
        file.listeners[0].routes[0].retry = None;
        let rig = Rig::with(&file, &[&backend]);
        assert_eq!(rig.get("/").await.status, 502, "{framing}");
        assert_eq!(rig.settled().await.failed, 1, "{framing}");
        assert_eq!(rig.counters().endpoints[0].report.reset, 1, "{framing}");
    }
}
