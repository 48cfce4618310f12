//! Answers of upstreams: what a client sees of them, and whether the connection is used again.

use super::normal::{answer, requests, wire};
use super::rows::one_thread;
use crate::backend::{Act, Backend, ok};
use crate::rig::Rig;

/// Section, what is special, the request's method, the upstream's bytes, what the client gets, and
/// what becomes of the upstream's connection.
///
/// The upstream closes its connection at a `⊣`. The client gets an answer, with `…` where it breaks
/// off, or a status of the gateway's own. The request of another client that follows must get the
/// answer to itself: on the same connection if that is kept, else on another one.
type Row = (
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    Left,
);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Left {
    Kept,
    Dropped,
}
use Left::{Dropped, Kept};

#[rustfmt::skip]
const LENGTHS: &[Row] = &[
    ("9112 6.3", "a body of so many bytes", "GET", "HTTP/1.1 200 OK↵Content-Length: 3↵↵abc", "HTTP/1.1 200 OK↵content-length: 3↵↵abc", Kept),
    ("9112 6.3", "chunks", "GET", "HTTP/1.1 200 OK↵Transfer-Encoding: chunked↵↵3↵abc↵0↵↵", "HTTP/1.1 200 OK↵transfer-encoding: chunked↵↵3↵abc↵0↵↵", Kept),
    ("9112 6.3", "up to the end of the connection", "GET", "HTTP/1.1 200 OK↵↵abc⊣", "HTTP/1.1 200 OK↵transfer-encoding: chunked↵↵3↵abc↵0↵↵", Dropped),
    ("9112 6.3", "of HTTP/1.0", "GET", "HTTP/1.0 200 OK↵Content-Length: 3↵↵abc⊣", "HTTP/1.1 200 OK↵content-length: 3↵↵abc", Dropped),
    ("9112 9.6", "Connection: close", "GET", "HTTP/1.1 200 OK↵Connection: close↵Content-Length: 3↵↵abc", "HTTP/1.1 200 OK↵content-length: 3↵↵abc", Dropped),
    ("9112 6.3", "HEAD has a length and no body", "HEAD", "HTTP/1.1 200 OK↵Content-Length: 3↵↵", "HTTP/1.1 200 OK↵content-length: 3↵↵…", Kept),
    ("9112 6.3", "a body behind HEAD is surplus", "HEAD", "HTTP/1.1 200 OK↵Content-Length: 3↵↵abc", "HTTP/1.1 200 OK↵content-length: 3↵↵…", Dropped),
    ("9112 6.3", "204 has no body", "GET", "HTTP/1.1 204 No Content↵↵", "HTTP/1.1 204 No Content↵↵", Kept),
    ("9112 6.3", "a body behind 204 is surplus", "GET", "HTTP/1.1 204 No Content↵↵HTTP/1.1 200 OK↵Content-Length: 4↵↵evil", "HTTP/1.1 204 No Content↵↵", Dropped),
    ("9112 6.3", "204 has no body whatever it says", "GET", "HTTP/1.1 204 No Content↵Content-Length: 3↵↵abc", "HTTP/1.1 204 No Content↵↵", Dropped),
    ("9112 6.3", "nor has it chunks", "GET", "HTTP/1.1 204 No Content↵Transfer-Encoding: chunked↵↵0↵↵", "HTTP/1.1 204 No Content↵↵", Dropped),
    ("9112 6.3", "304 has no body", "GET", "HTTP/1.1 304 Not Modified↵ETag: x↵↵", "HTTP/1.1 304 Not Modified↵etag: x↵↵", Kept),
    ("9112 6.3", "a body behind 304 is surplus", "GET", "HTTP/1.1 304 Not Modified↵↵abc", "HTTP/1.1 304 Not Modified↵↵", Dropped),
    ("9112 6.3", "304 may say how long the body would be", "GET", "HTTP/1.1 304 Not Modified↵Content-Length: 3↵↵", "HTTP/1.1 304 Not Modified↵content-length: 3↵↵…", Kept),
    ("9112 6.3", "a body of no bytes", "GET", "HTTP/1.1 200 OK↵Content-Length: 0↵↵", "HTTP/1.1 200 OK↵content-length: 0↵↵", Kept),
    ("9112 7.1.1", "extensions end here", "GET", "HTTP/1.1 200 OK↵Transfer-Encoding: chunked↵↵3;a=b↵abc↵0;c↵↵", "HTTP/1.1 200 OK↵transfer-encoding: chunked↵↵3↵abc↵0↵↵", Kept),
    ("9112 6.3", "bytes behind a body are surplus", "GET", "HTTP/1.1 200 OK↵Content-Length: 3↵↵abcd", "HTTP/1.1 200 OK↵content-length: 3↵↵abc", Dropped),
    ("9112 6.3", "a whole second answer is surplus", "GET", "HTTP/1.1 200 OK↵Content-Length: 0↵↵HTTP/1.1 200 OK↵Content-Length: 4↵↵evil", "HTTP/1.1 200 OK↵content-length: 0↵↵", Dropped),
    ("9112 6.3", "bytes behind the last chunk are surplus", "GET", "HTTP/1.1 200 OK↵Transfer-Encoding: chunked↵↵0↵↵x", "HTTP/1.1 200 OK↵transfer-encoding: chunked↵↵0↵↵", Dropped),
];

