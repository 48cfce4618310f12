//! Whether an answer says clearly how long it is.

use http::HeaderMap;
use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};

/// Whether an answer's framing can be read in one way only. hyper reads `chunked` beside a length,
/// hides codings other than `chunked`, and passes lists of equal lengths on; the client would get
/// a body that is cut, garbled, or that it frames differently.
pub(super) fn is_plain(headers: &HeaderMap) -> bool {
    let mut lengths = headers.get_all(CONTENT_LENGTH).iter();
    let mut codings = headers.get_all(TRANSFER_ENCODING).iter();
    match (lengths.next(), codings.next()) {
        (None, None) => true,
        (Some(length), None) => {
            lengths.next().is_none() && length.as_bytes().iter().all(u8::is_ascii_digit)
        }
        (None, Some(coding)) => {
            codings.next().is_none() && coding.as_bytes().eq_ignore_ascii_case(b"chunked")
        }
        (Some(_), Some(_)) => false,
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};

    use super::*;

    #[test]
    fn one_length_or_chunks() {
        let plain = |fields: &[(&'static str, &'static str)]| {
            is_plain(
                &fields
                    .iter()
                    .map(|(name, value)| {
                        (
                            HeaderName::from_static(name),
                            HeaderValue::from_static(value),
                        )
                    })
                    .collect(),
            )
        };
        assert!(plain(&[]));
        assert!(plain(&[("content-length", "5")]));
        assert!(plain(&[("transfer-encoding", "Chunked")]));
        for bad in [
            [("content-length", "5"), ("transfer-encoding", "chunked")].as_slice(),
            &[("content-length", "5, 5")],
            &[("content-length", "5"), ("content-length", "5")],
            &[("transfer-encoding", "gzip, chunked")],
            &[("transfer-encoding", "chunked, gzip")],
            &[("transfer-encoding", "identity")],
        ] {
            assert!(!plain(bad), "{bad:?}");
        }
    }
}
