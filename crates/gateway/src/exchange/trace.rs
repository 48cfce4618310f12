//! Request ids and W3C trace context.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};

use super::notable::Notable;
use crate::http1::Added;
use crate::worker::Worker;

pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
pub(super) const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
pub(super) const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// Bytes of a request id that is kept from a client at most.
const REQUEST_ID_MAX: usize = 128;

/// `00-` trace id `-` span id `-` flags.
const TRACEPARENT_LENGTH: usize = 55;

/// An id of the gateway's: 128 random bits.
const ID_LENGTH: usize = 32;

/// Makes or keeps the request's id and opens a new span in its trace. Returns both header values.
pub(super) fn identify(
    worker: &Worker,
    headers: &mut HeaderMap,
    added: &mut Added,
    trust: bool,
    notable: Notable,
) -> (HeaderValue, HeaderValue) {
    let kept = notable
        .get(headers, Notable::REQUEST_ID, REQUEST_ID)
        .filter(|id| trust && !id.is_empty() && id.len() <= REQUEST_ID_MAX)
        .cloned();
    // Both in one allocation.
    let mut text = [0; ID_LENGTH + TRACEPARENT_LENGTH];
    let (id, parent) = text.split_at_mut(ID_LENGTH);
    put_hex(id, 0, worker.random());
    put_hex(id, 16, worker.random());
    let known = notable
        .get(headers, Notable::TRACE, TRACEPARENT)
        .is_some_and(|value| read_traceparent(value.as_bytes(), parent));
    if !known {
        if notable.any(Notable::TRACE) {
            headers.remove(TRACESTATE);
        }
        parent.copy_from_slice(b"00-00000000000000000000000000000000-0000000000000000-01");
        put_hex(parent, 3, worker.random() | 1);
        put_hex(parent, 19, worker.random());
    }
    put_hex(parent, 36, worker.random() | 1);
    let text = Bytes::from_owner(text);
    let value = |bytes: Bytes| {
        HeaderValue::from_maybe_shared(bytes).unwrap_or_else(|_never| HeaderValue::from_static("-"))
    };
    let id = kept.unwrap_or_else(|| value(text.slice(..ID_LENGTH)));
    let parent = value(text.slice(ID_LENGTH..));
    if notable.any(Notable::REQUEST_ID) {
        headers.remove(REQUEST_ID);
    }
    if notable.any(Notable::TRACE) {
        headers.remove(TRACEPARENT);
    }
    added.put("x-request-id", id.clone());
    added.put("traceparent", parent.clone());
    (id, parent)
}

/// Copies a valid traceparent of version 00, or of a later one that begins the same way.
pub(crate) fn read_traceparent(value: &[u8], into: &mut [u8]) -> bool {
    let Some(head) = value.get(..TRACEPARENT_LENGTH) else {
        return false;
    };
    let hex = |range: std::ops::Range<usize>| {
        head.get(range)
            .is_some_and(|part| part.iter().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')))
    };
    let some = |range: std::ops::Range<usize>| {
        head.get(range)
            .is_some_and(|part| part.iter().any(|b| *b != b'0'))
    };
    let dashes = [2, 35, 52].iter().all(|at| head.get(*at) == Some(&b'-'));
    let version = head.starts_with(b"00") && value.len() == TRACEPARENT_LENGTH
        || !head.starts_with(b"00") && !head.starts_with(b"ff");
    let valid = dashes
        && version
        && hex(0..2)
        && hex(3..35)
        && hex(36..52)
        && hex(53..55)
        && some(3..35)
        && some(36..52);
    if valid {
        into.copy_from_slice(head);
        // What is passed on is of the version that is spoken here.
        if let Some(version) = into.get_mut(..2) {
            version.copy_from_slice(b"00");
        }
    }
    valid
}

fn put_hex(text: &mut [u8], at: usize, value: u64) {
    let [a, b, c, d, e, f, g, h] = value.to_be_bytes();
    if let Some((first, rest)) = text.get_mut(at..).and_then(<[u8]>::split_first_chunk_mut)
        && let Some(second) = rest.first_chunk_mut()
    {
        *first = hex(u32::from_be_bytes([a, b, c, d]));
        *second = hex(u32::from_be_bytes([e, f, g, h]));
    }
}

/// Eight digits at once. Every nibble gets a byte of its own; then all become text together.
const fn hex(value: u32) -> [u8; 8] {
    let mut bytes = value as u64;
    bytes = (bytes | bytes << 16) & 0x0000_ffff_0000_ffff;
    bytes = (bytes | bytes << 8) & 0x00ff_00ff_00ff_00ff;
    bytes = (bytes | bytes << 4) & 0x0f0f_0f0f_0f0f_0f0f;
    // 1 in every byte above 9.
    let letters = (bytes + 0x0606_0606_0606_0606) >> 4 & 0x0101_0101_0101_0101;
    let digits = bytes + 0x3030_3030_3030_3030 + letters * (b'a' - b'9' - 1) as u64;
    digits.to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_valid_trace_parents() {
        let valid = |text: &str| read_traceparent(text.as_bytes(), &mut [0; TRACEPARENT_LENGTH]);
        let good = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        assert!(valid(good));
        assert!(valid(&good.replacen("00", "01", 1)));
        assert!(valid(&format!("{}-more", good.replacen("00", "cc", 1))));
        for bad in [
            "",
            "00",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0x",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
        ] {
            assert!(!valid(bad), "{bad}");
        }
    }

    #[test]
    fn writes_hex() {
        let mut text = *b"__________________";
        put_hex(&mut text, 1, 0x0123_4567_89ab_cdef);
        assert_eq!(&text, b"_0123456789abcdef_");
        put_hex(&mut text, 1, 0xfedc_ba98_7654_3210);
        assert_eq!(&text, b"_fedcba9876543210_");
    }
}