#[rustfmt::skip]
const AMBIGUOUS: &[Row] = &[
    ("9112 6.3", "a length and a coding", "GET", "HTTP/1.1 200 OK↵Content-Length: 3↵Transfer-Encoding: chunked↵↵3↵abc↵0↵↵", "502", Dropped),
    ("9112 6.3", "two lengths", "GET", "HTTP/1.1 200 OK↵Content-Length: 3↵Content-Length: 4↵↵abcd", "502", Dropped),
    ("9112 6.3", "a list of lengths", "GET", "HTTP/1.1 200 OK↵Content-Length: 3, 3↵↵abc", "502", Dropped),
    ("9110 8.6", "a length with a sign", "GET", "HTTP/1.1 200 OK↵Content-Length: +3↵↵abc", "502", Dropped),
    ("9110 8.6", "no number", "GET", "HTTP/1.1 200 OK↵Content-Length: x↵↵abc", "502", Dropped),
    ("9110 8.6", "an empty length", "GET", "HTTP/1.1 200 OK↵Content-Length:↵↵abc⊣", "502", Dropped),
    ("9112 6.1", "an unknown coding", "GET", "HTTP/1.1 200 OK↵Transfer-Encoding: gzip↵↵abc⊣", "502", Dropped),
    ("9112 6.1", "a coding under chunks", "GET", "HTTP/1.1 200 OK↵Transfer-Encoding: gzip, chunked↵↵3↵abc↵0↵↵", "502", Dropped),
    ("9112 6.1", "chunks twice", "GET", "HTTP/1.1 200 OK↵Transfer-Encoding: chunked↵Transfer-Encoding: chunked↵↵0↵↵", "502", Dropped),
    ("9112 6.1", "chunks in HTTP/1.0", "GET", "HTTP/1.0 200 OK↵Transfer-Encoding: chunked↵↵3↵abc↵0↵↵⊣", "502", Dropped),
    ("9112 4", "no version", "GET", "200 OK↵Content-Length: 0↵↵", "502", Dropped),
    ("9112 4", "a version to come", "GET", "HTTP/2.0 200 OK↵Content-Length: 0↵↵", "502", Dropped),
    ("9112 4", "a status of two digits", "GET", "HTTP/1.1 20 OK↵Content-Length: 0↵↵", "502", Dropped),
    ("9112 4", "a status of letters", "GET", "HTTP/1.1 2x0 OK↵Content-Length: 0↵↵", "502", Dropped),
    ("9112 2.2", "an empty line before it", "GET", "↵HTTP/1.1 200 OK↵Content-Length: 0↵↵", "502", Dropped),
    ("9112 2.2", "a bare LF ends the status line", "GET", "HTTP/1.1 200 OK\nContent-Length: 0↵↵", "502", Dropped),
    ("9112 2.2", "a bare LF ends a header", "GET", "HTTP/1.1 200 OK↵X: y\nContent-Length: 0↵↵", "502", Dropped),
    ("9112 2.2", "a bare LF ends the head", "GET", "HTTP/1.1 200 OK↵Content-Length: 0↵\n", "502", Dropped),
    ("9110 5.1", "a header without a name", "GET", "HTTP/1.1 200 OK↵: x↵Content-Length: 0↵↵", "502", Dropped),
    ("9110 5.5", "an escape byte in a value", "GET", "HTTP/1.1 200 OK↵X: \x1b[m↵Content-Length: 0↵↵", "502", Dropped),
    ("9112 5.1", "a space before a colon", "GET", "HTTP/1.1 200 OK↵Content-Length : 0↵↵", "502", Dropped),
    ("9112 5.2", "a folded value", "GET", "HTTP/1.1 200 OK↵X: y↵ z↵Content-Length: 0↵↵", "502", Dropped),
    ("9110 5.5", "a zero byte in a value", "GET", "HTTP/1.1 200 OK↵X: \0↵Content-Length: 0↵↵", "502", Dropped),
    ("9112 2.2", "a bare CR in a value splits no answer", "GET", "HTTP/1.1 200 OK↵X: y\rSet-Cookie: z↵Content-Length: 0↵↵", "502", Dropped),
    ("9110 15.2.2", "101 that nobody asked for", "GET", "HTTP/1.1 101 Switching Protocols↵Connection: upgrade↵Upgrade: x↵↵", "502", Dropped),
    ("9112 8", "the connection ends within the head", "GET", "HTTP/1.1 200 OK↵Content-Le⊣", "502", Dropped),
    ("9112 8", "the connection ends without a word", "GET", "⊣", "502", Dropped),
    ("9112 4", "an answer in another protocol", "GET", "SSH-2.0-x↵", "502", Dropped),
];

