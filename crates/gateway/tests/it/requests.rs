//! Requests as they are read here, and as hyper reads them.

use std::cell::RefCell;
use std::convert::Infallible;
use std::rc::Rc;

use bytes::{Bytes, BytesMut};
use http::request::Parts;
use http::{HeaderMap, Method, Request, Response, Uri, Version};
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use ninefold_gateway::strict::{HeadLimits, Refusal, RequestEvent, RequestReader, Stage};
use proptest::prelude::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const LIMITS: HeadLimits = HeadLimits {
    size: 4_096,
    headers: 50,
};

/// A whole request.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Read {
    method: Method,
    uri: Uri,
    version: Version,
    headers: HeaderMap,
    body: Vec<u8>,
    trailers: Option<HeaderMap>,
}

impl Read {
    fn new(head: Parts) -> Self {
        Self {
            method: head.method,
            uri: head.uri,
            version: head.version,
            headers: head.headers,
            body: Vec::new(),
            trailers: None,
        }
    }
}

/// What is read of a stream: whole requests, one that is not, and why no more follow.
#[derive(Debug, Default, PartialEq, Eq)]
struct Stream {
    whole: Vec<Read>,
    part: Option<Read>,
    refused: Option<Refusal>,
    /// What is behind the last request or a request to leave HTTP.
    behind: bool,
}

/// Reads requests that come in pieces that end at `cuts`.
fn read(input: &[u8], cuts: &[usize]) -> Stream {
    let mut reader = RequestReader::new(LIMITS);
    let (mut buffer, mut at) = (BytesMut::new(), 0);
    let (mut stream, mut last) = (Stream::default(), false);
    let mut ends: Vec<usize> = cuts.iter().map(|cut| cut % (input.len() + 1)).collect();
    ends.push(input.len());
    ends.sort_unstable();
    for end in ends {
        buffer.extend_from_slice(&input[at..end]);
        at = end;
        loop {
            match reader.next(&mut buffer) {
                Ok(None) => break,
                Ok(Some(RequestEvent::Head(head))) => {
                    last = head.last || head.upgrade;
                    stream.part = Some(Read::new(head.parts));
                }
                Ok(Some(RequestEvent::Data(data))) => {
                    stream.part.as_mut().unwrap().body.extend_from_slice(&data);
                }
                Ok(Some(RequestEvent::Trailers(trailers))) => {
                    stream.part.as_mut().unwrap().trailers = Some(trailers);
                }
                Ok(Some(RequestEvent::End)) => {}
                Err(refusal) => {
                    stream.refused = Some(refusal);
                    return stream;
                }
            }
            if reader.stage() != Stage::Body {
                stream.whole.extend(stream.part.take());
                if last {
                    stream.behind = at - buffer.len() < input.len();
                    return stream;
                }
            }
        }
    }
    stream
}

/// The whole requests that hyper reads.
async fn read_by_hyper(input: &[u8]) -> Vec<Read> {
    let (ours, theirs) = tokio::io::duplex(1 << 20);
    let whole = Rc::new(RefCell::new(Vec::new()));
    let service = service_fn(|request: Request<Incoming>| {
        let whole = Rc::clone(&whole);
        async move {
            let (head, body) = request.into_parts();
            let mut read = Read::new(head);
            if let Ok(body) = body.collect().await {
                read.trailers = body.trailers().cloned();
                read.body = body.to_bytes().to_vec();
                whole.borrow_mut().push(read);
            }
            Ok::<_, Infallible>(Response::new(Empty::<Bytes>::new()))
        }
    });
    let connection = hyper::server::conn::http1::Builder::new()
        .half_close(true)
        .serve_connection(TokioIo::new(ours), service);
    let (mut answers, mut write) = tokio::io::split(theirs);
    let client = async {
        write.write_all(input).await.unwrap();
        write.shutdown().await.unwrap();
        answers.read_to_end(&mut Vec::new()).await.unwrap();
    };
    let (_ended, ()) = tokio::join!(connection, client);
    whole.take()
}

/// Streams of requests of all kinds, and what is nearly one.
fn stream() -> impl Strategy<Value = Vec<u8>> {
    let starts = [
        "GET / HTTP/1.1\r\nHost: a\r\n",
        "GET /a?b=c HTTP/1.1\r\nhost:a:80\r\n",
        "POST /p HTTP/1.1\r\nHost: a\r\n",
        "POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n",
        "PUT /p HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n",
        "GET http://a.b:1/x HTTP/1.1\r\nHost: a.b:1\r\n",
        "OPTIONS * HTTP/1.1\r\nHost: a\r\n",
        "GET / HTTP/1.0\r\n",
        "GET / HTTP/1.0\r\nConnection: keep-alive\r\n",
        "\r\nHEAD / HTTP/1.1\r\nHost: [::1]\r\n",
        "CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n",
        "GET / HTTP/2.0\r\nHost: a\r\n",
    ];
    let fields = [
        "content-length: 3\r\n",
        "Content-Length: 10\r\n",
        "transfer-encoding: chunked\r\n",
        "Transfer-Encoding:Chunked\t\r\n",
        "connection: close\r\n",
        "connection: x, Keep-Alive\r\n",
        "connection: upgrade\r\nupgrade: x\r\n",
        "expect: 100-continue\r\n",
        "te: trailers\r\n",
        "x-a: \t b c \r\n",
        "x-a:\r\n",
        "cookie: a\r\ncookie: b\r\n",
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
    ];
    let some = |of: &[&'static str], most: usize| {
        prop::collection::vec(prop::sample::select(of.to_vec()), 0..=most)
            .prop_map(|pieces| pieces.concat())
    };
    let request = (
        prop::sample::select(starts.to_vec()),
        some(&fields, 2),
        some(&bodies, 2),
    )
        .prop_map(|(start, fields, body)| format!("{start}{fields}\r\n{body}"));
    let changes = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0u8..6), 0..3);
    (prop::collection::vec(request, 1..4), changes).prop_map(|(requests, changes)| {
        let mut bytes = requests.concat().into_bytes();
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

#[test]
fn requests_follow_each_other() {
    let input = "POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc\
        PUT /2 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2;x\r\nde\r\n0\r\nx: y\r\n\r\n\
        GET /3 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\nGET /4";
    let stream = read(input.as_bytes(), &[]);
    let bodies: Vec<(&str, &[u8])> = stream
        .whole
        .iter()
        .map(|read| (read.uri.path(), &*read.body))
        .collect();
    assert_eq!(bodies, [("/1", &b"abc"[..]), ("/2", b"de"), ("/3", b"")]);
    assert_eq!(stream.whole[1].trailers.as_ref().unwrap()["x"], "y");
    assert!(stream.behind && stream.part.is_none());
    assert_eq!(stream.refused, None);
}

proptest! {
    /// However the network cuts the stream, it says the same.
    #[test]
    fn any_split_reads_the_same(
        input in stream(),
        cuts in prop::collection::vec(any::<usize>(), 0..40),
    ) {
        prop_assert_eq!(read(&input, &[]), read(&input, &cuts));
    }

    /// What is accepted here means the same to hyper.
    #[test]
    fn hyper_agrees_with_whatever_is_accepted(input in stream()) {
        let ours = read(&input, &[]).whole;
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let theirs = runtime.block_on(read_by_hyper(&input));
        prop_assert_eq!(&ours, &theirs[..ours.len().min(theirs.len())]);
    }
}
