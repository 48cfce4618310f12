//! Trailers and chunks, as they are written.

use http::header::{
    AUTHORIZATION, CACHE_CONTROL, CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE,
    CONTENT_TYPE, HOST, MAX_FORWARDS, SET_COOKIE, TE, TRAILER, TRANSFER_ENCODING, UPGRADE,
};
use http::{HeaderMap, HeaderName, HeaderValue};

/// Fields that change what a message means or where it goes (RFC 9110, section 6.5.1), or are for one
/// hop only: HTTP/2 takes a message with such a trailer for malformed.
const NEVER: [HeaderName; 16] = [
    AUTHORIZATION,
    CACHE_CONTROL,
    CONNECTION,
    CONTENT_ENCODING,
    CONTENT_LENGTH,
    CONTENT_RANGE,
    CONTENT_TYPE,
    HOST,
    MAX_FORWARDS,
    SET_COOKIE,
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
];

/// The names that a message announces as trailers.
fn announced(headers: &HeaderMap) -> impl Iterator<Item = HeaderName> {
    headers
        .get_all(TRAILER)
        .iter()
        .flat_map(|value| value.as_bytes().split(|b| *b == b','))
        .filter_map(|name| HeaderName::from_bytes(name.trim_ascii()).ok())
}

/// The trailers that may be passed on: those that `headers` announced. Whoever receives them may
/// have merged them with the headers, unasked, so nothing stands there that nobody expects.
pub(crate) fn permitted(headers: &HeaderMap) -> Vec<HeaderName> {
    announced(headers)
        .filter(|name| !NEVER.contains(name))
        .collect()
}

/// Writes fields as lines.
pub(crate) fn write_fields<'a>(
    out: &mut Vec<u8>,
    fields: impl Iterator<Item = (&'a HeaderName, &'a HeaderValue)>,
) {
    for (name, value) in fields {
        write_field(out, name.as_str(), value);
    }
}

/// Writes one field.
pub(crate) fn write_field(out: &mut Vec<u8>, name: &str, value: &HeaderValue) {
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b": ");
    out.extend_from_slice(value.as_bytes());
    out.extend_from_slice(b"\r\n");
}

/// Writes `content-length`.
pub(crate) fn write_length(out: &mut Vec<u8>, length: u64) {
    let mut digits = [b'0'; 20];
    let mut start = digits.len() - 1;
    let mut left = length;
    for (at, digit) in digits.iter_mut().enumerate().rev() {
        // A remainder of ten.
        *digit += u8::try_from(left % 10).unwrap_or(0);
        start = at;
        left /= 10;
        if left == 0 {
            break;
        }
    }
    out.extend_from_slice(b"content-length: ");
    out.extend_from_slice(digits.get(start..).unwrap_or_default());
    out.extend_from_slice(b"\r\n");
}

/// Writes the size line of a chunk.
pub(crate) fn write_chunk_size(out: &mut Vec<u8>, size: usize) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let length = (usize::BITS - size.leading_zeros()).div_ceil(4).max(1);
    for digit in (0..length).rev() {
        let nibble = size >> (4 * digit) & 0xf;
        out.extend(DIGITS.get(nibble));
    }
    out.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_decimal() {
        for length in [0, 1, 9, 10, 99, 100, 16_384, u64::MAX] {
            let mut out = Vec::new();
            write_length(&mut out, length);
            assert_eq!(
                String::from_utf8(out).unwrap(),
                format!("content-length: {length}\r\n")
            );
        }
    }

    #[test]
    fn sizes_are_hexadecimal() {
        for size in [
            0,
            1,
            9,
            10,
            15,
            16,
            255,
            256,
            4_096,
            0xdead_beef,
            usize::MAX,
        ] {
            let mut out = Vec::new();
            write_chunk_size(&mut out, size);
            assert_eq!(String::from_utf8(out).unwrap(), format!("{size:x}\r\n"));
        }
    }

    #[test]
    fn trailers_are_announced_and_harmless() {
        let mut headers = HeaderMap::new();
        assert!(permitted(&headers).is_empty());
        headers.append(TRAILER, HeaderValue::from_static("x-sum, Host,,X-B"));
        headers.append(
            TRAILER,
            HeaderValue::from_static("content-length, a b, Keep-Alive"),
        );
        assert_eq!(permitted(&headers), ["x-sum", "x-b"]);
    }
}
