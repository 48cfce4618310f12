//! The lines of a head that is well begun: names, values, framing, and what stands behind it.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let begun = b"POST /a HTTP/1.1\r\nHost: a\r\n".as_slice();
    ninefold_fuzz::differ(&[begun, input].concat());
});
