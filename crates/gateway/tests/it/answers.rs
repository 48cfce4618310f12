//! Answers as they are read here, and as hyper reads them.

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt, Empty};
use hyper_util::rt::TokioIo;
use ninefold_gateway::http1::Malformed::*;
use ninefold_gateway::http1::{AnswerEvent, AnswerReader, Malformed};
use proptest::prelude::*;
use tokio::io::AsyncWriteExt;

/// A whole answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Read {
    status: StatusCode,
    headers: HeaderMap,
    body: Vec<u8>,
    trailers: Option<HeaderMap>,
}

/// Reads an answer that comes in pieces that end at `cuts`; what is behind it does not count.
fn read(input: &[u8], cuts: &[usize], method: &Method) -> Result<Read, Malformed> {
    let mut reader = AnswerReader::new(method.clone());
    let (mut buffer, mut at) = (BytesMut::new(), 0);
    let mut read = Read::default();
    let mut ends: Vec<usize> = cuts.iter().map(|cut| cut % (input.len() + 1)).collect();
    ends.push(input.len());
    ends.sort_unstable();
    for end in ends {
        buffer.extend_from_slice(&input[at..end]);
        at = end;
        while let Some(event) = reader.next(&mut buffer)? {
            match event {
                AnswerEvent::Head(head) => {
                    (read.status, read.headers) = (head.status, head.headers)
                }
                AnswerEvent::Data(data) => read.body.extend_from_slice(&data),
                AnswerEvent::Trailers(trailers) => read.trailers = Some(trailers),
                AnswerEvent::End => return Ok(read),
            }
        }
    }
    reader.end().map(|()| read)
}

/// What hyper reads, if it finds no fault.
async fn read_by_hyper(input: &[u8], method: &Method) -> Option<Read> {
    let (ours, theirs) = tokio::io::duplex(1 << 20);
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(ours))
        .await
        .unwrap();
    let driver = tokio::spawn(connection.with_upgrades());
    let request = Request::builder()
        .method(method)
        .uri("/")
        .body(Empty::<Bytes>::new())
        .unwrap();
    let answer = sender.send_request(request);
    let (mut unread, mut write) = tokio::io::split(theirs);
    let whole = async {
        // hyper takes an answer that comes before its request for a mistake.
        tokio::io::AsyncReadExt::read_u8(&mut unread).await.unwrap();
        write.write_all(input).await.unwrap();
        write.shutdown().await.unwrap();
    };
    let (answer, ()) = tokio::join!(answer, whole);
    let (head, body) = answer.ok()?.into_parts();
    let body = body.collect().await.ok();
    driver.abort();
    let body = body?;
    Some(Read {
        status: head.status,
        headers: head.headers,
        trailers: body.trailers().cloned(),
        body: body.to_bytes().to_vec(),
    })
}

#[test]
fn what_is_clear_is_read() {
    for (input, method, status, body) in [
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcHTTP/1.1 500",
            Method::GET,
            200,
            "abc",
        ),
        (
            "HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n",
            Method::HEAD,
            200,
            "",
        ),
        (
            "HTTP/1.1 304 Not Modified\r\ncontent-length: 3\r\n\r\nabc",
            Method::GET,
            304,
            "",
        ),
        ("HTTP/1.1 204 \r\n\r\n", Method::GET, 204, ""),
        (
            "HTTP/1.1 200\r\n\r\nuntil the end",
            Method::GET,
            200,
            "until the end",
        ),
        ("HTTP/1.0 200 OK\r\n\r\nold", Method::GET, 200, "old"),
        (
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nlink: x\r\n\r\nHTTP/1.1 201 C\r\nTransfer-Encoding: Chunked\r\n\r\n3;a=b\r\nabc\r\n10\r\n0123456789abcdef\r\n0\r\nx: y\r\n\r\n",
            Method::GET,
            201,
            "abc0123456789abcdef",
        ),
        (
            "HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\n\r\n\0\0",
            Method::GET,
            101,
            "",
        ),
    ] {
        let read = read(input.as_bytes(), &[], &method).unwrap();
        assert_eq!(read.status, status, "{input:?}");
        assert_eq!(read.body, body.as_bytes(), "{input:?}");
    }
}

