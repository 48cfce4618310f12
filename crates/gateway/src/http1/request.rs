//! The head of a request, as it is written to an endpoint.

use http::header::{CONTENT_LENGTH, HOST, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderValue, Method};

use super::{Added, Framing, write_field, write_fields, write_length};

/// What the head of a request consists of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RequestHead<'a> {
    pub(crate) method: &'a Method,
    /// In origin form, or `*`.
    pub(crate) target: &'a str,
    /// Without those that are for this hop only; what they say about the body's length is replaced.
    pub(crate) headers: &'a HeaderMap,
    /// What the gateway adds.
    pub(crate) added: &'a Added,
    /// `Host`, where `headers` have none.
    pub(crate) host: Option<&'a HeaderValue>,
    /// The protocol to change to.
    pub(crate) upgrade: Option<&'a HeaderValue>,
    /// Nothing where there is no body.
    pub(crate) body: Option<Framing>,
}

/// Writes a head with its empty line.
pub(crate) fn write_request(out: &mut Vec<u8>, head: &RequestHead<'_>) {
    out.extend_from_slice(head.method.as_str().as_bytes());
    out.push(b' ');
    out.extend_from_slice(head.target.as_bytes());
    out.extend_from_slice(b" HTTP/1.1\r\n");
    if let Some(host) = head.host {
        write_fields(out, [(&HOST, host)].into_iter());
    }
    let mut said_length = false;
    let fields = head.headers.iter().filter(|(name, _)| {
        let length = **name == CONTENT_LENGTH;
        said_length |= length;
        !length && **name != TRANSFER_ENCODING
    });
    write_fields(out, fields);
    for (name, value) in head.added.iter() {
        write_field(out, name, value);
    }
    match head.body {
        Some(Framing::Length(length)) => write_length(out, length),
        Some(Framing::Chunked | Framing::UntilClose) => {
            out.extend_from_slice(b"transfer-encoding: chunked\r\n");
        }
        None if said_length => write_length(out, 0),
        None => {}
    }
    if let Some(protocol) = head.upgrade {
        out.extend_from_slice(b"connection: upgrade\r\nupgrade: ");
        out.extend_from_slice(protocol.as_bytes());
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(headers: &HeaderMap, body: Option<Framing>) -> String {
        let head = RequestHead {
            method: &Method::PUT,
            target: "/a?b",
            headers,
            added: &Added::new(),
            host: None,
            upgrade: None,
            body,
        };
        let mut out = Vec::new();
        write_request(&mut out, &head);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn framing_is_that_of_the_body() {
        let mut headers = HeaderMap::new();
        headers.append("x-a", HeaderValue::from_static("1"));
        let start = "PUT /a?b HTTP/1.1\r\nx-a: 1\r\n";
        assert_eq!(written(&headers, None), format!("{start}\r\n"));
        headers.append(CONTENT_LENGTH, HeaderValue::from_static("7"));
        headers.append(TRANSFER_ENCODING, HeaderValue::from_static("gzip"));
        for (body, framing) in [
            (None, "content-length: 0"),
            (Some(Framing::Length(12)), "content-length: 12"),
            (Some(Framing::Chunked), "transfer-encoding: chunked"),
        ] {
            assert_eq!(written(&headers, body), format!("{start}{framing}\r\n\r\n"));
        }
    }

    #[test]
    fn what_is_added_stands_in_the_head() {
        let headers = HeaderMap::new();
        let mut added = Added::new();
        added.put("via", HeaderValue::from_static("1.1 x"));
        let head = RequestHead {
            method: &Method::GET,
            target: "*",
            headers: &headers,
            added: &added,
            host: Some(&HeaderValue::from_static("a:1")),
            upgrade: Some(&HeaderValue::from_static("websocket")),
            body: None,
        };
        let mut out = Vec::new();
        write_request(&mut out, &head);
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "GET * HTTP/1.1\r\nhost: a:1\r\nvia: 1.1 x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n"
        );
    }
}
