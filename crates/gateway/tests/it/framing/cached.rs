//! Caches: nobody gets what was meant for somebody else, or what somebody else has made of it.

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use ninefold_config::model::{Cache, Span};

use super::normal::{answers, requests, wire};
use super::rows::one_thread;
use crate::backend::{Act, Backend};
use crate::rig::Rig;

/// Section, what is special, the upstream's answers in their order, what clients send, each on a
/// connection of its own, and what each gets; and what reaches the upstream.
type Row = (
    &'static str,
    &'static str,
    &'static [&'static str],
    &'static [(&'static str, &'static [&'static str])],
    &'static [&'static str],
);

// What the upstream answers in most rows.
const ONE: &str = "HTTP/1.1 200 OK↵Content-Length: 3↵↵one";
const TWO: &str = "HTTP/1.1 200 OK↵Content-Length: 3↵↵two";
// What clients get of it: as it is, as it was just kept, and again.
const PASSED_1: &str = "HTTP/1.1 200 OK↵cache-status: ninefold; fwd=miss↵content-length: 3↵↵one";
const PASSED_2: &str = "HTTP/1.1 200 OK↵cache-status: ninefold; fwd=miss↵content-length: 3↵↵two";
const BYPASSED_1: &str =
    "HTTP/1.1 200 OK↵cache-status: ninefold; fwd=bypass↵content-length: 3↵↵one";
const BYPASSED_2: &str =
    "HTTP/1.1 200 OK↵cache-status: ninefold; fwd=bypass↵content-length: 3↵↵two";
const STORED_1: &str =
    "HTTP/1.1 200 OK↵age: #↵cache-status: ninefold; fwd=miss; stored↵content-length: 3↵↵one";
const STORED_2: &str =
    "HTTP/1.1 200 OK↵age: #↵cache-status: ninefold; fwd=miss; stored↵content-length: 3↵↵two";
const AGAIN_1: &str =
    "HTTP/1.1 200 OK↵age: #↵cache-status: ninefold; hit; ttl=#↵content-length: 3↵↵one";
const AGAIN_2: &str =
    "HTTP/1.1 200 OK↵age: #↵cache-status: ninefold; hit; ttl=#↵content-length: 3↵↵two";
// Requests, and how they reach the upstream.
const GET: &str = "GET / HTTP/1.1↵Host: a↵↵";
const REACHED: &str = "GET / HTTP/1.1↵host: a↵↵";

