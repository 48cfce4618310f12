//! Requests in HTTP/1 that endpoints get in HTTP/2: what a client sends cannot make an endpoint look
//! bad, for which it would be ejected.

use std::convert::Infallible;
use std::net::SocketAddr;

use futures_util::StreamExt;
use http::{Response, Version};
use http_body_util::StreamBody;
use hyper::body::{Bytes, Frame};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use ninefold_config::model::ServiceProtocol;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::normal::wire;
use super::rows::{blameless, one_thread};
use crate::http2::{Endpoint, text};
use crate::rig::{Rig, until};

/// Section, what is special, what the client sends, and the status that it gets; a client that has
/// nothing more to send closes its side at a `⊣`.
type Row = (&'static str, &'static str, &'static str, u16);

#[rustfmt::skip]
const ROWS: &[Row] = &[
    ("9112 3", "as simple as it gets", "GET / HTTP/1.1↵Host: a↵↵", 200),
    ("9113 8.3.1", "every character of a name", "GET / HTTP/1.1↵Host: a!$&'()*+,;=~-._b:80↵↵", 200),
    ("9113 8.3.1", "an address of IPv6", "GET / HTTP/1.1↵Host: [1:2:3:4:5:6:1.2.3.4]:80↵↵", 200),
    ("9113 8.3.1", "an empty port", "GET / HTTP/1.1↵Host: a:↵↵", 200),
    ("9113 8.3.1", "a port that is none", "GET / HTTP/1.1↵Host: a:99999↵↵", 200),
    ("9113 8.3.1", "an escape in a name", "GET / HTTP/1.1↵Host: a%20b↵↵", 400),
    ("9113 8.3.1", "no Host", "GET / HTTP/1.0↵↵", 200),
    ("9113 8.3.1", "the asterisk", "OPTIONS * HTTP/1.1↵Host: a↵↵", 200),
    ("9113 8.3.1", "a query without a path", "GET http://a?x HTTP/1.1↵Host: a↵↵", 200),
    ("3986 3.3", "characters that belong into no path", "GET /a\"{}|\\^b HTTP/1.1↵Host: a↵↵", 200),
    ("3986 3.4", "characters that belong into no query", "GET /?a{}|\\^`b HTTP/1.1↵Host: a↵↵", 200),
    ("9110 5.6.2", "every character of a token", "!#$%&'*+-.^_`|~ / HTTP/1.1↵Host: a↵!#$%&'*+-.^_`|~09: x↵↵", 200),
    ("9110 5.5", "a byte outside of ASCII", "GET / HTTP/1.1↵Host: a↵X: caf\u{e9}↵↵", 200),
    ("9113 8.2.2", "what is for one hop", "GET / HTTP/1.1↵Host: a↵Connection: x-a, keep-alive↵X-A: 1↵Keep-Alive: 5↵Proxy-Connection: close↵TE: gzip, trailers↵↵", 200),
    ("9110 7.8", "a wish to upgrade", "GET / HTTP/1.1↵Host: a↵Connection: upgrade↵Upgrade: websocket↵↵", 200),
    ("9113 8.1.1", "a length that is right", "POST / HTTP/1.1↵Host: a↵Content-Length: 3↵↵abc", 200),
    ("9113 8.1.1", "a length of 0", "POST / HTTP/1.1↵Host: a↵Content-Length: 0↵↵", 200),
    ("9112 7.1", "chunks", "POST / HTTP/1.1↵Host: a↵Transfer-Encoding: chunked↵↵3↵abc↵0↵↵", 200),
    ("9113 8.1", "a trailer", "POST / HTTP/1.1↵Host: a↵Trailer: X-Sum↵Transfer-Encoding: chunked↵↵3↵abc↵0↵X-Sum: 1↵↵", 200),
    ("9110 6.5", "a trailer that was not announced", "POST / HTTP/1.1↵Host: a↵Transfer-Encoding: chunked↵↵3↵abc↵0↵X-Sum: 1↵↵", 200),
    ("9113 8.2.2", "trailers for one hop", "POST / HTTP/1.1↵Host: a↵Trailer: Keep-Alive, Proxy-Connection, Upgrade, TE↵Transfer-Encoding: chunked↵↵3↵abc↵0↵Keep-Alive: 5↵Proxy-Connection: x↵Upgrade: x↵TE: x↵↵", 200),
    ("9112 7.1", "chunks that are none", "POST / HTTP/1.1↵Host: a↵Transfer-Encoding: chunked↵↵3↵abc↵x↵", 400),
    ("9112 8", "the client leaves within the body", "POST / HTTP/1.1↵Host: a↵Content-Length: 5↵↵abc⊣", 400),
    ("9112 8", "the client leaves within the chunks", "POST / HTTP/1.1↵Host: a↵Transfer-Encoding: chunked↵↵3↵abc↵⊣", 400),
];

#[tokio::test]
async fn nobody_else_is_to_blame() {
    let endpoint = Endpoint::start(None, |_| async { text("hello") }).await;
    let mut file = one_thread();
    file.services.values_mut().next().unwrap().protocol = ServiceProtocol::Http2;
    let rig = Rig::new(&file);
    rig.publish(&[endpoint.address]);
    let mut wrong = String::new();
    for (rfc, what, sends, status) in ROWS {
        let mut plain = rig.connect().await;
        let bytes = sends.trim_end_matches('⊣');
        plain.send(&wire(bytes)).await;
        if bytes.len() < sends.len() {
            plain.stream.shutdown().await.unwrap();
        }
        let got = plain.answer().await.status;
        if got != *status {
            wrong += &format!("\nRFC {rfc}, {what}: {got}, expected {status}");
        }
        assert_eq!(rig.get("/after").await.status, 200, "{what}");
        blameless(&rig, sends);
    }
    assert_eq!(wrong, "");
    for seen in endpoint.seen() {
        assert_eq!(seen.head.version, Version::HTTP_2);
        let headers = &seen.head.headers;
        for name in [
            "connection",
            "keep-alive",
            "proxy-connection",
            "upgrade",
            "x-a",
        ] {
            assert!(!headers.contains_key(name), "{headers:?}");
        }
        assert!(
            headers.get("te").is_none_or(|te| te == "trailers"),
            "{headers:?}"
        );
    }
}

/// An endpoint that begins to answer before it has the body, and breaks off when that does.
async fn hasty<F: Future<Output = ()> + Send + 'static>(
    serve: impl Fn(TcpStream) -> F + Send + 'static,
) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream));
        }
    });
    address
}

