//! What a client says about itself: whose host it wants, and the trace that it is a part of.
#![no_main]

use ninefold_gateway::fuzzing::{authority, traceparent};

libfuzzer_sys::fuzz_target!(|text: &[u8]| {
    if authority(text) {
        assert!(http::HeaderValue::from_bytes(text).is_ok());
        assert!(
            http::uri::Authority::try_from(text).is_ok(),
            "a request can name it"
        );
        assert!(
            text.iter()
                .all(|b| b.is_ascii_graphic() && !b"/?#@\\\"<>".contains(b))
        );
    }
    if let Some(taken) = traceparent(text) {
        assert_eq!(
            traceparent(&taken),
            Some(taken),
            "what is passed on is valid"
        );
        assert!(taken.starts_with(b"00-"));
        assert!(
            taken
                .iter()
                .all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f' | b'-'))
        );
    }
});
