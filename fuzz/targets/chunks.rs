//! A chunked body, its extensions and trailers, and the request behind it.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let head = b"POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n".as_slice();
    let next = b"GET /b HTTP/1.1\r\nHost: a\r\n\r\n";
    ninefold_fuzz::differ(&[head, input].concat());
    ninefold_fuzz::differ(&[head, input, next].concat());
});
