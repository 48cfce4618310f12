//! Packets that the kernel drops (nftables; needs root).

use std::process::Command;

use crate::problem::{Problem, While};

const TABLE: &str = "ninefold_bench_classify";

/// Rules that hold as long as this lives.
#[derive(Debug)]
pub(super) struct Rules;

impl Rules {
    /// Drops what arrives and matches one of these.
    pub(super) fn drop_what(matches: &[String]) -> Result<Self, Problem> {
        let mut script = format!(
            "table inet {TABLE} {{\n chain input {{\n  type filter hook input priority 0; policy accept;\n"
        );
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
        drop(nft(&["delete", "table", "inet", TABLE]));
    }
}

impl Drop for Rules {
    fn drop(&mut self) {
        if let Err(why) = nft(&["delete", "table", "inet", TABLE]) {
            eprintln!("{why}; remove it with `nft delete table inet {TABLE}`");
        }
    }
}

fn nft(words: &[&str]) -> Result<(), Problem> {
    let output = Command::new("nft").args(words).output();
    let output = output.while_("run `nft`, which the package nftables has")?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    Err(format!("`nft` failed: {}", said.trim()))
}
