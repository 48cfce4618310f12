//! The head of an answer, as it is written to a client.

use http::header::{CONNECTION, CONTENT_LENGTH, DATE, TRANSFER_ENCODING, UPGRADE};
use http::response::Parts;
use http::{HeaderName, HeaderValue, Method, StatusCode, Version};

use crate::http1::{permitted, write_fields, write_length};
use crate::strict::RequestHead;

/// What decides beside the answer itself how it is written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked {
    /// HTTP/1.0.
    pub(super) old: bool,
    /// `HEAD`.
    pub(super) head: bool,
    /// Whether the client reads trailers.
    pub(super) trailers: bool,
}

/// How an answer goes on behind its head.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Reply {
    /// Whether a body follows.
    pub(super) body: bool,
    pub(super) chunked: bool,
    /// Whether the connection ends behind it.
    pub(super) close: bool,
    /// The trailers that may follow.
    pub(super) trailers: Vec<HeaderName>,
}

impl Asked {
    pub(super) fn of(head: &RequestHead) -> Self {
        Self {
            old: head.parts.version == Version::HTTP_10,
            head: head.parts.method == Method::HEAD,
            trailers: head.trailers,
        }
    }
}

/// Writes a head with its empty line. `length` is that of the body, where it is known; `close` says
/// whether the connection has to end. What the answer's fields say about either is replaced.
pub(super) fn write_reply(
    out: &mut Vec<u8>,
    answer: &Parts,
    asked: Asked,
    length: Option<u64>,
    close: bool,
    date: &HeaderValue,
) -> Reply {
    let status = answer.status;
    let switches = status == StatusCode::SWITCHING_PROTOCOLS;
    let empty = status.is_informational() || status == StatusCode::NO_CONTENT;
    let body = !empty && !asked.head && status != StatusCode::NOT_MODIFIED;
    let chunked = body && length.is_none() && !asked.old;
    let mut reply = Reply {
        body,
        chunked,
        close: close || body && length.is_none() && asked.old,
        trailers: Vec::new(),
    };
    out.extend_from_slice(if asked.old {
        b"HTTP/1.0 "
    } else {
        b"HTTP/1.1 "
    });
    out.extend_from_slice(status.as_str().as_bytes());
    out.push(b' ');
    out.extend_from_slice(status.canonical_reason().unwrap_or_default().as_bytes());
    out.extend_from_slice(b"\r\n");
    let (mut said_length, mut dated) = (None, false);
    let fields = answer.headers.iter().filter(|(name, value)| {
        if **name == CONTENT_LENGTH {
            said_length = Some(*value);
            return false;
        }
        dated |= **name == DATE;
        !matches!(**name, CONNECTION | TRANSFER_ENCODING | UPGRADE)
    });
    write_fields(out, fields);
    if !dated {
        write_fields(out, [(&DATE, date)].into_iter());
    }
    if chunked {
        out.extend_from_slice(b"transfer-encoding: chunked\r\n");
        if asked.trailers {
            reply.trailers = permitted(&answer.headers);
        }
    } else if let (true, Some(length)) = (body, length) {
        write_length(out, length);
    } else if let (false, false, Some(said)) = (body, empty, said_length) {
        write_fields(out, [(&CONTENT_LENGTH, said)].into_iter());
    } else if let (true, Some(length @ 1..)) = (asked.head, length) {
        // A body is there that is not asked for. One of no length may be one that never came.
        write_length(out, length);
    }
    if switches {
        out.extend_from_slice(b"connection: upgrade\r\n");
        let protocol = answer.headers.get(UPGRADE);
        write_fields(
            out,
            protocol.map(|protocol| (&UPGRADE, protocol)).into_iter(),
        );
    } else if reply.close {
        out.extend_from_slice(b"connection: close\r\n");
    } else if asked.old {
        out.extend_from_slice(b"connection: keep-alive\r\n");
    }
    out.extend_from_slice(b"\r\n");
    reply
}

#[cfg(test)]
mod tests {
    use http::Response;

    use super::*;

