//! `/proc`: who a process is, and what it does.

use std::fs;

use rustix::process::Pid;
use serde::{Deserialize, Serialize};

/// A process for good: its pid and its start time, which together are not used twice in one boot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ProcessId {
    /// The process id.
    pub(crate) pid: u32,
    /// Clock ticks from boot to its start (field 22 of `/proc/PID/stat`).
    pub(crate) start: u64,
}

/// What `/proc/PID/stat` says.
struct Stat {
    state: char,
    parent: u32,
    session: u32,
    start: u64,
}

impl ProcessId {
    /// The process that has this pid now.
    pub(crate) fn of(pid: u32) -> Option<Self> {
        stat(pid).map(|stat| Self {
            pid,
            start: stat.start,
        })
    }

    /// Its pid for system calls.
    pub(crate) fn raw(self) -> Option<Pid> {
        i32::try_from(self.pid).ok().and_then(Pid::from_raw)
    }

    /// Whether it runs: a zombie does not.
    pub(crate) fn alive(self) -> bool {
        self.state()
            .is_some_and(|state| !matches!(state, 'Z' | 'X' | 'x'))
    }

    /// Whether its number is taken by it: a zombie's is, until it is reaped.
    pub(crate) fn exists(self) -> bool {
        self.state().is_some()
    }

    /// Whether it is stopped, by a signal or by a tracer.
    pub(crate) fn stopped(self) -> bool {
        matches!(self.state(), Some('T' | 't'))
    }

    fn state(self) -> Option<char> {
        stat(self.pid)
            .filter(|stat| stat.start == self.start)
            .map(|stat| stat.state)
    }
}

fn stat(pid: u32) -> Option<Stat> {
    parse_stat(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// The command's name may hold spaces and parentheses: fields are counted from the last `)`.
fn parse_stat(text: &str) -> Option<Stat> {
    let mut fields = text.get(text.rfind(')')? + 1..)?.split_ascii_whitespace();
    let state = fields.next()?.chars().next()?;
    let parent = fields.next()?.parse().ok()?;
    let session = fields.nth(1)?.parse().ok()?;
    let start = fields.nth(15)?.parse().ok()?;
    Some(Stat {
        state,
        parent,
        session,
        start,
    })
}

/// The id of this boot; empty where the kernel does not tell.
pub(crate) fn boot_id() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id")
        .map(|text| text.trim().to_owned())
        .unwrap_or_default()
}

/// The children of `parent`, zombies included.
pub(crate) fn children_of(parent: u32) -> Vec<ProcessId> {
    processes(|stat| stat.parent == parent)
}

/// What is left of the session that `leader` led. Nothing while the leader lives, or if its number
/// belongs to another process by now.
pub(crate) fn left_of_session(leader: ProcessId) -> Vec<ProcessId> {
    if leader.alive() || ProcessId::of(leader.pid).is_some_and(|other| other != leader) {
        return Vec::new();
    }
    processes(|stat| stat.session == leader.pid && stat.start >= leader.start && stat.state != 'Z')
}

fn processes(wanted: impl Fn(&Stat) -> bool) -> Vec<ProcessId> {
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok())
        .filter_map(|pid| {
            let stat = stat(pid).filter(&wanted)?;
            Some(ProcessId {
                pid,
                start: stat.start,
            })
        })
        .collect()
}

/// What the kernel says a process is doing, for a person: its state, where it waits, and (where
/// that may be read) its kernel stack, in one short line.
pub(crate) fn excerpt(process: ProcessId) -> String {
    let read = |name: &str| fs::read_to_string(format!("/proc/{}/{name}", process.pid));
    let mut parts = Vec::new();
    if let Ok(status) = read("status") {
        let wanted = ["State:", "VmRSS:", "Threads:"];
        for line in status.lines() {
            if wanted.iter().any(|name| line.starts_with(name)) {
                parts.push(line.split_ascii_whitespace().collect::<Vec<_>>().join(" "));
            }
        }
    }
    if let Ok(wchan) = read("wchan")
        && !wchan.is_empty()
        && wchan != "0"
    {
        parts.push(format!("waits in {wchan}"));
    }
    if let Ok(stack) = read("stack") {
        let frames: Vec<&str> = stack
            .lines()
            .filter_map(|line| line.split_ascii_whitespace().nth(1))
            .take(8)
            .collect();
        if !frames.is_empty() {
            parts.push(format!("stack {}", frames.join(" < ")));
        }
    }
    parts.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_fields_behind_a_hostile_name() {
        let text = "42 (a) b) (c) S 7 42 43 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 98765 1 2 3";
        let stat = parse_stat(text).unwrap();
        assert_eq!((stat.state, stat.parent, stat.start), ('S', 7, 98_765));
        assert_eq!(stat.session, 43);
        for broken in ["", "1 (x", "1 (x) ", "1 (x) S 1 2 3"] {
            assert!(parse_stat(broken).is_none(), "{broken}");
        }
    }

    #[test]
    fn knows_itself_and_no_other() {
        let me = ProcessId::of(std::process::id()).unwrap();
        assert!(me.alive() && !me.stopped());
        let other = ProcessId {
            start: me.start + 1,
            ..me
        };
        assert!(!other.alive());
        assert!(!boot_id().is_empty());
        assert!(excerpt(me).contains("State:"));
    }
}
