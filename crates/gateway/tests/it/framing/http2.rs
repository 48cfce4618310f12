//! Requests in HTTP/2, which reach endpoints in HTTP/1.1.

use super::frames::{DATA, END_HEADERS, END_STREAM, Frames, GET, HEADERS, block, frame, head};
use super::normal::{requests, wire};
use super::rows::{blameless, echo, one_thread};
use crate::backend::Backend;
use crate::rig::Rig;

/// Section, what is special, what the client sends, what becomes of its stream, what reaches the
/// upstream; `…` is nothing, or a request that is not whole.
///
/// `GET` and `POST` at the beginning stand for all the fields that such a request has. Behind a `|`
/// there is data, or, if it begins with `↵`, trailers. The last frame ends the stream.
type Row = (
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
);

#[rustfmt::skip]
const HEADS: &[Row] = &[
    ("9113 8.3.1", "as simple as it gets", "GET", "200", "GET / HTTP/1.1↵host: a↵↵"),
    ("9113 8.3.1", "Host for the authority", ":method: GET↵:scheme: http↵:path: /↵host: a", "200", "GET / HTTP/1.1↵host: a↵↵"),
    ("9113 8.3.1", "both, the same", "GET↵host: a", "200", "GET / HTTP/1.1↵host: a↵↵"),
    ("9113 8.3.1", "both, another", "GET↵host: b", "400", ""),
    ("9113 8.3.1", "one and two others", "GET↵host: a↵host: a", "400", ""),
    ("9113 8.3.1", "neither", ":method: GET↵:scheme: http↵:path: /", "400", ""),
    ("9113 8.3.1", "an authority with user information", ":method: GET↵:scheme: http↵:path: /↵:authority: u@a", "400", ""),
    ("9113 8.3.1", "an authority with a path", ":method: GET↵:scheme: http↵:path: /↵:authority: a/b", "reset PROTOCOL_ERROR", ""),
    ("9113 8.3.1", "an authority with a space", ":method: GET↵:scheme: http↵:path: /↵:authority: a b", "reset PROTOCOL_ERROR", ""),
    ("9113 8.3.1", "an authority that ends a line", ":method: GET↵:scheme: http↵:path: /↵:authority: a\r\nx: y", "reset PROTOCOL_ERROR", ""),
    ("9113 8.3.1", "an empty authority", ":method: GET↵:scheme: http↵:path: /↵:authority: ", "reset PROTOCOL_ERROR", ""),
    ("9113 8.3.1", "an authority with half of an escape", ":method: GET↵:scheme: http↵:path: /↵:authority: a%2", "reset PROTOCOL_ERROR", ""),
    ("9113 8.3.1", "a path with a query", ":method: GET↵:scheme: http↵:authority: a↵:path: /a?b=c", "200", "GET /a?b=c HTTP/1.1↵host: a↵↵"),
    ("9113 8.3.1", "dots and escapes are left alone", ":method: GET↵:scheme: http↵:authority: a↵:path: /a/../%2e%2E//b", "200", "GET /a/../%2e%2E//b HTTP/1.1↵host: a↵↵"),
    ("9113 8.3.1", "two slashes are no authority", ":method: GET↵:scheme: http↵:authority: a↵:path: //evil/x", "200", "GET //evil/x HTTP/1.1↵host: a↵↵"),
    ("9113 8.3.1", "the asterisk", ":method: OPTIONS↵:scheme: http↵:authority: a↵:path: *", "200", "OPTIONS * HTTP/1.1↵host: a↵↵"),
    ("9113 8.3.1", "the asterisk without OPTIONS", ":method: GET↵:scheme: http↵:authority: a↵:path: *", "400", ""),
    ("9113 8.3.1", "an empty path", ":method: GET↵:scheme: http↵:authority: a↵:path: ", "reset PROTOCOL_ERROR", ""),
    ("9113 8.3.1", "a relative path", ":method: GET↵:scheme: http↵:authority: a↵:path: a/b", "reset PROTOCOL_ERROR", ""),
    ("9113 8.3.1", "a query for a path", ":method: GET↵:scheme: http↵:authority: a↵:path: ?a", "400", ""),
    ("9113 8.3.1", "a whole URL for a path", ":method: GET↵:scheme: http↵:authority: a↵:path: http://b/", "reset PROTOCOL_ERROR", ""),
    ("9113 8.3.1", "a fragment ends here", ":method: GET↵:scheme: http↵:authority: a↵:path: /a#b", "200", "GET /a HTTP/1.1↵host: a↵↵"),
    ("9113 10.3", "a path with a space", ":method: GET↵:scheme: http↵:authority: a↵:path: /a HTTP/1.1", "reset PROTOCOL_ERROR", ""),
    ("9113 10.3", "a path that ends a line", ":method: GET↵:scheme: http↵:authority: a↵:path: /a\r\nx: y", "reset PROTOCOL_ERROR", ""),
    ("9113 10.3", "a path with a zero byte", ":method: GET↵:scheme: http↵:authority: a↵:path: /a\0", "reset PROTOCOL_ERROR", ""),
    ("9113 10.3", "a path outside of ASCII", ":method: GET↵:scheme: http↵:authority: a↵:path: /\u{c3}\u{a9}", "400", ""),
    ("9113 10.3", "a path that is no UTF-8", ":method: GET↵:scheme: http↵:authority: a↵:path: /\u{e9}", "goaway PROTOCOL_ERROR", ""),
    ("9113 8.3.1", "the scheme of the other listener", ":method: GET↵:scheme: https↵:authority: a↵:path: /", "200", "GET / HTTP/1.1↵host: a↵↵"),
    ("9113 8.3.1", "a scheme that begins a URL", ":method: GET↵:scheme: http://b/?↵:authority: a↵:path: /", "reset PROTOCOL_ERROR", ""),
    ("9110 9.1", "a method nobody knows", ":method: BREW↵:scheme: http↵:authority: a↵:path: /", "200", "BREW / HTTP/1.1↵host: a↵↵"),
    ("9113 10.3", "a method that is a request line", ":method: GET / HTTP/1.1↵:scheme: http↵:authority: a↵:path: /", "goaway PROTOCOL_ERROR", ""),
    ("9113 8.5", "CONNECT: this is no forward proxy", ":method: CONNECT↵:authority: a:80", "405", ""),
    ("9113 8.5", "CONNECT with a path", ":method: CONNECT↵:scheme: http↵:authority: a:80↵:path: /", "reset PROTOCOL_ERROR", ""),
    ("8441 4", "CONNECT to another protocol", ":method: CONNECT↵:protocol: websocket↵:scheme: http↵:authority: a↵:path: /", "reset PROTOCOL_ERROR", ""),
    ("9113 8.3.1", "no method", ":scheme: http↵:authority: a↵:path: /", "reset PROTOCOL_ERROR", ""),
    ("9113 8.3.1", "no scheme", ":method: GET↵:authority: a↵:path: /", "reset PROTOCOL_ERROR", ""),
    ("9113 8.3.1", "no path", ":method: GET↵:scheme: http↵:authority: a", "reset PROTOCOL_ERROR", ""),
    ("9113 8.3", "two paths", "GET↵:path: /b", "reset PROTOCOL_ERROR", ""),
    ("9113 8.3", "two methods", ":method: GET↵:method: POST↵:scheme: http↵:authority: a↵:path: /", "reset PROTOCOL_ERROR", ""),
    ("9113 8.3", "a pseudo-header behind a header", ":method: GET↵:scheme: http↵:authority: a↵x: y↵:path: /", "reset PROTOCOL_ERROR", ""),
    ("9113 8.3", "one that nobody knows", "GET↵:x: y", "goaway PROTOCOL_ERROR", ""),
    ("9113 8.3", "one of answers", "GET↵:status: 200", "reset PROTOCOL_ERROR", ""),
];