/// What is no answer, or none that is whole.
const NO_ANSWERS: &[(&str, Malformed)] = &[
    ("", BrokeOff),
    ("HTTP/1.1 200 OK\r\n", BrokeOff),
    ("HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nab", BrokeOff),
    (
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\n",
        BrokeOff,
    ),
    ("SSH-2.0\r\n", Head),
    ("\r\nHTTP/1.1 200 OK\r\n\r\n", Head),
    ("HTTP/2.0 200 OK\r\n\r\n", Head),
    ("HTTP/1.2 200 OK\r\n\r\n", Head),
    ("HTTP/1.1 20 OK\r\n\r\n", Head),
    ("HTTP/1.1 099 OK\r\n\r\n", Head),
    ("HTTP/1.1 200 OK\r\nx : y\r\n\r\n", Head),
    ("HTTP/1.1 200 OK\r\nx: y\r\n z\r\n\r\n", Head),
    ("HTTP/1.1 200 OK\r\nx: \0\r\n\r\n", Head),
    ("HTTP/1.1 200 OK\r\nx: a\rb\r\n\r\n", Head),
    (
        "HTTP/1.1 200 OK\r\nx: a\ncontent-length: 0\r\n\r\n",
        BareLineFeed,
    ),
    ("HTTP/1.1 200 OK\n\n", BareLineFeed),
];

/// Answers that end in a place that is not clear.
const UNCLEAR_ENDS: &[(&str, Malformed)] = &[
    (
        "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 1\r\n\r\na",
        ContentLength,
    ),
    (
        "HTTP/1.1 200 OK\r\ncontent-length: 1, 1\r\n\r\na",
        ContentLength,
    ),
    (
        "HTTP/1.1 200 OK\r\ncontent-length: +1\r\n\r\na",
        ContentLength,
    ),
    ("HTTP/1.1 200 OK\r\ncontent-length:\r\n\r\na", ContentLength),
    (
        "HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n",
        TransferEncoding,
    ),
    (
        "HTTP/1.1 200 OK\r\ntransfer-encoding: identity\r\n\r\n",
        TransferEncoding,
    ),
    (
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n",
        TransferEncoding,
    ),
    (
        "HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n",
        TransferEncoding,
    ),
    (
        "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n",
        AmbiguousLength,
    ),
    (
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0x1\r\na\r\n",
        Chunk,
    ),
    (
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nab\r\n",
        Chunk,
    ),
    (
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\na\r\n",
        Chunk,
    ),
    (
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nfffffffffffffffff\r\n",
        Chunk,
    ),
    (
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\ncontent-length: 1\r\n\r\n",
        Chunk,
    ),
];

#[test]
fn what_is_not_is_malformed() {
    let large = format!("HTTP/1.1 200 OK\r\nx: {}", "y".repeat(64 << 10));
    let endless = "HTTP/1.1 102 Processing\r\n\r\n".repeat(3_000);
    let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "x: y\r\n".repeat(101));
    let too_large = [&*large, &endless, &many].map(|input| (input, TooLarge));
    for (input, why) in NO_ANSWERS.iter().chain(UNCLEAR_ENDS).chain(&too_large) {
        let found = read(input.as_bytes(), &[], &Method::GET);
        assert_eq!(found, Err(*why), "{:?}", &input[..input.len().min(80)]);
    }
}

/// Another answer follows only one that ended, and did not say that it is the last.
#[test]
fn connections_go_on_behind_clear_ends_only() {
    for (input, method, follows) in [
        (
            "HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\na",
            Method::GET,
            true,
        ),
        (
            "HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n",
            Method::GET,
            false,
        ),
        (
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
            Method::GET,
            true,
        ),
        (
            "HTTP/1.1 200 OK\r\ncontent-length: 1\r\nconnection: x, Close\r\n\r\na",
            Method::GET,
            false,
        ),
        (
            "HTTP/1.1 200 OK\r\nconnection: close\r\nconnection: keep-alive\r\ncontent-length: 0\r\n\r\n",
            Method::GET,
            false,
        ),
        (
            "HTTP/1.0 200 OK\r\ncontent-length: 1\r\n\r\na",
            Method::GET,
            false,
        ),
        (
            "HTTP/1.0 200 OK\r\nconnection: keep-alive\r\ncontent-length: 1\r\n\r\na",
            Method::GET,
            true,
        ),
        ("HTTP/1.1 200 OK\r\n\r\n", Method::HEAD, true),
        ("HTTP/1.1 101 X\r\n\r\n", Method::GET, false),
        ("HTTP/1.1 200 OK\r\n\r\n", Method::CONNECT, false),
    ] {
        let mut reader = AnswerReader::new(method);
        let mut buffer = BytesMut::from(input);
        while !matches!(reader.next(&mut buffer), Ok(None | Some(AnswerEvent::End))) {}
        assert_eq!(reader.may_follow(), follows, "{input:?}");
    }
}