#[rustfmt::skip]
const BROKEN: &[Row] = &[
    ("9112 8", "the connection ends within a body", "GET", "HTTP/1.1 200 OK↵Content-Length: 5↵↵abc⊣", "HTTP/1.1 200 OK↵content-length: 5↵↵…", Dropped),
    ("9112 8", "the connection ends between chunks", "GET", "HTTP/1.1 200 OK↵Transfer-Encoding: chunked↵↵3↵abc↵⊣", "HTTP/1.1 200 OK↵transfer-encoding: chunked↵↵…", Dropped),
    ("9112 8", "the connection ends within the last chunk", "GET", "HTTP/1.1 200 OK↵Transfer-Encoding: chunked↵↵3↵abc↵0↵⊣", "HTTP/1.1 200 OK↵transfer-encoding: chunked↵↵…", Dropped),
    ("9112 7.1", "a chunk's size is none", "GET", "HTTP/1.1 200 OK↵Transfer-Encoding: chunked↵↵3↵abc↵zz↵", "HTTP/1.1 200 OK↵transfer-encoding: chunked↵↵…", Dropped),
    ("9112 7.1", "a chunk is longer than it says", "GET", "HTTP/1.1 200 OK↵Transfer-Encoding: chunked↵↵3↵abcd↵0↵↵", "HTTP/1.1 200 OK↵transfer-encoding: chunked↵↵…", Dropped),
    ("9112 7.1", "a space before a chunk's size", "GET", "HTTP/1.1 200 OK↵Transfer-Encoding: chunked↵↵3↵abc↵ 0↵↵", "HTTP/1.1 200 OK↵transfer-encoding: chunked↵↵…", Dropped),
    ("9112 2.2", "a bare LF behind a chunk's size", "GET", "HTTP/1.1 200 OK↵Transfer-Encoding: chunked↵↵3↵abc↵0\n↵", "HTTP/1.1 200 OK↵transfer-encoding: chunked↵↵…", Dropped),
    ("9110 6.5.1", "a length as a trailer", "GET", "HTTP/1.1 200 OK↵Transfer-Encoding: chunked↵↵3↵abc↵0↵Content-Length: 9↵↵", "HTTP/1.1 200 OK↵transfer-encoding: chunked↵↵…", Dropped),
    ("9112 7.1", "a chunk's size has more than 64 bits", "GET", "HTTP/1.1 200 OK↵Transfer-Encoding: chunked↵↵3↵abc↵10000000000000000↵", "HTTP/1.1 200 OK↵transfer-encoding: chunked↵↵…", Dropped),
];

