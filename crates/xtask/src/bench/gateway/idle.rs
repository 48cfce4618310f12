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
        sum += pss(&mappings(pid)?)
            .ok_or_else(|| Failure::new(format!("/proc/{pid}/smaps does not say Pss")))?;
    }
    Ok(sum)
}

/// What the kernel says of a process' memory: in one sum, or where it has none, by mapping
/// (`proc_pid_smaps(5)`; not every kernel has `smaps_rollup`).
fn mappings(pid: u32) -> Result<String, Failure> {
    let path = format!("/proc/{pid}/smaps");
    fs::read_to_string(format!("{path}_rollup"))
        .or_else(|_| fs::read_to_string(&path))
        .while_(&format!("read {path}"))
}

/// The sum of all lines that give a proportional size, in KiB.
fn pss(text: &str) -> Option<f64> {
    let sizes = text.lines().filter_map(|line| line.strip_prefix("Pss:"));
    let each = sizes.map(|size| size.trim().strip_suffix("kB")?.trim().parse::<f64>().ok());
    let all: Vec<f64> = each.collect::<Option<_>>()?;
    (!all.is_empty()).then(|| all.iter().sum())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_proportional_size_is_summed() {
        let rollup = "a\nRss:  9 kB\nPss:      1234 kB\nPss_Dirty: 1 kB\n";
        assert_eq!(pss(rollup), Some(1_234.0));
        let by_mapping = "a\nPss:  9 kB\nSwapPss: 5 kB\nb\nPss:   0 kB\nc\nPss: 4 kB\n";
        assert_eq!(pss(by_mapping), Some(13.0));
        assert_eq!(pss("Rss: 9 kB\n"), None);
        assert_eq!(pss("Pss: 9 kB\nPss: many\n"), None);
    }
}