#[rustfmt::skip]
const KEYS: &[Row] = &[
    ("9111 2", "the same again", &[ONE], &[(GET, &[STORED_1]), (GET, &[AGAIN_1])], &[REACHED]),
    ("9111 2", "another host", &[ONE, TWO], &[(GET, &[STORED_1]), ("GET / HTTP/1.1↵Host: b↵↵", &[STORED_2]), (GET, &[AGAIN_1])], &[REACHED, "GET / HTTP/1.1↵host: b↵↵"]),
    ("9110 4.2.3", "the same host in capitals", &[ONE], &[(GET, &[STORED_1]), ("GET / HTTP/1.1↵Host: A↵↵", &[AGAIN_1])], &[REACHED]),
    ("9111 2", "another port", &[ONE, TWO], &[(GET, &[STORED_1]), ("GET / HTTP/1.1↵Host: a:8↵↵", &[STORED_2])], &[REACHED, "GET / HTTP/1.1↵host: a:8↵↵"]),
    ("9112 3.2.2", "the same in absolute form", &[ONE], &[(GET, &[STORED_1]), ("GET http://a/ HTTP/1.1↵Host: a↵↵", &[AGAIN_1])], &[REACHED]),
    ("9112 3.2.2", "an absolute form says the host", &[ONE, TWO], &[("GET http://b/ HTTP/1.0↵↵", &["HTTP/1.0 200 OK↵age: #↵cache-status: ninefold; fwd=miss; stored↵content-length: 3↵↵one"]), (GET, &[STORED_2])], &["GET / HTTP/1.1↵host: b↵↵", REACHED]),
    ("9110 4.2.3", "a path is what its bytes are", &[ONE, TWO], &[("GET /b HTTP/1.1↵Host: a↵↵", &[STORED_1]), ("GET /a/../b HTTP/1.1↵Host: a↵↵", &[STORED_2]), ("GET /b HTTP/1.1↵Host: a↵↵", &[AGAIN_1])], &["GET /b HTTP/1.1↵host: a↵↵", "GET /a/../b HTTP/1.1↵host: a↵↵"]),
    ("9110 4.2.3", "an escaped one is another one", &[ONE, TWO], &[("GET /a/b HTTP/1.1↵Host: a↵↵", &[STORED_1]), ("GET /a%2fb HTTP/1.1↵Host: a↵↵", &[STORED_2])], &["GET /a/b HTTP/1.1↵host: a↵↵", "GET /a%2fb HTTP/1.1↵host: a↵↵"]),
    ("9110 4.2.3", "an ending is no kind of answer", &[ONE, TWO], &[("GET /me HTTP/1.1↵Host: a↵Cookie: s=1↵↵", &[PASSED_1]), ("GET /me/x.css HTTP/1.1↵Host: a↵Cookie: s=1↵↵", &[PASSED_2])], &["GET /me HTTP/1.1↵cookie: s=1↵host: a↵↵", "GET /me/x.css HTTP/1.1↵cookie: s=1↵host: a↵↵"]),
    ("9110 4.2.3", "an empty query is one", &[ONE, TWO], &[("GET /a HTTP/1.1↵Host: a↵↵", &[STORED_1]), ("GET /a? HTTP/1.1↵Host: a↵↵", &[STORED_2])], &["GET /a HTTP/1.1↵host: a↵↵", "GET /a? HTTP/1.1↵host: a↵↵"]),
    ("9110 7.6.3", "what a client says of its way does not count", &[ONE], &[("GET / HTTP/1.1↵Host: a↵X-Forwarded-Host: evil↵X-Forwarded-Proto: https↵X-Forwarded-Port: 1↵Forwarded: host=evil↵X-Real-IP: 9.9.9.9↵↵", &[STORED_1]), (GET, &[AGAIN_1])], &[REACHED]),
];