/// Answers of all kinds, and what is nearly one.
fn answer() -> impl Strategy<Value = Vec<u8>> {
    let starts = [
        "HTTP/1.1 200 OK\r\n",
        "HTTP/1.1 200 OK\r\n",
        "HTTP/1.0 200 OK\r\n",
        "HTTP/1.1 204 No Content\r\n",
        "HTTP/1.1 304 \r\n",
        "HTTP/1.1 404\r\n",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 caf\u{e9}\r\n",
        "HTTP/1.1 103 Hints\r\nlink: x\r\n\r\nHTTP/1.1 500 X\r\n",
        "HTTP/1.1 101 X\r\n",
    ];
    let fields = [
        "content-length: 3\r\n",
        "Content-Length: 10\r\n",
        "transfer-encoding: chunked\r\n",
        "Transfer-Encoding:chunked\t\r\n",
        "connection: close\r\n",
        "x-a: \t b c \r\n",
        "x-a:\r\n",
        "set-cookie: a\r\nset-cookie: b\r\n",
        " folded\r\n",
        "x : y\r\n",
        "bare: lf\n",
        "no colon\r\n",
    ];
    let bodies = [
        "abc",
        "0123456789",
        "3\r\nabc\r\n",
        "A;x=\"y\"\r\n0123456789\r\n",
        "0\r\n\r\n",
        "0\r\nx-sum: 7\r\n\r\n",
        "0\r\nhost: b\r\n\r\n",
        "\r\n",
        "\n",
        "0",
        "HTTP/1.1 200 OK\r\n\r\n",
    ];
    let some = |of: &[&'static str], most: usize| {
        prop::collection::vec(prop::sample::select(of.to_vec()), 0..=most)
            .prop_map(|pieces| pieces.concat())
    };
    let changes = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0u8..4), 0..3);
    (
        prop::sample::select(starts.to_vec()),
        some(&fields, 3),
        some(&bodies, 4),
        changes,
    )
        .prop_map(|(start, fields, body, changes)| {
            let mut bytes = format!("{start}{fields}\r\n{body}").into_bytes();
            for (at, byte, kind) in changes {
                let at = at.index(bytes.len());
                match kind {
                    0 => bytes[at] = byte,
                    1 => bytes.insert(at, byte),
                    2 => drop(bytes.remove(at)),
                    _ => {}
                }
            }
            bytes
        })
}

fn method() -> impl Strategy<Value = Method> {
    prop::sample::select(vec![Method::GET, Method::GET, Method::POST, Method::HEAD])
}

proptest! {
    /// However the network cuts the stream, it says the same.
    #[test]
    fn any_split_reads_the_same(
        input in answer(),
        method in method(),
        cuts in prop::collection::vec(any::<usize>(), 0..40),
    ) {
        prop_assert_eq!(read(&input, &[], &method), read(&input, &cuts, &method));
    }

    #[test]
    fn noise_never_panics(
        input in prop::collection::vec(any::<u8>(), 0..300),
        whole in any::<bool>(),
    ) {
        let start: &[u8] = if whole { b"HTTP/1.1 200 OK\r\n" } else { b"" };
        drop(read(&[start, &input].concat(), &[], &Method::GET));
    }

    /// What is accepted here means the same to hyper.
    #[test]
    fn hyper_agrees_with_whatever_is_accepted(input in answer(), method in method()) {
        let Ok(ours) = read(&input, &[], &method) else { return Ok(()) };
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let theirs = runtime.block_on(read_by_hyper(&input, &method));
        prop_assert_eq!(Some(ours), theirs);
    }
}
