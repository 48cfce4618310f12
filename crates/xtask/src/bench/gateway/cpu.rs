//! CPU time of a process and all it started.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;
use std::time::Duration;

use crate::failure::{Failure, While};
use crate::step::output;

/// Reads CPU times from `/proc`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    ticks_per_second: u64,
}

/// What `/proc/PID/stat` says (`proc(5)`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stat {
    parent: u32,
    /// User and system time of all threads, in ticks.
    ticks: u64,
}

impl Clock {
    pub(super) fn new() -> Result<Self, Failure> {
        let text = output(Command::new("getconf").arg("CLK_TCK"))?;
        let ticks_per_second = text.trim().parse().while_("read CLK_TCK")?;
        Ok(Self { ticks_per_second })
    }

    /// User and system time so far of this process and of its living descendants.
    pub(super) fn used(self, root: u32) -> Result<Duration, Failure> {
        let all = all()?;
        if !all.contains_key(&root) {
            return Err(Failure::new(format!("process {root} is gone")));
        }
        let ticks: u64 = all
            .iter()
            .filter(|(pid, _)| descends(&all, **pid, root))
            .map(|(_, stat)| stat.ticks)
            .sum();
        let nanos = u128::from(ticks) * 1_000_000_000 / u128::from(self.ticks_per_second.max(1));
        let nanos = u64::try_from(nanos).while_("count CPU time")?;
        Ok(Duration::from_nanos(nanos))
    }
}

/// This process and its living descendants.
pub(super) fn family(root: u32) -> Result<Vec<u32>, Failure> {
    let all = all()?;
    let pids = all.keys().copied();
    Ok(pids.filter(|pid| descends(&all, *pid, root)).collect())
}

fn all() -> Result<BTreeMap<u32, Stat>, Failure> {
    let entries = fs::read_dir("/proc").while_("read /proc")?;
    let stats = entries.flatten().filter_map(|entry| {
        let pid: u32 = entry.file_name().to_str()?.parse().ok()?;
        // A process may end between the listing and the reading.
        let text = fs::read_to_string(entry.path().join("stat")).ok()?;
        Some((pid, parse(&text)?))
    });
    Ok(stats.collect())
}

fn descends(all: &BTreeMap<u32, Stat>, pid: u32, root: u32) -> bool {
    let mut at = pid;
    // Parents are not read at one moment, so a loop is possible in theory.
    for _ in 0..64 {
        if at == root {
            return true;
        }
        match all.get(&at) {
            Some(stat) if stat.parent != 0 => at = stat.parent,
            _ => return false,
        }
    }
    false
}

/// The name in the second field may hold spaces and brackets; what follows the last bracket does not.
fn parse(stat: &str) -> Option<Stat> {
    let (_, rest) = stat.rsplit_once(')')?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let number = |index: usize| fields.get(index)?.parse::<u64>().ok();
    Some(Stat {
        parent: u32::try_from(number(1)?).ok()?,
        ticks: number(11)? + number(12)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_stat_with_an_odd_name() {
        let stat = "7 (a ) b) S 3 7 7 0 -1 4194560 1 2 3 4 50 25 0 0 20 0 1 0 99 1 1";
        assert_eq!(
            parse(stat),
            Some(Stat {
                parent: 3,
                ticks: 75
            })
        );
        assert_eq!(parse("7 (x) S"), None);
    }

    #[test]
    fn descendants_are_found_and_loops_end() {
        let stat = |parent| Stat { parent, ticks: 0 };
        let all = BTreeMap::from([
            (1, stat(0)),
            (5, stat(1)),
            (6, stat(5)),
            (8, stat(9)),
            (9, stat(8)),
        ]);
        assert!(descends(&all, 6, 5) && descends(&all, 6, 1) && descends(&all, 5, 5));
        assert!(!descends(&all, 5, 6) && !descends(&all, 8, 5));
    }

    #[test]
    fn our_own_time_can_be_read() {
        let clock = Clock::new().unwrap();
        let first = clock.used(std::process::id()).unwrap();
        assert!(clock.used(std::process::id()).unwrap() >= first);
        assert!(clock.used(u32::MAX).is_err());
    }
}
