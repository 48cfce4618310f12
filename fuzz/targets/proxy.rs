//! The header of the PROXY protocol that a connection may begin with.
#![no_main]

use std::net::IpAddr;

use ninefold_gateway::proxy_protocol::parse;

/// What version 2 begins with.
const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    for start in [b"".as_slice(), b"PROXY ", SIGNATURE] {
        let bytes = [start, input].concat();
        let Ok(Some(header)) = parse(&bytes) else {
            continue;
        };
        let (own, _) = bytes.split_at(header.size);
        assert_eq!(parse(own), Ok(Some(header)), "what follows does not matter");
        for end in 0..own.len() {
            let part = own.get(..end).unwrap_or_default();
            assert_eq!(parse(part), Ok(None), "it is not there before its end");
        }
        let known = own.starts_with(b"PROXY ").then(|| line(own)).flatten();
        if let Some(ip) = known {
            assert_eq!(header.client.map(|client| client.ip()), Some(ip));
        }
    }
});

/// Whose line of version 1 it is, read in another way.
fn line(header: &[u8]) -> Option<IpAddr> {
    assert!(header.len() <= 107 && header.ends_with(b"\r\n"));
    let text = std::str::from_utf8(header).expect("a line is text");
    let mut words = text.split_ascii_whitespace().skip(1);
    let family = words.next().expect("it names a family");
    (family != "UNKNOWN").then(|| {
        assert_eq!(words.clone().count(), 4);
        words
            .next()
            .and_then(|ip| ip.parse().ok())
            .expect("an address")
    })
}
