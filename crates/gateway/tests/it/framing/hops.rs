//! What is meant for one hop only, expectations and upgrades.

use super::rows::{Row, run};

#[rustfmt::skip]
const HOPS: &[Row] = &[
    ("9110 7.6.1", "what Connection names ends here", "GET / HTTP/1.1↵Host: a↵Connection: X-A , keep-alive,x-b↵X-A: 1↵X-B: 2↵X-C: 3↵↵", "200", "GET / HTTP/1.1↵host: a↵x-c: 3↵↵"),
    ("9110 7.6.1", "in several lines", "GET / HTTP/1.1↵Host: a↵Connection: x-a↵Connection: x-b↵X-A: 1↵X-B: 2↵↵", "200", "GET / HTTP/1.1↵host: a↵↵"),
    ("9110 7.6.1", "Host stays whatever it names", "GET / HTTP/1.1↵Host: a↵Connection: host, content-length↵↵", "200", "GET / HTTP/1.1↵host: a↵↵"),
    ("9110 7.6.1", "the ids stay whatever it names", "GET / HTTP/1.1↵Host: a↵Connection: x-forwarded-for, x-request-id, via, x-deadline-ms↵↵", "200", "GET / HTTP/1.1↵host: a↵↵"),
    ("9110 7.6.1", "no list of options", "GET / HTTP/1.1↵Host: a↵Connection: a b↵↵", "400 close", ""),
    ("9110 7.6.1", "an option outside of ASCII", "GET / HTTP/1.1↵Host: a↵Connection: x-a, \u{e9}↵X-A: 1↵↵", "400 close", ""),
    ("9110 7.6.1", "Keep-Alive and Proxy-Connection", "GET / HTTP/1.1↵Host: a↵Keep-Alive: timeout=5↵Proxy-Connection: close↵↵", "200", "GET / HTTP/1.1↵host: a↵↵"),
    ("9110 10.1.4", "of TE only trailers pass", "GET / HTTP/1.1↵Host: a↵Connection: TE↵TE: gzip;q=1, trailers↵↵", "200", "GET / HTTP/1.1↵host: a↵te: trailers↵↵"),
    ("9110 10.1.4", "other codings do not", "GET / HTTP/1.1↵Host: a↵Connection: TE↵TE: deflate↵↵", "200", "GET / HTTP/1.1↵host: a↵↵"),
    ("9110 10.1.4", "nor what only contains the word", "GET / HTTP/1.1↵Host: a↵Connection: TE↵TE: x-trailers-y↵↵", "200", "GET / HTTP/1.1↵host: a↵↵"),
    ("9110 7.6.3", "what a client says of proxies before", "GET / HTTP/1.1↵Host: a↵Via: 1.0 x↵X-Forwarded-For: 6.6.6.6↵Forwarded: for=6.6.6.6↵X-Real-IP: 6.6.6.6↵↵", "200", "GET / HTTP/1.1↵host: a↵via: 1.0 x↵↵"),
    ("9112 9.6", "Connection: close", "GET / HTTP/1.1↵Host: a↵Connection: close↵↵", "200 close", "GET / HTTP/1.1↵host: a↵↵"),
    ("9112 9.6", "close beside keep-alive", "GET / HTTP/1.1↵Host: a↵Connection: keep-alive, CLOSE↵↵GET /b HTTP/1.1↵Host: a↵↵", "200 close", "GET / HTTP/1.1↵host: a↵↵"),
    ("9110 10.1.1", "a body that waits to be asked for", "POST / HTTP/1.1↵Host: a↵Expect: 100-continue↵Content-Length: 3↵↵abc", "100 200", "POST / HTTP/1.1↵content-length: 3↵host: a↵↵abc"),
    ("9110 10.1.1", "an expectation in HTTP/1.0 is none", "POST / HTTP/1.0↵Expect: 100-continue↵Content-Length: 3↵↵abc", "200 close", "POST / HTTP/1.1↵content-length: 3↵host: UPSTREAM↵↵abc"),
    ("9110 10.1.1", "an expectation that nobody knows", "GET / HTTP/1.1↵Host: a↵Expect: x↵↵", "200", "GET / HTTP/1.1↵host: a↵↵"),
];

#[rustfmt::skip]
const UPGRADES: &[Row] = &[
    ("9110 7.8", "asked for and granted", "GET /tunnel HTTP/1.1↵Host: a↵Connection: Upgrade↵Upgrade: websocket↵↵GET / HTTP/1.1↵↵", "101 GET / HTTP/1.1↵↵ close", "GET /tunnel HTTP/1.1↵connection: upgrade↵host: a↵upgrade: websocket↵↵GET / HTTP/1.1↵↵"),
    ("9110 7.8", "asked for and not granted", "GET / HTTP/1.1↵Host: a↵Connection: upgrade↵Upgrade: websocket↵↵GET /b HTTP/1.1↵Host: a↵↵", "200 200", "GET / HTTP/1.1↵connection: upgrade↵host: a↵upgrade: websocket↵↵GET /b HTTP/1.1↵host: a↵↵"),
    ("9110 7.8", "without Connection", "GET / HTTP/1.1↵Host: a↵Upgrade: websocket↵↵", "200", "GET / HTTP/1.1↵host: a↵↵"),
    ("9110 7.8", "without Upgrade", "GET / HTTP/1.1↵Host: a↵Connection: upgrade↵↵", "200", "GET / HTTP/1.1↵host: a↵↵"),
    ("9110 7.8", "in HTTP/1.0", "GET / HTTP/1.0↵Host: a↵Connection: upgrade↵Upgrade: websocket↵↵", "200 close", "GET / HTTP/1.1↵host: a↵↵"),
    ("9113 3.1", "h2c would be a tunnel past the gateway", "GET / HTTP/1.1↵Host: a↵Connection: Upgrade, HTTP2-Settings↵Upgrade: h2c↵HTTP2-Settings: AAMAAABkAAQAAP__↵↵", "200", "GET / HTTP/1.1↵host: a↵↵"),
    ("9113 3.1", "h2c in other words", "GET / HTTP/1.1↵Host: a↵Connection: Upgrade↵Upgrade: H2C↵↵", "200", "GET / HTTP/1.1↵host: a↵↵"),
    ("9113 3.1", "h2c second in a list", "GET / HTTP/1.1↵Host: a↵Connection: Upgrade↵Upgrade: websocket, h2c↵↵", "200", "GET / HTTP/1.1↵host: a↵↵"),
    ("9113 3.1", "h2c in a second line", "GET / HTTP/1.1↵Host: a↵Connection: Upgrade↵Upgrade: websocket↵Upgrade: h2c↵↵", "200", "GET / HTTP/1.1↵host: a↵↵"),
    ("9113 3.1", "settings of HTTP/2 alone are a header", "GET / HTTP/1.1↵Host: a↵HTTP2-Settings: AAMA↵↵", "200", "GET / HTTP/1.1↵host: a↵http2-settings: AAMA↵↵"),
    ("9110 7.8", "behind a body", "POST / HTTP/1.1↵Host: a↵Connection: Upgrade↵Upgrade: websocket↵Content-Length: 3↵↵abc", "200", "POST / HTTP/1.1↵content-length: 3↵host: a↵↵abc"),
];

#[tokio::test]
async fn hops() {
    run(HOPS).await;
}

#[tokio::test]
async fn upgrades() {
    run(UPGRADES).await;
}
