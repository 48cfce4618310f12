//! On what it was measured.

use std::fs;
use std::process::Command;

use super::child;
use super::peer::Peer;
use crate::failure::Failure;
use crate::step::output;

/// Labels and what they say, in order.
pub(super) fn facts(
    peers: &[Peer],
    ninefold: &str,
) -> Result<Vec<(&'static str, String)>, Failure> {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let memory = field(&read("/proc/meminfo"), "MemTotal");
    let mut facts = vec![
        (
            "date",
            output(Command::new("date").args(["-u", "+%F %H:%M UTC"]))?,
        ),
        ("CPU", field(&read("/proc/cpuinfo"), "model name")),
        ("cores", cores.to_string()),
        ("memory", memory),
        ("kernel", read("/proc/sys/kernel/osrelease")),
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
    for (_, text) in &mut facts {
        text.truncate(text.trim_end().len());
    }
    Ok(facts)
}

/// The value of a `name : value` line of a file in `/proc`.
fn field(text: &str, name: &str) -> String {
    text.lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(key, _)| key.trim() == name)
        .map_or_else(
            || "unknown".to_owned(),
            |(_, value)| value.trim().to_owned(),
        )
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_a_field() {
        let text = "processor\t: 0\nmodel name\t: Some CPU: fast\n";
        assert_eq!(field(text, "model name"), "Some CPU: fast");
        assert_eq!(field(text, "flags"), "unknown");
    }
}
