//! Header lines and the characters of HTTP (RFC 9110, section 5.6).

use super::Refusal;

/// One header line, `value` without the white space around it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Field<'a> {
    pub(super) name: &'a [u8],
    pub(super) value: &'a [u8],
}

impl<'a> Field<'a> {
    /// Reads one line without its CRLF.
    pub(super) fn parse(line: &'a [u8]) -> Result<Self, Refusal> {
        if matches!(line.first(), Some(b' ' | b'\t')) {
            return Err(Refusal::FoldedField);
        }
        let colon = memchr::memchr(b':', line).ok_or(Refusal::FieldName)?;
        let (name, rest) = line.split_at(colon);
        if !is_token(name) {
            return Err(Refusal::FieldName);
        }
        let value = rest.get(1..).unwrap_or_default();
        if !value.iter().all(|b| is_value_byte(*b)) {
            return Err(Refusal::FieldValue);
        }
        Ok(Self {
            name,
            value: value.trim_ascii(),
        })
    }

    /// Whether the name is `name`, without regard to case.
    pub(super) const fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name.as_bytes())
    }
}

/// `token`: one or more of the characters that names and methods are made of.
pub(super) fn is_token(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(|b| is_token_byte(*b))
}

const fn is_value_byte(b: u8) -> bool {
    b == b'\t' || (b >= b' ' && b != 0x7f)
}

/// `tchar` (RFC 9110, section 5.6.2).
const fn is_token_byte(b: u8) -> bool {
    b.is_ascii_alphanumeric()
        || matches!(b, b'!' | b'#' | b'$' | b'%' | b'&' | b'\'' | b'*' | b'+')
        || matches!(b, b'-' | b'.' | b'^' | b'_' | b'`' | b'|' | b'~')
}

/// A plain decimal number as `Content-Length` allows: digits only, at most 18 of them.
pub(crate) fn number(text: &[u8]) -> Option<u64> {
    if text.is_empty() || text.len() > 18 || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    Some(
        text.iter()
            .fold(0, |sum, digit| sum * 10 + u64::from(digit - b'0')),
    )
}

/// `host [ ":" port ]` (RFC 3986, section 3.2) without user information.
pub(crate) fn is_authority(text: &[u8]) -> bool {
    let (host, port) = if text.first() == Some(&b'[') {
        let Some(end) = memchr::memchr(b']', text) else {
            return false;
        };
        let (host, rest) = text.split_at(end + 1);
        let inner = host.get(1..end).unwrap_or_default();
        let valid = |b: &u8| b.is_ascii_hexdigit() || matches!(b, b':' | b'.');
        if inner.is_empty() || !inner.iter().all(valid) {
            return false;
        }
        (host, rest)
    } else {
        text.split_at(memchr::memchr(b':', text).unwrap_or(text.len()))
    };
    let port_valid = match port.split_first() {
        None => true,
        Some((b':', digits)) => digits.len() <= 5 && digits.iter().all(u8::is_ascii_digit),
        Some(_) => false,
    };
    let host_byte = |b: &u8| {
        b.is_ascii_alphanumeric()
            || matches!(
                b,
                b'-' | b'.' | b'_' | b'~' | b'%' | b'!' | b'$' | b'&' | b'\'' | b'('
            )
            || matches!(
                b,
                b')' | b'*' | b'+' | b',' | b';' | b'=' | b'[' | b']' | b':'
            )
    };
    port_valid && !host.is_empty() && host.iter().all(host_byte)
}
