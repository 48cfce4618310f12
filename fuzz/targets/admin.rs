//! What the admin API is asked: hosts, queries, bodies.
#![no_main]

use std::net::IpAddr;

use ninefold_agent::fuzzing::{announces, asks_for_events, ends, is_answered};

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    if let Some(id) = announces(input) {
        assert!(input.len() > id.len());
    }
    assert!(!ends(input) || input.contains(&b'"'));
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    if is_answered(text) {
        assert!(names_this_machine(text), "{text:?}");
    }
    if let Ok(uri) = format!("/v1/events?{text}").parse() {
        assert!(asks_for_events(&uri) || !text.is_empty());
    }
});

/// Read in another way: by the standard library, with a port or without.
fn names_this_machine(host: &str) -> bool {
    let loopback = |ip: IpAddr| ip.is_loopback();
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    [host, name].into_iter().any(|name| {
        let inner = name
            .strip_prefix('[')
            .and_then(|name| name.strip_suffix(']'));
        name.eq_ignore_ascii_case("localhost") || inner.unwrap_or(name).parse().is_ok_and(loopback)
    })
}
