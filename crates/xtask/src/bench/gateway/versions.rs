//! Of whom it was measured.

use std::path::Path;

use super::child;
use super::peer::Peer;
use super::programs::Programs;

/// The proxies under test, and what stands on both of their sides.
pub(super) fn facts(programs: &Programs, root: &Path) -> Vec<(String, String)> {
    let mut facts = vec![
        ("backend", version("nginx", "-v")),
        ("load", version("wrk", "-v")),
        ("load of HTTP/2", version("h2load", "--version")),
    ];
    for (peer, program) in &programs.peers {
        let said = match peer {
            Peer::Haproxy | Peer::HaproxyLarge | Peer::Nginx => version(program, "-v"),
            Peer::Traefik => version(program, "version"),
            Peer::Pingora => locked(root, "pingora-proxy"),
            Peer::Ninefold | Peer::NinefoldOff | Peer::Envoy => version(program, "--version"),
        };
        facts.push((peer.name(), said));
    }
    for (peer, why) in &programs.missing {
        facts.push((peer.name(), why.clone()));
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
    let line = line.unwrap_or("unknown");
    // Envoy begins with the path of its program.
    let line = line
        .rsplit_once("  version: ")
        .map_or(line, |(_, version)| version);
    line.to_owned()
}

/// The version of a package in the lock file of our proxy of Pingora.
fn locked(root: &Path, package: &str) -> String {
    let text = std::fs::read_to_string(root.join("benches/pingora/Cargo.lock")).unwrap_or_default();
    let lines = text
        .lines()
        .skip_while(|line| *line != format!("name = \"{package}\""));
    let version = lines
        .skip(1)
        .find_map(|line| line.strip_prefix("version = "));
    format!(
        "{package} {}",
        version.unwrap_or("unknown").trim_matches('"')
    )
}