#[rustfmt::skip]
const FIELDS: &[Row] = &[
    ("9110 5.3", "two of one name stay in order", "GET↵x: 2↵y: 0↵x: 1", "200", "GET / HTTP/1.1↵host: a↵x: 2↵x: 1↵y: 0↵↵"),
    ("9110 5.5", "an empty value", "GET↵x: ", "200", "GET / HTTP/1.1↵host: a↵x: ↵↵"),
    ("9110 5.5", "a byte outside of ASCII", "GET↵x: caf\u{e9}", "200", "GET / HTTP/1.1↵host: a↵x: caf\u{e9}↵↵"),
    ("9113 8.2.1", "a name in capitals", "GET↵X: y", "goaway PROTOCOL_ERROR", ""),
    ("9113 8.2.1", "a name with a space", "GET↵x y: z", "goaway PROTOCOL_ERROR", ""),
    ("9113 8.2.1", "a name with a colon", "GET↵x:y: z", "goaway PROTOCOL_ERROR", ""),
    ("9113 8.2.1", "a name that ends a line", "GET↵x\r\ny: z", "goaway PROTOCOL_ERROR", ""),
    ("9113 8.2.1", "a name outside of ASCII", "GET↵\u{e9}: y", "goaway PROTOCOL_ERROR", ""),
    ("9113 8.2.1", "a CR and a LF in a value", "GET↵x: y\r\nz: 1", "goaway PROTOCOL_ERROR", ""),
    ("9113 8.2.1", "a LF in a value", "GET↵x: y\nz: 1", "goaway PROTOCOL_ERROR", ""),
    ("9113 8.2.1", "a CR in a value", "GET↵x: y\rz", "goaway PROTOCOL_ERROR", ""),
    ("9113 8.2.1", "a zero byte in a value", "GET↵x: y\0", "goaway PROTOCOL_ERROR", ""),
    ("9113 8.2.1", "a whole request in a value", "GET↵x: y\r\n\r\nGET /b HTTP/1.1\r\nHost: a", "goaway PROTOCOL_ERROR", ""),
    ("9113 8.2.1", "a space before a value", "GET↵x:  y", "400", ""),
    ("9113 8.2.1", "a space behind a value", "GET↵x: y ", "400", ""),
    ("9113 8.2.1", "a tab before a value", "GET↵x: \ty", "400", ""),
    ("9113 8.2.2", "Connection", "GET↵connection: x-a↵x-a: 1", "reset PROTOCOL_ERROR", ""),
    ("9113 8.2.2", "Keep-Alive", "GET↵keep-alive: 5", "reset PROTOCOL_ERROR", ""),
    ("9113 8.2.2", "Proxy-Connection", "GET↵proxy-connection: close", "reset PROTOCOL_ERROR", ""),
    ("9113 8.2.2", "Transfer-Encoding (H2.TE)", "POST↵transfer-encoding: chunked|0\r\n\r\nGET /b HTTP/1.1\r\nHost: a\r\n\r\n", "reset PROTOCOL_ERROR", ""),
    ("9113 8.2.2", "Upgrade", "GET↵upgrade: websocket", "reset PROTOCOL_ERROR", ""),
    ("9113 8.2.2", "trailers in TE", "GET↵te: trailers", "200", "GET / HTTP/1.1↵host: a↵te: trailers↵↵"),
    ("9113 8.2.2", "anything else in TE", "GET↵te: trailers, gzip", "reset PROTOCOL_ERROR", ""),
    ("9113 8.2.3", "cookies are one header", "GET↵cookie: a=1↵x: y↵cookie: b=2", "200", "GET / HTTP/1.1↵cookie: a=1; b=2↵host: a↵x: y↵↵"),
    ("9110 10.1.1", "an expectation ends here", "POST↵expect: 100-continue↵content-length: 3|abc", "200", "POST / HTTP/1.1↵content-length: 3↵host: a↵↵abc"),
    ("9110 7.6.3", "what a client says of proxies before", "GET↵via: 1.0 x↵x-forwarded-for: 6.6.6.6↵forwarded: for=6.6.6.6", "200", "GET / HTTP/1.1↵host: a↵via: 1.0 x↵↵"),
];

