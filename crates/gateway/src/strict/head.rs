//! One complete head: request line and headers.

use super::Refusal;
use super::field::{Field, is_authority, is_token, number};

/// Bytes of a target at most: what `http::Uri` can hold.
const TARGET_MAX: usize = (u16::MAX - 1) as usize;

/// How long the body behind a head is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    /// So many bytes; 0 without a body.
    Length(u64),
    /// In chunks.
    Chunked,
}

/// What the scanner needs to know of a head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) framing: Framing,
    /// The client asks to leave HTTP after this request.
    pub(super) upgrade: bool,
    /// The client announces that it sends no other request.
    pub(super) last: bool,
}

#[derive(Default)]
struct Fields<'a> {
    host: Option<&'a [u8]>,
    length: Option<u64>,
    chunked: bool,
    upgrade: bool,
    connection_upgrade: bool,
    connection_close: bool,
    connection_keep_alive: bool,
}

/// Checks a complete head, up to and with its empty line.
pub(super) fn check(head: &[u8], headers_max: u32) -> Result<Head, Refusal> {
    let mut lines = Lines(head);
    let request_line = lines.next().ok_or(Refusal::RequestLine)??;
    let (method, target, old) = split_request_line(request_line)?;
    let mut fields = Fields::default();
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
        fields.take(Field::parse(line)?, old)?;
    }
    if fields.chunked && fields.length.is_some() {
        return Err(Refusal::AmbiguousLength);
    }
    if fields.host.is_none() && !old {
        return Err(Refusal::Host);
    }
    check_target(method, target, fields.host)?;
    Ok(Head {
        framing: if fields.chunked {
            Framing::Chunked
        } else {
            Framing::Length(fields.length.unwrap_or(0))
        },
        upgrade: fields.upgrade && fields.connection_upgrade && !old,
        last: fields.connection_close || old && !fields.connection_keep_alive,
    })
}

impl<'a> Fields<'a> {
    fn take(&mut self, field: Field<'a>, old: bool) -> Result<(), Refusal> {
        match field.name.len() {
            4 if field.is("host") => {
                let twice = self.host.replace(field.value).is_some();
                return if twice || !is_authority(field.value) {
                    Err(Refusal::Host)
                } else {
                    Ok(())
                };
            }
            7 if field.is("upgrade") => self.upgrade = true,
            10 if field.is("connection") => {
                for option in field.value.split(|b| *b == b',') {
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
            }
            14 if field.is("content-length") => {
                let length = number(field.value).ok_or(Refusal::ContentLength)?;
                if self.length.replace(length).is_some() {
                    return Err(Refusal::ContentLength);
                }
            }
            17 if field.is("transfer-encoding") => {
                if old || self.chunked || !field.value.eq_ignore_ascii_case(b"chunked") {
                    return Err(Refusal::TransferEncoding);
                }
                self.chunked = true;
            }
            _ => {}
        }
        Ok(())
    }
}

/// Method, target, and whether it is HTTP/1.0.
fn split_request_line(line: &[u8]) -> Result<(&[u8], &[u8], bool), Refusal> {
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
        b"HTTP/1.1" => Ok((method, target, false)),
        b"HTTP/1.0" => Ok((method, target, true)),
        _ if version.starts_with(b"HTTP/") => Err(Refusal::Version),
        _ => Err(Refusal::RequestLine),
    }
}

/// A fragment or a character outside of ASCII never belongs into a target; parsers disagree about
/// what follows it. The others are those that hyper takes for malformed: it would answer by itself,
/// uncounted.
pub(super) fn is_target(target: &[u8]) -> bool {
    let query = memchr::memchr(b'?', target).unwrap_or(target.len());
    let (path, query) = target.split_at(query);
    let common = |b: &u8| b.is_ascii_graphic() && !matches!(b, b'#' | b'<' | b'>');
    path.iter().all(|b| common(b) && *b != b'`') && query.iter().all(|b| common(b) && *b != b'"')
}

/// The four forms of RFC 9112, section 3.2.
fn check_target(method: &[u8], target: &[u8], host: Option<&[u8]>) -> Result<(), Refusal> {
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
    let agrees = host.is_none_or(|host| host.eq_ignore_ascii_case(authority));
    // Rare enough to be parsed twice: hyper must not refuse what was let through.
    if agrees && is_authority(authority) && http::Uri::try_from(target).is_ok() {
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