async fn hasty_http1(mut stream: TcpStream) {
    let mut seen = Vec::new();
    while !seen.windows(4).any(|four| four == b"\r\n\r\n") {
        stream.read_buf(&mut seen).await.unwrap();
    }
    let begun = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n";
    stream.write_all(begun).await.unwrap();
    while stream
        .read_buf(&mut seen)
        .await
        .is_ok_and(|count| count > 0)
    {}
}

async fn hasty_http2(stream: TcpStream) {
    let service = service_fn(|_| async {
        let first = Ok::<_, Infallible>(Frame::data(Bytes::from_static(b"abc")));
        let first = futures_util::stream::iter([first]);
        let body = StreamBody::new(first.chain(futures_util::stream::pending()));
        Ok::<_, Infallible>(Response::new(body))
    });
    let builder = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
    drop(
        builder
            .serve_connection(TokioIo::new(stream), service)
            .await,
    );
}

#[tokio::test]
async fn a_body_that_fails_while_the_answer_comes() {
    for protocol in [ServiceProtocol::Http1, ServiceProtocol::Http2] {
        let address = match protocol {
            ServiceProtocol::Http1 => hasty(hasty_http1).await,
            ServiceProtocol::Http2 => hasty(hasty_http2).await,
        };
        let mut file = one_thread();
        file.services.values_mut().next().unwrap().protocol = protocol;
        let rig = Rig::new(&file);
        rig.publish(&[address]);
        let mut plain = rig.connect().await;
        plain
            .send(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
            .await;
        assert_eq!(plain.head().await.unwrap().status, 200, "{protocol:?}");
        plain.send(b"no chunk\r\n").await;
        plain.ends().await;
        let route = until("the request ends", || async {
            let route = rig.settled().await;
            (route.requests == 1).then_some(route)
        })
        .await;
        assert_eq!((route.ok, route.failed), (0, 0), "{protocol:?}");
        blameless(&rig, &format!("{protocol:?}"));
    }
}
