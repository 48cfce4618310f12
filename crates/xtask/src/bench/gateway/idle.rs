//! Memory of connections that wait.

use std::fs;

use super::cpu;
use super::steady::{connect, exchange};
use crate::failure::{Failure, While};

/// Connections; few enough for the ordinary limit of open files.
const CONNECTIONS: u32 = 800;

/// Connections that are there before: what the first ones cost once, the others do not.
const FIRST: u32 = 50;

/// KiB of a proxy that was just started for each connection that had one answer and is kept. One
/// that was busy before has memory to spare, and would look as if they cost nothing.
pub(super) fn kib_per_connection(port: u16, pid: u32) -> Result<f64, Failure> {
    let first = open(port, FIRST)?;
    let before = kib(pid)?;
    let waiting = open(port, CONNECTIONS)?;
    let after = kib(pid)?;
    drop((first, waiting));
    Ok((after - before).max(0.0) / f64::from(CONNECTIONS))
}

fn open(port: u16, connections: u32) -> Result<Vec<std::net::TcpStream>, Failure> {
    (0..connections)
        .map(|_| {
            let mut stream = connect(port)?;
            exchange(&mut stream)?;
            Ok(stream)
        })
        .collect()
}

/// Resident memory of a process and all it started; what they share counts in parts.
fn kib(root: u32) -> Result<f64, Failure> {
    let mut sum = 0.0;
    for pid in cpu::family(root)? {
        let path = format!("/proc/{pid}/smaps_rollup");
        let text = fs::read_to_string(&path).while_(&format!("read {path}"))?;
        sum += pss(&text).ok_or_else(|| Failure::new(format!("{path} does not say Pss")))?;
    }
    Ok(sum)
}

fn pss(text: &str) -> Option<f64> {
    let line = text.lines().find_map(|line| line.strip_prefix("Pss:"))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_proportional_size() {
        assert_eq!(
            pss("a\nRss:  9 kB\nPss:      1234 kB\nPss_Dirty: 1 kB\n"),
            Some(1_234.0)
        );
        assert_eq!(pss("Rss: 9 kB\n"), None);
        assert!(kib(std::process::id()).unwrap() > 100.0);
    }
}
