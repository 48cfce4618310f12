//! How much time a caller leaves, and when a server wants to be asked again.
#![no_main]

use std::time::Duration;

use ninefold_core::policy::Pushback;
use ninefold_core::policy::classify::{GrpcStatus, HttpStatus};
use ninefold_core::policy::deadline::{GrpcTimeout, TimeLeft};
use ninefold_core::time::Timestamp;

libfuzzer_sys::fuzz_target!(|text: &str| {
    if let Ok(left) = text.parse::<TimeLeft>() {
        assert_eq!(left.to_string().parse(), Ok(left));
        assert!(left.0 < Duration::from_millis(10_000_000_000));
    }
    if let Ok(left) = text.parse::<GrpcTimeout>() {
        let again: GrpcTimeout = left.to_string().parse().expect("what is written is read");
        assert!(again <= left, "the callee never believes in more");
        assert_eq!(again.to_string().parse(), Ok(again));
    }
    let wall = Timestamp::from_secs(1_795_489_301);
    for status in [429, 503, 200] {
        let pushback = HttpStatus(status).pushback(Some(text), wall);
        assert!(status != 200 || pushback == Pushback::Unsaid);
    }
    if let Pushback::After(wait) = GrpcStatus::pushback(Some(text)) {
        assert!(wait.as_millis() <= 2_147_483_647, "{text:?} is {wait:?}");
    }
});
