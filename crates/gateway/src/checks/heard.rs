use std::fmt;

use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, StatusCode};
use ninefold_core::answer::{Ignore, Json};
use ring::digest::{SHA256, digest};

/// Characters of a body that evidence shows.
const EXCERPT_MAX: usize = 60;

/// A whole answer.
#[derive(Clone, Debug)]
pub(crate) struct Heard {
    pub(crate) status: StatusCode,
    /// Whether it says that it is JSON, and is not compressed.
    json: bool,
    pub(crate) body: Bytes,
}

/// What answers have in common that say the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Print {
    status: StatusCode,
    hash: [u8; 32],
}

impl Heard {
    /// An answer, if it is one: errors and refusals of an overloaded service are none.
    pub(crate) fn new(status: StatusCode, headers: &HeaderMap, body: Bytes) -> Option<Self> {
        let none = status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS;
        let kind = headers
            .get(CONTENT_TYPE)
            .and_then(|kind| kind.to_str().ok());
        let json = kind.is_some_and(|kind| kind.to_ascii_lowercase().contains("json"));
        (!none).then(|| Self {
            status,
            json: json && !headers.contains_key(CONTENT_ENCODING),
            body,
        })
    }

    /// The same with another status and body.
    pub(super) fn with(&self, status: u16, body: Bytes) -> Self {
        Self {
            status: StatusCode::from_u16(status).unwrap_or_default(),
            json: self.json,
            body,
        }
    }

    /// Of its normal form, without the members that do not count.
    pub(super) fn print(&self, ignore: &[Ignore]) -> Print {
        let json = self
            .json
            .then(|| serde_json::from_slice::<Json>(&self.body));
        let hash = match json {
            Some(Ok(json)) => {
                // No bytes that are compared as they are begin like this: they would be JSON.
                let normal = [b"json:", json.normal(ignore).as_slice()].concat();
                sha256(&normal)
            }
            _ => sha256(&self.body),
        };
        Print {
            status: self.status,
            hash,
        }
    }

    /// Status, length and hash, for evidence.
    pub(super) fn describe(&self, print: &Print) -> String {
        let status = self.status.as_u16();
        format!("{status} with {} bytes, {print}", self.body.len())
    }

    /// The beginning of its body, on one line.
    pub(super) fn excerpt(&self) -> String {
        let Ok(text) = std::str::from_utf8(&self.body) else {
            return "which is no text".to_owned();
        };
        let start: String = text.chars().take(EXCERPT_MAX).collect();
        let more = if start.len() < text.len() { "…" } else { "" };
        format!("\"{}{more}\"", start.escape_debug())
    }
}

impl fmt::Display for Print {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("hash ")?;
        let short = self.hash.iter().take(4);
        short
            .into_iter()
            .try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Of bytes as they are.
pub(super) fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    for (to, from) in hash.iter_mut().zip(digest(&SHA256, bytes).as_ref()) {
        *to = *from;
    }
    hash
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn heard(kind: &str, status: u16, body: &str) -> Option<Heard> {
        let kind = HeaderValue::try_from(kind).unwrap();
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, kind)]);
        let status = StatusCode::from_u16(status).unwrap();
        Heard::new(status, &headers, Bytes::copy_from_slice(body.as_bytes()))
    }

    fn print(kind: &str, status: u16, body: &str, ignore: &[&str]) -> Print {
        let ignore: Vec<Ignore> = ignore.iter().map(|path| path.parse().unwrap()).collect();
        heard(kind, status, body).unwrap().print(&ignore)
    }

    #[test]
    fn json_is_compared_as_json_and_anything_else_by_its_bytes() {
        let json = "application/problem+JSON; charset=utf-8";
        let (one, other) = (r#"{"a":1,"t":5}"#, r#"{ "t": 6, "a": 1 }"#);
        assert_ne!(print(json, 200, one, &[]), print(json, 200, other, &[]));
        assert_eq!(
            print(json, 200, one, &["$.t"]),
            print(json, 200, other, &["$.t"])
        );
        assert_ne!(
            print("text/plain", 200, one, &["$.t"]),
            print("text/plain", 200, other, &["$.t"])
        );
        assert_ne!(print(json, 200, one, &[]), print(json, 404, one, &[]));
        // Broken off, it is no JSON any more, and still an answer.
        assert_ne!(
            print(json, 200, one, &["$.t"]),
            print(json, 200, &one[..9], &["$.t"])
        );
    }

    #[test]
    fn errors_are_no_answers() {
        for (status, is) in [
            (200, true),
            (404, true),
            (429, false),
            (500, false),
            (503, false),
        ] {
            assert_eq!(heard("text/plain", status, "x").is_some(), is, "{status}");
        }
    }

    #[test]
    fn evidence_shows_the_beginning_of_a_body_on_one_line() {
        let long = format!("a\n\"{}", "é".repeat(100));
        let excerpt = heard("text/plain", 200, &long).unwrap().excerpt();
        assert!(excerpt.starts_with("\"a\\n\\\"éé"), "{excerpt}");
        assert!(excerpt.ends_with("é…\"") && excerpt.chars().count() < 70);
        let x = heard("text/plain", 200, "x").unwrap();
        assert_eq!(x.excerpt(), "\"x\"");
        let bytes = x.with(200, Bytes::from_static(&[0xff, 0xfe]));
        assert_eq!(bytes.excerpt(), "which is no text");
    }
}