#[rustfmt::skip]
const BODIES: &[Row] = &[
    ("9113 8.1.1", "a body of so many bytes", "POST↵content-length: 3|abc", "200", "POST / HTTP/1.1↵content-length: 3↵host: a↵↵abc"),
    ("9113 8.1.1", "in pieces", "POST↵content-length: 3|a||bc", "200", "POST / HTTP/1.1↵content-length: 3↵host: a↵↵abc"),
    ("9112 6.1", "a body of unknown length", "POST|abc", "200", "POST / HTTP/1.1↵host: a↵transfer-encoding: chunked↵↵3↵abc↵0↵↵"),
    ("9112 6.1", "an empty body of unknown length", "POST|", "200", "POST / HTTP/1.1↵host: a↵transfer-encoding: chunked↵↵0↵↵"),
    ("9112 6.1", "a body that looks like chunks and a request", "POST|0\r\n\r\nGET /b HTTP/1.1\r\nHost: a\r\n\r\n", "200", "POST / HTTP/1.1↵host: a↵transfer-encoding: chunked↵↵21↵0↵↵GET /b HTTP/1.1↵Host: a↵↵↵0↵↵"),
    ("9110 9.3.1", "a GET with a body", "GET|abc", "200", "GET / HTTP/1.1↵host: a↵transfer-encoding: chunked↵↵3↵abc↵0↵↵"),
    ("9110 8.6", "no body", "POST", "200", "POST / HTTP/1.1↵host: a↵↵"),
    ("9110 8.6", "no body of no bytes", "POST↵content-length: 0", "200", "POST / HTTP/1.1↵content-length: 0↵host: a↵↵"),
    ("9113 8.1.1", "more than was said (H2.CL)", "POST↵content-length: 3|abcGET /b HTTP/1.1\r\nHost: a\r\n\r\n", "reset PROTOCOL_ERROR", "…"),
    ("9113 8.1.1", "less than was said", "POST↵content-length: 4|abc", "reset PROTOCOL_ERROR", "…"),
    ("9113 8.1.1", "something where nothing was said (H2.0)", "POST↵content-length: 0|GET /b HTTP/1.1\r\nHost: a\r\n\r\n", "reset PROTOCOL_ERROR", "…"),
    ("9113 8.1.1", "nothing where something was said", "POST↵content-length: 3", "reset PROTOCOL_ERROR", ""),
    ("9113 8.1.1", "less, and then trailers", "POST↵content-length: 4|abc|↵x: y", "reset PROTOCOL_ERROR", "…"),
    ("9110 8.6", "the same length twice", "POST↵content-length: 3↵content-length: 3|abc", "200", "POST / HTTP/1.1↵content-length: 3↵host: a↵↵abc"),
    ("9110 8.6", "two lengths", "POST↵content-length: 3↵content-length: 4|abc", "reset PROTOCOL_ERROR", ""),
    ("9110 8.6", "a list of lengths", "POST↵content-length: 3, 3|abc", "reset PROTOCOL_ERROR", ""),
    ("9110 8.6", "a length with a sign", "POST↵content-length: +3|abc", "reset PROTOCOL_ERROR", ""),
    ("9110 8.6", "a length that is none", "POST↵content-length: x|abc", "reset PROTOCOL_ERROR", ""),
    ("9110 8.6", "a length with a space", "POST↵content-length:  3|abc", "reset PROTOCOL_ERROR", ""),
    ("9110 8.6", "a length of more than 64 bits", "POST↵content-length: 18446744073709551619|abc", "reset PROTOCOL_ERROR", ""),
    ("9113 8.1", "trailers that were announced", "POST↵trailer: x-sum|abc|↵x-sum: 1", "200", "POST / HTTP/1.1↵host: a↵trailer: x-sum↵transfer-encoding: chunked↵↵3↵abc↵0↵x-sum: 1↵↵"),
    ("9110 6.5", "trailers that were not", "POST|abc|↵x-sum: 1", "200", "POST / HTTP/1.1↵host: a↵transfer-encoding: chunked↵↵3↵abc↵0↵↵"),
    ("9110 6.5.1", "a length as a trailer", "POST↵trailer: content-length|abc|↵content-length: 9", "200", "POST / HTTP/1.1↵host: a↵trailer: content-length↵transfer-encoding: chunked↵↵3↵abc↵0↵↵"),
    ("9113 8.1", "a pseudo-header as a trailer ends here", "POST|abc|↵:path: /b", "200", "POST / HTTP/1.1↵host: a↵transfer-encoding: chunked↵↵3↵abc↵0↵↵"),
    ("9113 8.2.2", "a coding as a trailer", "POST↵trailer: transfer-encoding|abc|↵transfer-encoding: chunked", "reset PROTOCOL_ERROR", "…"),
    ("9113 8.2.1", "a trailer that ends a line", "POST↵trailer: x-sum|abc|↵x-sum: 1\r\n\r\nGET /b HTTP/1.1", "goaway PROTOCOL_ERROR", "…"),
];

