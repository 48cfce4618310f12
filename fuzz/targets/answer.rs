//! Answers of endpoints: the gateway's reader and hyper agree on what they are.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    ninefold_fuzz::answer(input);
    let chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".as_slice();
    ninefold_fuzz::answer(&[chunked, input].concat());
});
