//! Durations, sizes, shares and rates: what is read is written so that it is read the same.
#![no_main]

use std::fmt::Display;
use std::str::FromStr;

use ninefold_core::id::InstanceId;
use ninefold_core::policy::Level;
use ninefold_core::units::{Bytes, Rate, Ratio, Span};

libfuzzer_sys::fuzz_target!(|text: &str| {
    round_trip::<Span>(text);
    round_trip::<Bytes>(text);
    round_trip::<Ratio>(text);
    round_trip::<Rate>(text);
    round_trip::<InstanceId>(text);
    round_trip::<Level>(text);
});

fn round_trip<T: FromStr + Display + PartialEq>(text: &str) {
    if let Ok(value) = text.parse::<T>() {
        let written = value.to_string();
        let again = written.parse::<T>().ok();
        assert!(
            again.is_some_and(|again| again == value),
            "{text:?} {written:?}"
        );
    }
}