#[rustfmt::skip]
const PERSONAL: &[Row] = &[
    ("9111 3", "with a cookie", &[ONE, TWO], &[("GET / HTTP/1.1↵Host: a↵Cookie: s=1↵↵", &[PASSED_1]), (GET, &[STORED_2]), ("GET / HTTP/1.1↵Host: a↵Cookie: s=1↵↵", &[PASSED_2]), (GET, &[AGAIN_2])], &["GET / HTTP/1.1↵cookie: s=1↵host: a↵↵", REACHED, "GET / HTTP/1.1↵cookie: s=1↵host: a↵↵"]),
    ("9111 3.5", "with credentials", &[ONE, TWO], &[("GET / HTTP/1.1↵Host: a↵Authorization: Basic eA==↵↵", &[PASSED_1]), (GET, &[STORED_2])], &["GET / HTTP/1.1↵authorization: Basic eA==↵host: a↵↵", REACHED]),
    ("9111 3.5", "with credentials, and for everybody", &["HTTP/1.1 200 OK↵Cache-Control: public, max-age=9↵Content-Length: 3↵↵one"], &[("GET / HTTP/1.1↵Host: a↵Authorization: Basic eA==↵↵", &["HTTP/1.1 200 OK↵age: #↵cache-control: public, max-age=9↵cache-status: ninefold; fwd=miss; stored↵content-length: 3↵↵one"]), (GET, &["HTTP/1.1 200 OK↵age: #↵cache-control: public, max-age=9↵cache-status: ninefold; hit; ttl=#↵content-length: 3↵↵one"])], &["GET / HTTP/1.1↵authorization: Basic eA==↵host: a↵↵"]),
    ("9111 7.3", "it sets a cookie", &["HTTP/1.1 200 OK↵Set-Cookie: s=1↵Content-Length: 3↵↵one", TWO], &[(GET, &["HTTP/1.1 200 OK↵cache-status: ninefold; fwd=miss↵content-length: 3↵set-cookie: s=1↵↵one"]), (GET, &[STORED_2])], &[REACHED, REACHED]),
    ("9111 5.2.2.7", "private, in another line", &["HTTP/1.1 200 OK↵Cache-Control: max-age=9↵Cache-Control: private↵Content-Length: 3↵↵one", TWO], &[(GET, &["HTTP/1.1 200 OK↵cache-control: max-age=9↵cache-control: private↵cache-status: ninefold; fwd=miss↵content-length: 3↵↵one"]), (GET, &[STORED_2])], &[REACHED, REACHED]),
    ("9110 7.6.1", "a cookie that is taken away by Connection", &[ONE], &[("GET / HTTP/1.1↵Host: a↵Cookie: s=1↵Connection: close, cookie↵↵", &[STORED_1]), (GET, &[AGAIN_1])], &[REACHED]),
    ("9111 4.1", "Vary", &["HTTP/1.1 200 OK↵Vary: X-Kind↵Content-Length: 3↵↵one", "HTTP/1.1 200 OK↵Vary: X-Kind↵Content-Length: 3↵↵two"], &[("GET / HTTP/1.1↵Host: a↵X-Kind: 1↵↵", &["HTTP/1.1 200 OK↵age: #↵cache-status: ninefold; fwd=miss; stored↵content-length: 3↵vary: X-Kind↵↵one"]), (GET, &["HTTP/1.1 200 OK↵age: #↵cache-status: ninefold; fwd=miss; stored↵content-length: 3↵vary: X-Kind↵↵two"]), ("GET / HTTP/1.1↵Host: a↵x-kind: 1↵↵", &["HTTP/1.1 200 OK↵age: #↵cache-status: ninefold; hit; ttl=#↵content-length: 3↵vary: X-Kind↵↵one"])], &["GET / HTTP/1.1↵host: a↵x-kind: 1↵↵", REACHED]),
    ("9111 4.1", "Vary by what is there twice", &["HTTP/1.1 200 OK↵Vary: X-Kind↵Content-Length: 3↵↵one", TWO], &[("GET / HTTP/1.1↵Host: a↵X-Kind: 1↵X-Kind: 2↵↵", &["HTTP/1.1 200 OK↵age: #↵cache-status: ninefold; fwd=miss; stored↵content-length: 3↵vary: X-Kind↵↵one"]), ("GET / HTTP/1.1↵Host: a↵X-Kind: 1↵↵", &[STORED_2])], &["GET / HTTP/1.1↵host: a↵x-kind: 1↵x-kind: 2↵↵", "GET / HTTP/1.1↵host: a↵x-kind: 1↵↵"]),
    ("9111 4.1", "Vary: *", &["HTTP/1.1 200 OK↵Vary: *↵Content-Length: 3↵↵one", TWO], &[(GET, &["HTTP/1.1 200 OK↵cache-status: ninefold; fwd=miss↵content-length: 3↵vary: *↵↵one"]), (GET, &[STORED_2])], &[REACHED, REACHED]),
];