#[rustfmt::skip]
const HOPS: &[Row] = &[
    ("9110 7.6.1", "what Connection names ends here", "GET", "HTTP/1.1 200 OK↵Connection: x-a, \u{e9}, keep-alive↵X-A: 1↵X-B: 2↵Keep-Alive: 5↵Content-Length: 0↵↵", "HTTP/1.1 200 OK↵content-length: 0↵x-b: 2↵↵", Kept),
    ("9110 7.6.1", "its length stays whatever Connection names", "GET", "HTTP/1.1 200 OK↵Connection: content-length↵Content-Length: 3↵↵abc", "HTTP/1.1 200 OK↵content-length: 3↵↵abc", Kept),
    ("9110 7.8", "a protocol that is only offered", "GET", "HTTP/1.1 200 OK↵Upgrade: h2c↵Content-Length: 0↵↵", "HTTP/1.1 200 OK↵content-length: 0↵↵", Kept),
    ("9110 15.2", "answers before the answer", "GET", "HTTP/1.1 100 Continue↵↵HTTP/1.1 103 Early Hints↵Link: </a>↵↵HTTP/1.1 200 OK↵Content-Length: 0↵↵", "HTTP/1.1 200 OK↵content-length: 0↵↵", Kept),
    ("9110 6.5", "trailers, to a client that did not ask for any", "GET", "HTTP/1.1 200 OK↵Trailer: X-Sum↵Transfer-Encoding: chunked↵↵3↵abc↵0↵X-Sum: 1↵↵", "HTTP/1.1 200 OK↵trailer: X-Sum↵transfer-encoding: chunked↵↵3↵abc↵0↵↵", Kept),
    ("9110 6.5", "trailers that nobody announced", "GET", "HTTP/1.1 200 OK↵Transfer-Encoding: chunked↵↵3↵abc↵0↵X-Sum: 1↵↵", "HTTP/1.1 200 OK↵transfer-encoding: chunked↵↵3↵abc↵0↵↵", Kept),
    ("9110 15.2", "a length of an answer before the answer", "GET", "HTTP/1.1 103 Early Hints↵Content-Length: 3↵↵HTTP/1.1 200 OK↵Content-Length: 0↵↵", "HTTP/1.1 200 OK↵content-length: 0↵↵", Kept),
    ("9110 15.2", "answers before the answer, and then none", "GET", "HTTP/1.1 100 Continue↵↵⊣", "502", Dropped),
];

/// What the client got, and what became of the connection.
async fn case(method: &str, says: &str) -> (String, Left) {
    let bytes = wire(says.trim_end_matches('⊣'));
    let closes = says.ends_with('⊣');
    let backend = Backend::start(move |seen| match seen.head.split(' ').nth(1) {
        Some("/after") => ok("after"),
        _ if closes => Act::AnswerAndClose(bytes.clone()),
        _ => Act::Answer(bytes.clone()),
    })
    .await;
    let rig = Rig::with(&one_thread(), &[&backend]);
    let mut plain = rig.connect().await;
    let request = format!("{method} / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    plain.send(request.as_bytes()).await;
    let got = wire(&plain.rest().await);
    let after = rig.get("/after").await;
    assert_eq!(
        (after.status, after.body.as_str()),
        (200, "after"),
        "{says}"
    );
    let streams = backend.streams.lock().unwrap().clone();
    let reached: Vec<String> = streams.iter().flat_map(|raw| requests(raw)).collect();
    let expected = [
        format!("{method} / HTTP/1.1↵host: a↵↵"),
        "GET /after HTTP/1.1↵host: a↵↵".to_owned(),
    ];
    assert_eq!(reached, expected, "{says}");
    let left = if streams.len() == 1 { Kept } else { Dropped };
    let own = str::from_utf8(&got).is_ok_and(|got| got.contains("\r\nx-ninefold-reason: "));
    if own {
        return (String::from_utf8_lossy(&got[9..12]).into_owned(), left);
    }
    (answer(&got), left)
}

async fn run(rows: &[Row]) {
    let mut wrong = String::new();
    for (rfc, what, method, says, gets, leaves) in rows {
        let (got, left) = case(method, says).await;
        if (got.as_str(), left) != (*gets, *leaves) {
            wrong += &format!(
                "\nRFC {rfc}, {what}: {says}\n  got      {got:?} {left:?}\n  expected {gets:?} {leaves:?}\n"
            );
        }
    }
    assert_eq!(wrong, "");
}

#[tokio::test]
async fn lengths() {
    run(LENGTHS).await;
}

#[tokio::test]
async fn ambiguous_answers() {
    run(AMBIGUOUS).await;
}

#[tokio::test]
async fn broken_answers() {
    run(BROKEN).await;
}

#[tokio::test]
async fn hops() {
    run(HOPS).await;
}
