//! All that a client may send: the strict scanner, httparse and hyper agree on what passes.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| ninefold_fuzz::differ(input));