#[rustfmt::skip]
const PARTS: &[Row] = &[
    ("9110 14.2", "a part, and then the whole", &["HTTP/1.1 206 Partial Content↵Content-Range: bytes 0-0/3↵Content-Length: 1↵↵o", ONE], &[("GET / HTTP/1.1↵Host: a↵Range: bytes=0-0↵↵", &["HTTP/1.1 206 Partial Content↵cache-status: ninefold; fwd=bypass↵content-length: 1↵content-range: bytes 0-0/3↵↵o"]), (GET, &[STORED_1])], &["GET / HTTP/1.1↵host: a↵range: bytes=0-0↵↵", REACHED]),
    ("9110 15.3.7", "a part that nobody asked for", &["HTTP/1.1 206 Partial Content↵Content-Range: bytes 0-0/3↵Content-Length: 1↵↵o", ONE], &[(GET, &["HTTP/1.1 206 Partial Content↵cache-status: ninefold; fwd=miss↵content-length: 1↵content-range: bytes 0-0/3↵↵o"]), (GET, &[STORED_1])], &[REACHED, REACHED]),
    ("9110 14.4", "a part that says it is whole", &["HTTP/1.1 200 OK↵Content-Range: bytes 0-0/3↵Content-Length: 1↵↵o", ONE], &[(GET, &["HTTP/1.1 200 OK↵cache-status: ninefold; fwd=miss↵content-length: 1↵content-range: bytes 0-0/3↵↵o"]), (GET, &[STORED_1])], &[REACHED, REACHED]),
    ("9110 13.1.2", "a client's condition is its own", &["HTTP/1.1 200 OK↵ETag: \"1\"↵Content-Length: 3↵↵one"], &[("GET / HTTP/1.1↵Host: a↵If-None-Match: \"1\"↵↵", &["HTTP/1.1 304 Not Modified↵age: #↵cache-status: ninefold; fwd=miss; stored↵etag: \"1\"↵↵"]), (GET, &["HTTP/1.1 200 OK↵age: #↵cache-status: ninefold; hit; ttl=#↵content-length: 3↵etag: \"1\"↵↵one"])], &[REACHED]),
    ("9110 13.1.1", "one that no cache may decide", &["HTTP/1.1 412 Precondition Failed↵Content-Length: 0↵↵", ONE], &[("GET / HTTP/1.1↵Host: a↵If-Match: \"1\"↵↵", &["HTTP/1.1 412 Precondition Failed↵cache-status: ninefold; fwd=bypass↵content-length: 0↵↵"]), (GET, &[STORED_1])], &["GET / HTTP/1.1↵host: a↵if-match: \"1\"↵↵", REACHED]),
    ("9110 15.4.5", "a 304 to whom has asked for none", &["HTTP/1.1 304 Not Modified↵↵", ONE], &[(GET, &["HTTP/1.1 304 Not Modified↵cache-status: ninefold; fwd=miss↵↵"]), (GET, &[STORED_1])], &[REACHED, REACHED]),
    ("9110 9.3.2", "HEAD is not kept as a GET", &["HTTP/1.1 200 OK↵Content-Length: 3↵↵", ONE], &[("HEAD / HTTP/1.1↵Host: a↵↵", &["HTTP/1.1 200 OK↵cache-status: ninefold; fwd=miss↵content-length: 3↵↵…"]), (GET, &[STORED_1])], &["HEAD / HTTP/1.1↵host: a↵↵", REACHED]),
    ("9110 9.3.2", "a GET answers HEAD", &[ONE], &[(GET, &[STORED_1]), ("HEAD / HTTP/1.1↵Host: a↵↵", &["HTTP/1.1 200 OK↵age: #↵cache-status: ninefold; hit; ttl=#↵content-length: 3↵↵…"])], &[REACHED]),
    ("9111 4.4", "a POST makes it untrue", &[ONE, TWO, TWO], &[(GET, &[STORED_1]), ("POST / HTTP/1.1↵Host: a↵Content-Length: 1↵↵x", &[BYPASSED_2]), (GET, &[STORED_2])], &[REACHED, "POST / HTTP/1.1↵content-length: 1↵host: a↵↵x", REACHED]),
    ("9111 3", "errors are not kept", &["HTTP/1.1 400 Bad Request↵Content-Length: 3↵↵bad", "HTTP/1.1 501 Not Implemented↵Content-Length: 3↵↵bad", ONE], &[(GET, &["HTTP/1.1 400 Bad Request↵cache-status: ninefold; fwd=miss↵content-length: 3↵↵bad"]), (GET, &["HTTP/1.1 501 Not Implemented↵cache-status: ninefold; fwd=miss↵content-length: 3↵↵bad"]), (GET, &[STORED_1])], &[REACHED, REACHED, REACHED]),
];

