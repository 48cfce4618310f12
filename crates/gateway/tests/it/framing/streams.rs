//! Answers of endpoints in HTTP/2: what a client sees of them, whatever frames they consist of.

use std::net::SocketAddr;

use ninefold_config::model::{ServiceProtocol, Span};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::frames::{
    CONTINUATION, DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, PUSH_PROMISE, RST_STREAM,
    SETTINGS, block, frame,
};
use super::normal::{answer, wire};
use super::rows::one_thread;
use crate::rig::Rig;

/// Section, what is special, what the endpoint says, what a client of HTTP/1 gets; `…` stands for a
/// body that breaks off.
type Row = (&'static str, &'static str, fn() -> Vec<u8>, &'static str);

fn head(fields: &str) -> Vec<u8> {
    frame(HEADERS, END_HEADERS, 1, &block(fields))
}

fn last_head(fields: &str) -> Vec<u8> {
    frame(HEADERS, END_HEADERS | END_STREAM, 1, &block(fields))
}

fn data(data: &str) -> Vec<u8> {
    frame(DATA, END_STREAM, 1, data.as_bytes())
}

const WHOLE: &str = "HTTP/1.1 200 OK↵content-length: 3↵↵abc";

#[rustfmt::skip]
const ROWS: &[Row] = &[
    ("9113 8.3.2", "as simple as it gets", || [head(":status: 200↵content-length: 3"), data("abc")].concat(), WHOLE),
    ("9113 8.1", "a body of unknown length", || [head(":status: 200"), data("abc")].concat(), "HTTP/1.1 200 OK↵transfer-encoding: chunked↵↵3↵abc↵0↵↵"),
    ("9110 15.2", "answers before the answer", || [head(":status: 103↵link: </a>"), head(":status: 200↵content-length: 3"), data("abc")].concat(), WHOLE),
    ("9113 8.1.1", "less than was said", || [head(":status: 200↵content-length: 4"), data("abc")].concat(), "HTTP/1.1 200 OK↵content-length: 4↵↵…"),
    ("9113 8.1.1", "more than was said", || [head(":status: 200↵content-length: 2"), data("abc")].concat(), "HTTP/1.1 200 OK↵content-length: 2↵↵…"),
    ("9113 8.1.1", "nothing where something was said", || last_head(":status: 200↵content-length: 3"), "502"),
    ("9110 8.6", "two lengths", || [head(":status: 200↵content-length: 3↵content-length: 4"), data("abc")].concat(), "502"),
    ("9110 8.6", "a length with a sign", || [head(":status: 200↵content-length: +3"), data("abc")].concat(), "502"),
    ("9110 15.3.5", "204 has no body", || last_head(":status: 204"), "HTTP/1.1 204 No Content↵↵"),
    ("9113 8.3.2", "no status", || [head("x: y"), data("abc")].concat(), "502"),
    ("9113 8.3.2", "two", || [head(":status: 200↵:status: 200"), data("abc")].concat(), "502"),
    ("9113 8.3.2", "a status that is none", || [head(":status: 2000"), data("abc")].concat(), "502"),
    ("9113 8.6", "another protocol, which HTTP/2 has no words for", || last_head(":status: 101"), "502"),
    ("9113 8.3", "a pseudo-header behind a header", || [head("x: y↵:status: 200"), data("abc")].concat(), "502"),
    ("9113 8.2.2", "Connection", || [head(":status: 200↵connection: x"), data("abc")].concat(), "502"),
    ("9113 8.2.2", "Transfer-Encoding", || [head(":status: 200↵transfer-encoding: chunked"), data("3\r\nabc\r\n0\r\n\r\n")].concat(), "502"),
    ("9113 8.2.1", "a value that splits the answer", || [head(":status: 200↵x: y\r\nset-cookie: z"), data("abc")].concat(), "502"),
    ("9113 8.2.1", "a name in capitals", || [head(":status: 200↵X: y"), data("abc")].concat(), "502"),
    ("9113 8.1", "data before the head", || data("abc"), "502"),
    ("9113 8.1", "a reset in place of an answer", || frame(RST_STREAM, 0, 1, &[0, 0, 0, 2]), "502"),
    ("9113 8.1", "a reset within a body", || [head(":status: 200↵content-length: 3"), frame(DATA, 0, 1, b"ab"), frame(RST_STREAM, 0, 1, &[0, 0, 0, 2])].concat(), "HTTP/1.1 200 OK↵content-length: 3↵↵…"),
    ("9113 6.8", "a goodbye that has not seen the request", || frame(GOAWAY, 0, 0, &[0; 8]), "502"),
    ("9113 8.4", "a promise, which nobody allowed", || frame(PUSH_PROMISE, END_HEADERS, 1, &[&[0, 0, 0, 2], &block(super::frames::GET)[..]].concat()), "502"),
    ("9113 6.10", "a head that does not end", || [frame(HEADERS, 0, 1, &block(":status: 200")), frame(CONTINUATION, 0, 1, &block("x: y")).repeat(2_000)].concat(), "502"),
    ("9113 10.5.1", "a head that is too large", || { let field = block(&format!("x: {}", "y".repeat(10_000))); [frame(HEADERS, 0, 1, &block(":status: 200")), frame(CONTINUATION, 0, 1, &field).repeat(7), frame(CONTINUATION, END_HEADERS, 1, &[]), data("abc")].concat() }, "502"),
    ("9113 4.1", "what is no frame", || b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nabc".to_vec(), "502"),
];

/// An endpoint that answers the first request of every connection with these frames.
async fn endpoint(frames: fn() -> Vec<u8>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, frames()));
        }
    });
    address
}

async fn serve(mut stream: TcpStream, frames: Vec<u8>) {
    drop(stream.write_all(&frame(SETTINGS, 0, 0, &[])).await);
    let (mut seen, mut asked) = (Vec::new(), false);
    while stream
        .read_buf(&mut seen)
        .await
        .is_ok_and(|count| count > 0)
    {
        // The head of a frame HEADERS on stream 1.
        if !asked
            && seen
                .windows(9)
                .any(|nine| nine[3] == HEADERS && nine[5..] == [0, 0, 0, 1])
        {
            asked = true;
            drop(stream.write_all(&frames).await);
        }
    }
}

async fn case(frames: fn() -> Vec<u8>) -> String {
    let address = endpoint(frames).await;
    let mut file = one_thread();
    file.services.values_mut().next().unwrap().protocol = ServiceProtocol::Http2;
    file.listeners[0].routes[0].timeout = Span::secs(15);
    file.listeners[0].routes[0].try_timeout = Span::secs(15);
    let rig = Rig::new(&file);
    rig.publish(&[address]);
    let mut plain = rig.connect().await;
    plain
        .send(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        .await;
    let got = plain.rest().await;
    if got.contains("\r\nx-ninefold-reason: ") {
        return got[9..12].to_owned();
    }
    answer(&wire(&got))
}

#[tokio::test]
async fn of_endpoints() {
    let mut wrong = String::new();
    for (rfc, what, frames, expected) in ROWS {
        let got = case(*frames).await;
        if got != *expected {
            wrong += &format!("\nRFC {rfc}, {what}\n  got      {got:?}\n  expected {expected:?}");
        }
    }
    assert_eq!(wrong, "");
}
