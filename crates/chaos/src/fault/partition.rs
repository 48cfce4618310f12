//! Cutting nodes off: packet filters of the kernel between the addresses of nodes on one machine.
//!
//! A table of nftables of our own drops, where packets arrive, what nodes that are cut off and all others say to each
//! other: gossip by the address that each binds, and requests by the instances' addresses. Nothing else on the machine
//! is touched; clients and instances reach their own node's listeners as before. Who sends learns nothing.

use std::io::Write;
use std::net::{IpAddr, SocketAddr};
use std::process::{Command, Stdio};

/// The program that speaks to the kernel.
const NFT: &str = "nft";

/// Nodes on one side of a cut.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Side {
    /// Where they gossip.
    pub(crate) gossip: Vec<SocketAddr>,
    /// Where their instances are reached.
    pub(crate) instances: Vec<SocketAddr>,
}

/// The table of a fault.
pub(crate) fn table_of(fault: &str) -> String {
    format!("ninefold_{}", fault.replace('-', "_"))
}

/// Why no node can be cut off by this process; nothing if one can.
pub(crate) fn why_not() -> Option<String> {
    if !rustix::process::geteuid().is_root() {
        return Some(
            "a partition takes packet filters, which only root may set: run `ninefold verify` as root"
                .to_owned(),
        );
    }
    let mut list = Command::new(NFT);
    list.args(["list", "tables"]).stdin(Stdio::null());
    match list.output() {
        Ok(output) if output.status.success() => None,
        Ok(output) => Some(format!(
            "a partition takes nftables, which this system refuses: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        )),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Some(
            "a partition takes the program `nft`, which is missing: install nftables".to_owned(),
        ),
        Err(error) => Some(format!("`{NFT}` cannot be run: {error}")),
    }
}

/// Cuts `off` from `others`.
pub(crate) fn cut(table: &str, off: &Side, others: &Side, one_way: bool) -> Result<(), String> {
    nft(&script(table, off, others, one_way))
}

/// Ends a cut; one that there is none of is no error.
pub(crate) fn undo_cut(table: &str) -> Result<(), String> {
    // In one transaction, so that it succeeds whether or not the table is there.
    nft(&format!("add table ip {table}\ndelete table ip {table}\n"))
}

/// Packets that the cut has dropped so far; nothing if there is none.
pub(crate) fn dropped(table: &str) -> Option<u64> {
    let mut list = Command::new(NFT);
    list.args(["list", "table", "ip", table])
        .stdin(Stdio::null())
        .stderr(Stdio::null());
    let output = list
        .output()
        .ok()
        .filter(|output| output.status.success())?;
    Some(packets(&String::from_utf8_lossy(&output.stdout)))
}

/// The sum of all counters in a listing.
fn packets(listing: &str) -> u64 {
    let counts = listing.split("counter packets ").skip(1);
    let count = |rest: &str| rest.split(' ').next().and_then(|count| count.parse().ok());
    counts.filter_map(count).fold(0, u64::saturating_add)
}

/// The rules, as `nft -f` reads them.
fn script(table: &str, off: &Side, others: &Side, one_way: bool) -> String {
    let mut rules = said(off, others);
    if !one_way {
        rules.extend(said(others, off));
    }
    let mut text = format!("table ip {table} {{\n  chain cut {{\n");
    text.push_str("    type filter hook input priority -300; policy accept;\n");
    for rule in rules {
        text.push_str(&format!("    {rule} counter drop\n"));
    }
    text.push_str("  }\n}\n");
    text
}

/// What `from` says to `to`: gossip, requests, and answers to requests.
fn said(from: &Side, to: &Side) -> Vec<String> {
    let mut rules = Vec::new();
    let mut rule = |source: (&str, String), target: (&str, String)| {
        if !source.1.is_empty() && !target.1.is_empty() {
            rules.push(format!(
                "{} {{ {} }} {} {{ {} }}",
                source.0, source.1, target.0, target.1
            ));
        }
    };
    rule(
        ("ip saddr . udp sport", sockets(&from.gossip)),
        ("ip daddr . udp dport", sockets(&to.gossip)),
    );
    rule(
        ("ip saddr", hosts(&from.gossip)),
        ("ip daddr . tcp dport", sockets(&to.instances)),
    );
    rule(
        ("ip saddr . tcp sport", sockets(&from.instances)),
        ("ip daddr", hosts(&to.gossip)),
    );
    rules
}

fn sockets(all: &[SocketAddr]) -> String {
    let ours = all.iter().filter(|address| address.is_ipv4());
    let each: Vec<String> = ours
        .map(|address| format!("{} . {}", address.ip(), address.port()))
        .collect();
    each.join(", ")
}

fn hosts(all: &[SocketAddr]) -> String {
    let mut hosts: Vec<IpAddr> = all.iter().map(SocketAddr::ip).collect();
    hosts.retain(IpAddr::is_ipv4);
    hosts.sort_unstable();
    hosts.dedup();
    let each: Vec<String> = hosts.iter().map(ToString::to_string).collect();
    each.join(", ")
}

fn nft(script: &str) -> Result<(), String> {
    let failed = |error: std::io::Error| format!("`{NFT}` cannot be run: {error}");
    let mut child = Command::new(NFT)
        .args(["-f", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(failed)?;
    if let Some(mut input) = child.stdin.take() {
        input.write_all(script.as_bytes()).map_err(failed)?;
    }
    let output = child.wait_with_output().map_err(failed)?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(format!("`{NFT}` refused: {}", said.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn side(node: u8, instance: u16) -> Side {
        Side {
            gossip: vec![([127, 0, 0, node], 7_000).into()],
            instances: vec![([127, 0, 0, node], instance).into()],
        }
    }

    #[test]
    fn one_way_drops_what_those_that_are_cut_off_say() {
        let (off, mut others) = (side(2, 81), side(1, 80));
        others.gossip.push(([127, 0, 0, 3], 7_000).into());
        let script = script("ninefold_f_1", &off, &others, true);
        assert_eq!(
            script,
            "table ip ninefold_f_1 {\n  chain cut {\n    \
             type filter hook input priority -300; policy accept;\n    \
             ip saddr . udp sport { 127.0.0.2 . 7000 } \
             ip daddr . udp dport { 127.0.0.1 . 7000, 127.0.0.3 . 7000 } counter drop\n    \
             ip saddr { 127.0.0.2 } ip daddr . tcp dport { 127.0.0.1 . 80 } counter drop\n    \
             ip saddr . tcp sport { 127.0.0.2 . 81 } ip daddr { 127.0.0.1, 127.0.0.3 } counter drop\n  \
             }\n}\n"
        );
    }

    #[test]
    fn both_ways_drop_as_much_the_other_way_round() {
        let (off, others) = (side(2, 81), side(1, 80));
        let (one, both) = (said(&off, &others), script("t", &off, &others, false));
        let back = said(&others, &off);
        assert_eq!((one.len(), back.len()), (3, 3));
        assert!(one.iter().chain(&back).all(|rule| both.contains(rule)));
        // A node without instances says nothing by them.
        let bare = Side {
            instances: Vec::new(),
            ..off
        };
        assert_eq!(said(&bare, &others).len(), 2);
    }

    #[test]
    fn counters_are_summed() {
        let listing =
            "ip saddr x counter packets 3 bytes 9 drop\n y counter packets 40 bytes 1 drop";
        assert_eq!(packets(listing), 43);
        assert_eq!(packets("table ip t {\n}\n"), 0);
        assert_eq!(table_of("f-1a-2-0-1"), "ninefold_f_1a_2_0_1");
    }
}
