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
pub(super) const fn is_token_byte(b: u8) -> bool {
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
    let end = if text.first() == Some(&b'[') {
        memchr::memchr(b']', text).map_or(text.len(), |end| end + 1)
    } else {
        memchr::memchr(b':', text).unwrap_or(text.len())
    };
    let (host, port) = text.split_at(end);
    let port_valid = match port.split_first() {
        None => true,
        Some((b':', digits)) => digits.len() <= 5 && digits.iter().all(u8::is_ascii_digit),
        Some(_) => false,
    };
    port_valid && (is_registered_name(host) || is_ipv6_literal(host))
}

/// `reg-name` and `IPv4address`; an empty name is no host of HTTP, and one with escapes is none that
/// could be sent on: [`http::uri::Authority`] knows no such names.
fn is_registered_name(host: &[u8]) -> bool {
    let name_byte = |b: &u8| {
        b.is_ascii_alphanumeric()
            || matches!(b, b'-' | b'.' | b'_' | b'~')
            || matches!(
                b,
                b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+' | b',' | b';' | b'='
            )
    };
    !host.is_empty() && host.iter().all(name_byte)
}

/// `IP-literal`, without the forms of versions to come.
fn is_ipv6_literal(host: &[u8]) -> bool {
    let inner = host
        .strip_prefix(b"[")
        .and_then(|rest| rest.strip_suffix(b"]"));
    inner
        .and_then(|inner| str::from_utf8(inner).ok())
        .is_some_and(|inner| inner.parse::<std::net::Ipv6Addr>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::is_authority;

    #[test]
    fn hosts_are_those_of_rfc_3986() {
        for good in [
            "a",
            "a.b:80",
            "a:",
            "127.0.0.1:1",
            "a_b",
            "a!$&'()*+,;=~-.b",
            "[1:2:3:4:5:6:7:8]:65535",
            "[::1]",
            "[::1]:80",
            "[::ffff:1.2.3.4]:1",
        ] {
            assert!(is_authority(good.as_bytes()), "{good}");
            assert!(good.parse::<http::uri::Authority>().is_ok(), "{good}");
        }
        for bad in [
            "",
            ":80",
            "a:b",
            "a:123456",
            "a:1:2",
            "u@a",
            "a/b",
            "a b",
            "a%20b",
            "a[b",
            "a]",
            "[]",
            "[::1",
            "[::1]80",
            "[1.2]",
            "[::1]]",
            "[v1.a]",
            "[::1%25eth0]",
            "a\u{e9}",
        ] {
            assert!(!is_authority(bad.as_bytes()), "{bad}");
        }
    }
}