#[rustfmt::skip]
const FRAMES: &[Row] = &[
    ("9112 7.1", "chunks become a length", &["HTTP/1.1 200 OK↵Transfer-Encoding: chunked↵↵1↵o↵2↵ne↵0↵↵"], &[(GET, &[STORED_1]), (GET, &[AGAIN_1])], &[REACHED]),
    ("9112 6.3", "up to the end of the connection: nobody knows whether it is whole", &["HTTP/1.1 200 OK↵↵one⊣", TWO], &[(GET, &["HTTP/1.1 200 OK↵cache-status: ninefold; fwd=miss↵transfer-encoding: chunked↵↵3↵one↵0↵↵"]), (GET, &[STORED_2])], &[REACHED, REACHED]),
    ("9112 6.3", "surplus behind an answer is nobody's", &["HTTP/1.1 200 OK↵Content-Length: 3↵↵oneHTTP/1.1 200 OK↵Content-Length: 4↵↵evil", TWO], &[(GET, &[STORED_1]), ("GET /b HTTP/1.1↵Host: a↵↵", &[STORED_2]), (GET, &[AGAIN_1])], &[REACHED, "GET /b HTTP/1.1↵host: a↵↵"]),
    ("9110 9.3.1", "a GET with a body is answered alone", &[ONE, TWO], &[("GET / HTTP/1.1↵Host: a↵Content-Length: 4↵↵evil", &[BYPASSED_1]), (GET, &[STORED_2])], &["GET / HTTP/1.1↵content-length: 4↵host: a↵↵evil", REACHED]),
    ("9110 9.3.1", "a GET with chunks is answered alone", &[ONE, TWO], &[("GET / HTTP/1.1↵Host: a↵Transfer-Encoding: chunked↵↵4↵evil↵0↵↵", &[BYPASSED_1]), (GET, &[STORED_2])], &["GET / HTTP/1.1↵host: a↵transfer-encoding: chunked↵↵4↵evil↵0↵↵", REACHED]),
    ("9112 6.1", "two lengths of a request poison nothing", &[ONE], &[("GET / HTTP/1.1↵Host: a↵Content-Length: 31↵Transfer-Encoding: chunked↵↵0↵↵GET /evil HTTP/1.1↵Host: a↵↵", &["400"]), (GET, &[STORED_1]), ("GET /evil HTTP/1.1↵Host: a↵↵", &[STORED_1])], &[REACHED, "GET /evil HTTP/1.1↵host: a↵↵"]),
    ("9112 9.3.2", "one behind the other, each its own", &[ONE, TWO], &[("GET /1 HTTP/1.1↵Host: a↵↵GET /2 HTTP/1.1↵Host: a↵↵GET /1 HTTP/1.1↵Host: a↵Connection: close↵↵", &[STORED_1, STORED_2, AGAIN_1])], &["GET /1 HTTP/1.1↵host: a↵↵", "GET /2 HTTP/1.1↵host: a↵↵"]),
    ("9112 9.3.2", "a HEAD that is kept leaves no body behind", &[ONE, TWO], &[("GET /1 HTTP/1.1↵Host: a↵↵HEAD /1 HTTP/1.1↵Host: a↵↵", &[STORED_1, "HTTP/1.1 200 OK↵age: #↵cache-status: ninefold; hit; ttl=#↵content-length: 3↵↵…"]), ("GET /2 HTTP/1.1↵Host: a↵↵", &[STORED_2])], &["GET /1 HTTP/1.1↵host: a↵↵", "GET /2 HTTP/1.1↵host: a↵↵"]),
    ("9112 9.3", "HTTP/1.0 gets what HTTP/1.1 had", &["HTTP/1.1 200 OK↵Transfer-Encoding: chunked↵↵3↵one↵0↵↵"], &[(GET, &[STORED_1]), ("GET / HTTP/1.0↵Host: a↵↵", &["HTTP/1.0 200 OK↵age: #↵cache-status: ninefold; hit; ttl=#↵content-length: 3↵↵one"])], &[REACHED]),
    ("9112 6.3", "an answer with two lengths is not kept", &["HTTP/1.1 200 OK↵Content-Length: 3↵Content-Length: 4↵↵evil⊣", ONE], &[(GET, &["502"]), (GET, &[STORED_1])], &[REACHED, REACHED]),
    ("9112 7.1.2", "nor one with trailers", &["HTTP/1.1 200 OK↵Transfer-Encoding: chunked↵Trailer: x-sum↵↵3↵one↵0↵x-sum: 1↵↵", TWO], &[(GET, &["HTTP/1.1 200 OK↵cache-status: ninefold; fwd=miss↵trailer: x-sum↵transfer-encoding: chunked↵↵3↵one↵0↵↵"]), (GET, &[STORED_2])], &[REACHED, REACHED]),
];