    const NEW: Asked = Asked {
        old: false,
        head: false,
        trailers: false,
    };
    const OLD: Asked = Asked { old: true, ..NEW };
    const HEAD: Asked = Asked { head: true, ..NEW };

    fn written(
        status: u16,
        fields: &[(&str, &str)],
        asked: Asked,
        length: Option<u64>,
        close: bool,
    ) -> (String, Reply) {
        let mut answer = Response::builder().status(status);
        for (name, value) in fields {
            answer = answer.header(*name, *value);
        }
        let (parts, ()) = answer.body(()).unwrap().into_parts();
        let mut out = Vec::new();
        let date = HeaderValue::from_static("now");
        let reply = write_reply(&mut out, &parts, asked, length, close, &date);
        (String::from_utf8(out).unwrap(), reply)
    }

    /// What stands in the head of an answer with these fields behind the status line and the fields
    /// that are passed on.
    #[track_caller]
    fn check(status: u16, asked: Asked, length: Option<u64>, close: bool, framing: &[&str]) {
        let said: &[(&str, &str)] = &[
            ("content-length", "7"),
            ("transfer-encoding", "gzip"),
            ("connection", "x"),
            ("date", "then"),
            ("x-a", "1"),
        ];
        let (text, reply) = written(status, said, asked, length, close);
        let (line, fields) = text.split_once("\r\n").unwrap();
        let version = if asked.old { "1.0" } else { "1.1" };
        assert!(line.starts_with(&format!("HTTP/{version} {status} ")));
        let mut expected = "date: then\r\nx-a: 1\r\n".to_owned();
        for field in framing {
            expected += &format!("{field}\r\n");
        }
        assert_eq!(fields, expected + "\r\n");
        assert_eq!(reply.close, framing.contains(&"connection: close"));
        assert_eq!(
            reply.chunked,
            framing.contains(&"transfer-encoding: chunked")
        );
        assert_eq!(reply.body, !asked.head && ![204, 304].contains(&status));
    }

    #[test]
    fn framing_is_that_of_the_body() {
        let (three, seven) = ("content-length: 3", "content-length: 7");
        let (chunked, close) = ("transfer-encoding: chunked", "connection: close");
        check(200, NEW, Some(3), false, &[three]);
        check(200, NEW, Some(0), false, &["content-length: 0"]);
        check(299, NEW, None, false, &[chunked]);
        check(200, NEW, None, true, &[chunked, close]);
        check(200, NEW, Some(3), true, &[three, close]);
        check(200, OLD, Some(3), false, &[three, "connection: keep-alive"]);
        check(200, OLD, None, false, &[close]);
        check(200, HEAD, Some(0), false, &[seven]);
        check(200, HEAD, None, false, &[seven]);
        check(304, NEW, Some(0), false, &[seven]);
        check(204, NEW, Some(0), false, &[]);
    }

    #[test]
    fn what_is_missing_is_added() {
        let (text, _) = written(101, &[("upgrade", "x")], NEW, Some(0), false);
        assert_eq!(
            text,
            "HTTP/1.1 101 Switching Protocols\r\ndate: now\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n"
        );
        let (text, _) = written(200, &[], HEAD, Some(0), false);
        assert_eq!(
            text, "HTTP/1.1 200 OK\r\ndate: now\r\n\r\n",
            "its length is not known"
        );
        let (text, _) = written(200, &[], HEAD, Some(5), false);
        assert!(text.ends_with("\r\ncontent-length: 5\r\n\r\n"), "{text}");
    }

    #[test]
    fn trailers_go_to_whoever_reads_them() {
        let announced = &[("trailer", "x-sum, host")];
        let (_, reply) = written(200, announced, NEW, None, false);
        assert!(reply.trailers.is_empty());
        let asked = Asked {
            trailers: true,
            ..NEW
        };
        let (_, reply) = written(200, announced, asked, None, false);
        assert_eq!(reply.trailers, ["x-sum"]);
        let (_, reply) = written(200, announced, asked, Some(1), false);
        assert!(reply.trailers.is_empty());
    }
}
