//! Request ids and W3C trace context.

use http::{HeaderMap, HeaderName, HeaderValue};

use crate::worker::Worker;

pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
pub(super) const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
pub(super) const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// Bytes of a request id that is kept from a client at most.
const REQUEST_ID_MAX: usize = 128;

/// `00-` trace id `-` span id `-` flags.
const TRACEPARENT_LENGTH: usize = 55;

/// Makes or keeps the request's id and opens a new span in its trace. Returns both header values.
pub(super) fn identify(
    worker: &Worker,
    headers: &mut HeaderMap,
    trust: bool,
) -> (HeaderValue, HeaderValue) {
    let kept = headers
        .get(REQUEST_ID)
        .filter(|id| trust && !id.is_empty() && id.len() <= REQUEST_ID_MAX)
        .cloned();
    let mut parent = [0u8; TRACEPARENT_LENGTH];
    let known = headers
        .get(TRACEPARENT)
        .is_some_and(|value| copy_valid(value.as_bytes(), &mut parent));
    if !known {
        headers.remove(TRACESTATE);
        parent.copy_from_slice(b"00-00000000000000000000000000000000-0000000000000000-01");
        put_hex(&mut parent, 3, worker.random() | 1);
        put_hex(&mut parent, 19, worker.random());
    }
    put_hex(&mut parent, 36, worker.random() | 1);
    let value = |bytes: &[u8]| {
        HeaderValue::from_bytes(bytes).unwrap_or_else(|_never| HeaderValue::from_static("-"))
    };
    let id = kept.unwrap_or_else(|| {
        let mut id = [0u8; 32];
        put_hex(&mut id, 0, worker.random());
        put_hex(&mut id, 16, worker.random());
        value(&id)
    });
    let parent = value(&parent);
    headers.insert(REQUEST_ID, id.clone());
    headers.insert(TRACEPARENT, parent.clone());
    (id, parent)
}

/// Copies a valid traceparent of version 00, or of a later one that begins the same way.
fn copy_valid(value: &[u8], into: &mut [u8; TRACEPARENT_LENGTH]) -> bool {
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
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for (index, slot) in text.iter_mut().skip(at).take(16).enumerate() {
        let nibble = (value >> (60 - 4 * index)) & 0xf;
        *slot = usize::try_from(nibble)
            .ok()
            .and_then(|nibble| DIGITS.get(nibble))
            .copied()
            .unwrap_or(b'0');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_valid_trace_parents() {
        let valid = |text: &str| copy_valid(text.as_bytes(), &mut [0; TRACEPARENT_LENGTH]);
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
    }
}