/// What each client got, and what reached the upstream.
async fn case(
    says: &'static [&'static str],
    sends: &[(&str, &[&str])],
) -> (Vec<Vec<String>>, Vec<String>) {
    let told = AtomicUsize::new(0);
    let backend = Backend::start(move |_| {
        let nth = told.fetch_add(1, SeqCst);
        let says = says[nth.min(says.len() - 1)];
        let bytes = wire(says.trim_end_matches('⊣'));
        if says.ends_with('⊣') {
            Act::AnswerAndClose(bytes)
        } else {
            Act::Answer(bytes)
        }
    })
    .await;
    let mut file = one_thread();
    file.listeners[0].routes[0].cache = Some(Cache {
        fresh: Span::secs(60),
        stale_while_revalidate: Span::secs(0),
        stale_if_error: Span::secs(0),
        ..Cache::default()
    });
    let rig = Rig::with(&file, &[&backend]);
    let mut got = Vec::new();
    for (request, _) in sends {
        let mut plain = rig.connect().await;
        plain.send(&wire(&last(request))).await;
        let raw = wire(&plain.rest().await);
        let own = |answer: String| match answer.split_once("x-ninefold-reason: ") {
            Some(_) => answer[9..12].to_owned(),
            None => answer,
        };
        got.push(answers(&raw).into_iter().map(own).collect());
    }
    let streams = backend.streams.lock().unwrap().clone();
    let reached = streams.iter().flat_map(|raw| requests(raw)).collect();
    (got, reached)
}

/// The request as its client's last one.
fn last(request: &str) -> String {
    if request.contains("Connection: ") {
        return request.to_owned();
    }
    let at = request
        .rfind("Host: a↵")
        .or_else(|| request.rfind(" HTTP/1."));
    let from = &request[at.unwrap()..];
    let line = from.find('↵').unwrap() + '↵'.len_utf8();
    let (before, rest) = request.split_at(at.unwrap() + line);
    format!("{before}Connection: close↵{rest}")
}

async fn run(rows: &[Row]) {
    let mut wrong = String::new();
    for (rfc, what, says, sends, upstream) in rows {
        let (got, reached) = case(says, sends).await;
        for ((request, expected), got) in sends.iter().zip(&got) {
            if got != expected {
                wrong += &format!(
                    "\nRFC {rfc}, {what}: {request}\n  got      {got:?}\n  expected {expected:?}\n"
                );
            }
        }
        if reached != *upstream {
            wrong +=
                &format!("\nRFC {rfc}, {what}\n  reached  {reached:?}\n  expected {upstream:?}\n");
        }
    }
    assert_eq!(wrong, "");
}

#[tokio::test]
async fn keys() {
    run(KEYS).await;
}

#[tokio::test]
async fn what_is_somebodys() {
    run(PERSONAL).await;
}

#[tokio::test]
async fn parts_and_conditions() {
    run(PARTS).await;
}

#[tokio::test]
async fn frames_of_what_is_kept() {
    run(FRAMES).await;
}
