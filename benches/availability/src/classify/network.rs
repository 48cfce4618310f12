//! Packets that the kernel drops (nftables; needs root).

use std::process::Command;

use serde_json::Value;

use crate::problem::{Problem, While};

const TABLE: &str = "ninefold_bench_classify";
const COUNTS: &str = "ninefold_bench_counts";

/// Rules that hold as long as this lives.
#[derive(Debug)]
pub(super) struct Rules;

impl Rules {
    /// Drops what arrives and matches one of these.
    pub(super) fn drop_what(matches: &[String]) -> Result<Self, Problem> {
        Self::drop_what_of(&[], matches)
    }

    /// The same, with the connections that these users make bearing their numbers as marks: not all processes make
    /// connections from the address at which they listen. What were dropped where it is sent would be an error there.
    pub(super) fn drop_what_of(users: &[usize], matches: &[String]) -> Result<Self, Problem> {
        let mut script = format!("table inet {TABLE} {{\n");
        if !users.is_empty() {
            script.push_str(
                " chain output {\n  type filter hook output priority 0; policy accept;\n",
            );
        }
        for user in users {
            script.push_str(&format!(
                "  meta l4proto tcp ct state new meta skuid {user} ct mark set {user}\n"
            ));
        }
        if !users.is_empty() {
            script.push_str(" }\n");
        }
        script.push_str(" chain input {\n  type filter hook input priority 0; policy accept;\n");
        for one in matches {
            script.push_str(&format!("  {one} drop\n"));
        }
        script.push_str(" }\n}\n");
        nft(&[&script])?;
        Ok(Self)
    }

    /// What goes from one node to another.
    pub(super) fn way(from: usize, to: usize) -> String {
        format!("ip saddr 127.0.0.{from} ip daddr 127.0.0.{to}")
    }

    /// Removes what an earlier run has left.
    pub(super) fn clean() {
        // There is nothing to remove mostly.
        for table in [TABLE, COUNTS] {
            drop(nft(&["delete", "table", "inet", table]));
        }
    }
}

impl Drop for Rules {
    fn drop(&mut self) {
        if let Err(why) = nft(&["delete", "table", "inet", TABLE]) {
            eprintln!("{why}; remove it with `nft delete table inet {TABLE}`");
        }
    }
}

/// Counts what is sent as long as this lives.
#[derive(Debug)]
pub(super) struct Counts;

/// What was sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sent {
    pub(super) packets: u64,
    /// With the heads of IP.
    pub(super) bytes: u64,
}

impl Counts {
    /// Of each of these networks and ports, apart what goes over UDP and over TCP.
    pub(super) fn start(of: &[(usize, u16)]) -> Result<Self, Problem> {
        let mut script = format!("table inet {COUNTS} {{\n");
        for (net, _) in of {
            script.push_str(&format!(" counter udp{net} {{}}\n counter tcp{net} {{}}\n"));
        }
        script.push_str(" chain output {\n  type filter hook output priority 0; policy accept;\n");
        for (net, port) in of {
            let at = format!("ip daddr 127.0.{net}.0/24");
            // Those who make a connection come from 127.0.0.1.
            let from = format!("ip saddr 127.0.{net}.0/24");
            script.push_str(&format!(
                "  {at} udp dport {port} counter name udp{net}\n  {at} tcp dport {port} counter name tcp{net}\n  \
                 {from} tcp sport {port} counter name tcp{net}\n"
            ));
        }
        script.push_str(" }\n}\n");
        nft(&[&script])?;
        Ok(Self)
    }

    /// What has a counter by now: `udp` or `tcp` and the network's number.
    pub(super) fn read(&self, name: &str) -> Result<Sent, Problem> {
        let said = nft(&["-j", "list", "counter", "inet", COUNTS, name])?;
        sent(&said).ok_or_else(|| format!("`nft` says nothing of the counter {name}: {said}"))
    }
}

impl Drop for Counts {
    fn drop(&mut self) {
        if let Err(why) = nft(&["delete", "table", "inet", COUNTS]) {
            eprintln!("{why}; remove it with `nft delete table inet {COUNTS}`");
        }
    }
}

fn sent(said: &str) -> Option<Sent> {
    let said: Value = serde_json::from_str(said).ok()?;
    let all = said.get("nftables")?.as_array()?;
    let counter = all.iter().find_map(|one| one.get("counter"))?;
    Some(Sent {
        packets: counter.get("packets")?.as_u64()?,
        bytes: counter.get("bytes")?.as_u64()?,
    })
}

fn nft(words: &[&str]) -> Result<String, Problem> {
    let output = Command::new("nft").args(words).output();
    let output = output.while_("run `nft`, which the package nftables has")?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    Err(format!("`nft` failed: {}", said.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counter_is_read() {
        let said = r#"{"nftables": [{"metainfo": {"version": "1.0.6"}}, {"counter": {"family": "inet", "name": "udp0", "table": "t", "handle": 2, "packets": 3, "bytes": 250}}]}"#;
        let is = Sent {
            packets: 3,
            bytes: 250,
        };
        assert_eq!(sent(said), Some(is));
        assert_eq!(sent("{}"), None);
    }
}
