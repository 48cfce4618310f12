//! One complete head: request line and headers.

use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_LENGTH, EXPECT, HOST, TE, TRANSFER_ENCODING, UPGRADE};
use http::request::Parts;
use http::{HeaderName, HeaderValue, Method, Request, Uri, Version};

use super::Refusal;
use super::field::{is_authority, is_token, number};
use crate::http1::{Framing, map_for};

/// Bytes of a target at most: what `http::Uri` can hold.
const TARGET_MAX: usize = (u16::MAX - 1) as usize;

/// Headers of a client for which there is room at once.
const EXPECTED: usize = 64;

/// A request's head.
#[derive(Clone, Debug)]
pub struct RequestHead {
    /// The request line and the headers as they came.
    pub parts: Parts,
    /// How long the body is.
    pub framing: Framing,
    /// Whether it asks to leave HTTP.
    pub upgrade: bool,
    /// Whether it announces that the client sends no other request.
    pub last: bool,
    /// Whether the client waits for `100 Continue` before it sends the body.
    pub expects: bool,
    /// Whether the client reads trailers.
    pub trailers: bool,
}

#[derive(Default)]
struct Fields {
    host: Option<HeaderValue>,
    length: Option<u64>,
    chunked: bool,
    upgrade: bool,
    connection_upgrade: bool,
    connection_close: bool,
    connection_keep_alive: bool,
    expects: bool,
    trailers: bool,
}

/// Reads a complete head, up to and with its empty line.
pub(super) fn parse(head: &Bytes, headers_max: u32) -> Result<RequestHead, Refusal> {
    let mut lines = Lines(head);
    let request_line = lines.next().ok_or(Refusal::RequestLine)??;
    let (method, target, version) = split_request_line(request_line)?;
    let old = version == Version::HTTP_10;
    let mut fields = Fields::default();
    let expected = memchr::memchr_iter(b'\n', head).take(EXPECTED).count();
    let mut headers = map_for(expected);
    let mut count = 0u32;
    for line in lines {
        let line = line?;
        if line.is_empty() {
            break;
        }
        count += 1;
        if count > headers_max {
            return Err(Refusal::HeadTooLarge);
        }
        let (name, value) = field(head, line)?;
        fields.take(&name, &value, old)?;
        headers
            .try_append(name, value)
            .map_err(|_full| Refusal::HeadTooLarge)?;
    }
    if fields.chunked && fields.length.is_some() {
        return Err(Refusal::AmbiguousLength);
    }
    if fields.host.is_none() && !old {
        return Err(Refusal::Host);
    }
    check_target(method, target, fields.host.as_ref())?;
    let (mut parts, ()) = Request::new(()).into_parts();
    parts.method = Method::from_bytes(method).map_err(|_long| Refusal::RequestLine)?;
    parts.uri = Uri::from_maybe_shared(head.slice_ref(target)).map_err(|_form| Refusal::Target)?;
    parts.version = version;
    parts.headers = headers;
    Ok(RequestHead {
        parts,
        framing: if fields.chunked {
            Framing::Chunked
        } else {
            Framing::Length(fields.length.unwrap_or(0))
        },
        upgrade: fields.upgrade && fields.connection_upgrade && !old,
        last: fields.connection_close || old && !fields.connection_keep_alive,
        expects: fields.expects && !old,
        trailers: fields.trailers && !old,
    })
}

/// Reads one line without its CRLF. Which characters are allowed is known to the types.
fn field(head: &Bytes, line: &[u8]) -> Result<(HeaderName, HeaderValue), Refusal> {
    if matches!(line.first(), Some(b' ' | b'\t')) {
        return Err(Refusal::FoldedField);
    }
    let colon = memchr::memchr(b':', line).ok_or(Refusal::FieldName)?;
    let (name, rest) = line.split_at(colon);
    let name = HeaderName::from_bytes(name).map_err(|_token| Refusal::FieldName)?;
    let value = trim(rest.get(1..).unwrap_or_default());
    let value = HeaderValue::from_maybe_shared(head.slice_ref(value));
    Ok((name, value.map_err(|_control| Refusal::FieldValue)?))
}

/// Without the spaces and tabs around it; other white space is for no value to have.
const fn trim(mut value: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = value {
        value = rest;
    }
    value
}

