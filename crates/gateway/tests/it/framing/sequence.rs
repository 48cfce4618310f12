//! Several requests on one connection, and HTTP/1.0.

use super::rows::{Row, run};

#[rustfmt::skip]
const SEQUENCES: &[Row] = &[
    ("9112 9.3.2", "answers come in the order of requests", "GET /1 HTTP/1.1↵Host: a↵↵GET /2 HTTP/1.1↵Host: a↵↵GET /3 HTTP/1.1↵Host: a↵↵", "200 200 200", "GET /1 HTTP/1.1↵host: a↵↵GET /2 HTTP/1.1↵host: a↵↵GET /3 HTTP/1.1↵host: a↵↵"),
    ("9112 9.3.2", "bodies between requests", "POST /1 HTTP/1.1↵Host: a↵Transfer-Encoding: chunked↵↵1↵a↵0↵↵POST /2 HTTP/1.1↵Host: a↵Content-Length: 1↵↵b", "200 200", "POST /1 HTTP/1.1↵host: a↵transfer-encoding: chunked↵↵1↵a↵0↵↵POST /2 HTTP/1.1↵content-length: 1↵host: a↵↵b"),
    ("9112 2.2", "an empty line between requests", "GET /1 HTTP/1.1↵Host: a↵↵↵GET /2 HTTP/1.1↵Host: a↵↵", "200 200", "GET /1 HTTP/1.1↵host: a↵↵GET /2 HTTP/1.1↵host: a↵↵"),
    ("9112 2.2", "a CRLF that an old client adds to a body", "POST /1 HTTP/1.1↵Host: a↵Content-Length: 1↵↵a↵GET /2 HTTP/1.1↵Host: a↵↵", "200 200", "POST /1 HTTP/1.1↵content-length: 1↵host: a↵↵aGET /2 HTTP/1.1↵host: a↵↵"),
    ("9112 9.3", "a bad request behind a good one", "GET /1 HTTP/1.1↵Host: a↵↵GET /2 HTTP/1.1\nHost: a\n\n", "200 400 close", "GET /1 HTTP/1.1↵host: a↵↵"),
    ("9112 9.3", "nothing is read behind a bad request", "GET /1 HTTP/1.1↵↵GET /2 HTTP/1.1↵Host: a↵↵", "400 close", ""),
    ("9112 9.3", "noise behind a body", "POST /1 HTTP/1.1↵Host: a↵Content-Length: 1↵↵a{}↵", "200 400 close", "POST /1 HTTP/1.1↵content-length: 1↵host: a↵↵a"),
    ("9112 9.6", "nothing is read behind the last request", "GET /1 HTTP/1.1↵Host: a↵Connection: close↵↵GET /2 HTTP/1.1↵Host: a↵↵", "200 close", "GET /1 HTTP/1.1↵host: a↵↵"),
    ("9110 9.3.2", "HEAD has a length and no body", "HEAD /1 HTTP/1.1↵Host: a↵↵GET /2 HTTP/1.1↵Host: a↵↵", "200 200", "HEAD /1 HTTP/1.1↵host: a↵↵GET /2 HTTP/1.1↵host: a↵↵"),
    ("9112 9.6", "a client that has said all", "GET /1 HTTP/1.1↵Host: a↵↵⊣", "200 close", "GET /1 HTTP/1.1↵host: a↵↵"),
];

#[rustfmt::skip]
const OLD: &[Row] = &[
    ("9112 9.3", "HTTP/1.0 is answered once", "GET / HTTP/1.0↵Host: a↵↵GET /2 HTTP/1.0↵Host: a↵↵", "200 close", "GET / HTTP/1.1↵host: a↵↵"),
    ("9112 9.3", "unless it asks to be kept", "GET / HTTP/1.0↵Host: a↵Connection: keep-alive↵↵GET /2 HTTP/1.0↵Host: a↵↵", "200 200 close", "GET / HTTP/1.1↵host: a↵↵GET /2 HTTP/1.1↵host: a↵↵"),
    ("9112 3.2", "no Host: the endpoint's address", "GET / HTTP/1.0↵↵", "200 close", "GET / HTTP/1.1↵host: UPSTREAM↵↵"),
    ("9112 3.2", "two Host, here too", "GET / HTTP/1.0↵Host: a↵Host: a↵↵", "400 close", ""),
    ("9112 3.2.2", "absolute form names the host", "GET http://b/x HTTP/1.0↵↵", "200 close", "GET /x HTTP/1.1↵host: b↵↵"),
    ("9112 6.3", "a body by its length", "POST / HTTP/1.0↵Host: a↵Content-Length: 3↵↵abc", "200 close", "POST / HTTP/1.1↵content-length: 3↵host: a↵↵abc"),
    ("9112 6.3", "no body by the end of the connection", "POST / HTTP/1.0↵Host: a↵↵abc⊣", "200 close", "POST / HTTP/1.1↵host: a↵↵"),
];

#[tokio::test]
async fn sequences() {
    run(SEQUENCES).await;
}

#[tokio::test]
async fn http_1_0() {
    run(OLD).await;
}
