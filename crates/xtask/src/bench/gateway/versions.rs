//! Of whom it was measured.

use super::child;
use super::peer::Peer;

/// The proxies under test, and what stands on both of their sides.
pub(super) fn facts(peers: &[Peer], ninefold: &str) -> Vec<(String, String)> {
    let mut facts = vec![
        ("backend", version("nginx", "-v")),
        ("load", version("wrk", "-v")),
    ];
    for peer in peers {
        let said = match peer {
            Peer::Ninefold => version(ninefold, "--version"),
            Peer::Haproxy | Peer::HaproxyLarge => version("haproxy", "-v"),
            Peer::Nginx => version("nginx", "-v"),
        };
        facts.push((peer.name(), said));
    }
    let owned = |(label, text): (&str, String)| (label.to_owned(), text.trim_end().to_owned());
    facts.into_iter().map(owned).collect()
}

/// The first line that a program says about its version; some say it on the standard error, and
/// `wrk` with a status of 1.
fn version(program: &str, option: &str) -> String {
    let said = child::command(0, &[program, option]).output();
    let said = said.map(|said| [said.stdout, said.stderr].concat());
    let said = said.unwrap_or_default();
    let said = String::from_utf8_lossy(&said);
    let line = said.lines().find(|line| !line.trim().is_empty());
    line.unwrap_or("unknown").to_owned()
}