impl Fields {
    fn take(&mut self, name: &HeaderName, value: &HeaderValue, old: bool) -> Result<(), Refusal> {
        let text = value.as_bytes();
        if *name == HOST {
            let twice = self.host.replace(value.clone()).is_some();
            if twice || !is_authority(text) {
                return Err(Refusal::Host);
            }
        } else if *name == UPGRADE {
            self.upgrade = true;
        } else if *name == CONNECTION {
            for option in text.split(|b| *b == b',') {
                let option = option.trim_ascii();
                // What is read differently elsewhere would keep the connection, or a header.
                if !option.is_empty() && !is_token(option) {
                    return Err(Refusal::Connection);
                }
                let is = |name: &[u8]| option.eq_ignore_ascii_case(name);
                self.connection_upgrade |= is(b"upgrade");
                self.connection_close |= is(b"close");
                self.connection_keep_alive |= is(b"keep-alive");
            }
        } else if *name == CONTENT_LENGTH {
            let length = number(text).ok_or(Refusal::ContentLength)?;
            if self.length.replace(length).is_some() {
                return Err(Refusal::ContentLength);
            }
        } else if *name == TRANSFER_ENCODING {
            if old || self.chunked || !text.eq_ignore_ascii_case(b"chunked") {
                return Err(Refusal::TransferEncoding);
            }
            self.chunked = true;
        } else if *name == EXPECT {
            self.expects |= text.eq_ignore_ascii_case(b"100-continue");
        } else if *name == TE {
            let mut codings = text.split(|b| *b == b',').map(<[u8]>::trim_ascii);
            self.trailers |= codings.any(|coding| coding.eq_ignore_ascii_case(b"trailers"));
        }
        Ok(())
    }
}

/// Method, target and version.
fn split_request_line(line: &[u8]) -> Result<(&[u8], &[u8], Version), Refusal> {
    let mut parts = line.split(|b| *b == b' ');
    let (Some(method), Some(target), Some(version), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(Refusal::RequestLine);
    };
    if !is_token(method) || target.is_empty() {
        return Err(Refusal::RequestLine);
    }
    if target.len() > TARGET_MAX {
        return Err(Refusal::TargetTooLong);
    }
    if !is_target(target) {
        return Err(Refusal::Target);
    }
    match version {
        b"HTTP/1.1" => Ok((method, target, Version::HTTP_11)),
        b"HTTP/1.0" => Ok((method, target, Version::HTTP_10)),
        _ if version.starts_with(b"HTTP/") => Err(Refusal::Version),
        _ => Err(Refusal::RequestLine),
    }
}

/// A fragment or a character outside of ASCII never belongs into a target; parsers disagree about
/// what follows it. The others are those that `http::Uri` does not take.
pub(super) fn is_target(target: &[u8]) -> bool {
    let query = memchr::memchr(b'?', target).unwrap_or(target.len());
    let (path, query) = target.split_at(query);
    let common = |b: &u8| b.is_ascii_graphic() && !matches!(b, b'#' | b'<' | b'>');
    path.iter().all(|b| common(b) && *b != b'`') && query.iter().all(|b| common(b) && *b != b'"')
}

/// The four forms of RFC 9112, section 3.2.
fn check_target(method: &[u8], target: &[u8], host: Option<&HeaderValue>) -> Result<(), Refusal> {
    if method == b"CONNECT" {
        return Err(Refusal::Connect);
    }
    if target.first() == Some(&b'/') || (target == b"*" && method == b"OPTIONS") {
        return Ok(());
    }
    let after = |scheme: &[u8]| {
        target
            .get(..scheme.len())
            .filter(|start| start.eq_ignore_ascii_case(scheme))
            .and_then(|_| target.get(scheme.len()..))
    };
    let rest = after(b"http://")
        .or_else(|| after(b"https://"))
        .ok_or(Refusal::Target)?;
    let end = rest
        .iter()
        .position(|b| matches!(b, b'/' | b'?'))
        .unwrap_or(rest.len());
    let authority = rest.get(..end).unwrap_or_default();
    let agrees = host.is_none_or(|host| host.as_bytes().eq_ignore_ascii_case(authority));
    if agrees && is_authority(authority) {
        Ok(())
    } else {
        Err(Refusal::Target)
    }
}

/// Lines that end with CRLF; a bare CR or LF anywhere is an error.
pub(super) struct Lines<'a>(pub(super) &'a [u8]);

impl<'a> Iterator for Lines<'a> {
    type Item = Result<&'a [u8], Refusal>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let Some(end) = memchr::memchr(b'\n', self.0) else {
            self.0 = &[];
            return Some(Err(Refusal::BareLineFeed));
        };
        let (line, rest) = self.0.split_at(end);
        self.0 = rest.get(1..).unwrap_or_default();
        match line.split_last() {
            Some((b'\r', line)) if memchr::memchr(b'\r', line).is_none() => Some(Ok(line)),
            _ => Some(Err(Refusal::BareLineFeed)),
        }
    }
}