/// The frames of a row.
fn frames(sends: &str) -> Vec<u8> {
    let post = GET.replace("GET", "POST");
    let sends = match sends.split_at_checked(3) {
        Some(("GET", rest)) => format!("{GET}{rest}"),
        _ => sends
            .strip_prefix("POST")
            .map_or_else(|| sends.to_owned(), |rest| format!("{post}{rest}")),
    };
    let mut parts = sends.split('|').peekable();
    let mut frames = Vec::new();
    let first = parts.next().unwrap();
    frames.extend(head(1, first, parts.peek().is_none()));
    while let Some(part) = parts.next() {
        let end = if parts.peek().is_none() {
            END_STREAM
        } else {
            0
        };
        frames.extend(match part.strip_prefix('↵') {
            Some(trailers) => frame(HEADERS, END_HEADERS | end, 1, &block(trailers)),
            None => frame(DATA, end, 1, &wire(part)),
        });
    }
    frames
}

async fn case(row: &Row) -> (String, String) {
    let (_, _, sends, sees, upstream) = *row;
    let backend = Backend::start(echo).await;
    let rig = Rig::with(&one_thread(), &[&backend]);
    let mut client = Frames::connect(rig.address).await;
    client.send(&frames(sends)).await;
    let (saw, _) = client.outcome(1).await;
    let mut expected = vec!["GET /after HTTP/1.1↵host: a↵↵".to_owned()];
    if !sees.starts_with("goaway") {
        let next = GET.replace(":path: /", ":path: /next");
        client.send(&head(3, &next, true)).await;
        let (status, body) = client.outcome(3).await;
        assert_eq!(
            (status.as_str(), &body[..]),
            ("200", &b"/next"[..]),
            "{sends}"
        );
        expected.insert(0, "GET /next HTTP/1.1↵host: a↵↵".to_owned());
    }
    let after = rig.get("/after").await;
    assert_eq!(
        (after.status, after.body.as_str()),
        (200, "/after"),
        "{sends}"
    );
    blameless(&rig, sends);
    let streams = backend.streams.lock().unwrap().clone();
    let mut reached: Vec<String> = streams.iter().flat_map(|raw| requests(raw)).collect();
    if upstream == "…" {
        // On its own connection, which nothing follows on.
        let whole = |request: &String| !request.ends_with('…') && !request.starts_with("??");
        reached.retain(whole);
    }
    let last = reached.split_off(reached.len().saturating_sub(expected.len()));
    assert_eq!(last, expected, "{sends}: {reached:?}");
    let reached = if upstream == "…" && reached.is_empty() {
        "…".to_owned()
    } else {
        reached.concat()
    };
    (saw, reached)
}

async fn run(rows: &[Row]) {
    let mut wrong = String::new();
    for row in rows {
        let (saw, reached) = case(row).await;
        let (rfc, what, sends, sees, upstream) = *row;
        if (saw.as_str(), reached.as_str()) != (sees, upstream) {
            wrong += &format!(
                "\nRFC {rfc}, {what}: {sends}\n  saw      {saw:?}\n  expected {sees:?}\n  reached  {reached:?}\n  expected {upstream:?}\n"
            );
        }
    }
    assert_eq!(wrong, "");
}

#[tokio::test]
async fn heads() {
    run(HEADS).await;
}

#[tokio::test]
async fn fields() {
    run(FIELDS).await;
}

#[tokio::test]
async fn bodies() {
    run(BODIES).await;
}
