//! `/proc/PID/stat` (`proc_pid_stat(5)`).

use super::Process;

/// Members of one process group that are looked at.
const GROUP_MEMBERS_MAX: usize = 256;

/// What is read of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stat {
    /// Field 3: `R`, `S`, `D`, `T`, `Z`, …
    pub(super) state: char,
    /// Field 4: its parent.
    pub(super) parent: u32,
    /// Field 5: its process group.
    pub(super) group: u32,
    /// Field 22: its start in clock ticks since boot.
    pub(super) start: u64,
}

/// Reads a process; nothing if it is not there.
pub(super) fn read(pid: u32) -> Option<Stat> {
    parse(&std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// The command in field 2 may hold spaces and parentheses: what follows its last `)` is regular.
fn parse(line: &str) -> Option<Stat> {
    let (_, rest) = line.rsplit_once(')')?;
    let mut fields = rest.split_ascii_whitespace();
    let state = fields.next()?.chars().next()?;
    let parent = fields.next()?.parse().ok()?;
    let group = fields.next()?.parse().ok()?;
    let start = fields.nth(16)?.parse().ok()?;
    Some(Stat {
        state,
        parent,
        group,
        start,
    })
}

/// Before the folder of an instance in the arguments of its keeper.
const KEEP: &[u8] = b"keep";

/// The keeper of the process that runs an instance; nothing where its parent is none.
pub(crate) fn keeper_of(process: Process) -> Option<Process> {
    let parent = || {
        let stat = read(process.pid).filter(|stat| stat.start == process.start)?;
        Process::find(stat.parent)
    };
    let keeper = parent()?;
    let arguments = std::fs::read(format!("/proc/{}/cmdline", keeper.pid)).ok()?;
    let keeps = arguments.split(|byte| *byte == 0).nth(1) == Some(KEEP);
    // Still its parent after its arguments were read, so they are its own.
    (keeps && parent() == Some(keeper)).then_some(keeper)
}

/// The processes of the group that `leader` leads, itself included; only itself if it leads none.
pub(crate) fn group_members(leader: Process) -> Vec<Process> {
    let leads = |pid: u32| read(pid).is_some_and(|stat| stat.group == leader.pid);
    let mut members = vec![leader];
    let Ok(folder) = std::fs::read_dir("/proc") else {
        return members;
    };
    if !leads(leader.pid) {
        return members;
    }
    for entry in folder.flatten() {
        let pid = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse().ok());
        let Some(pid) = pid.filter(|pid| *pid != leader.pid) else {
            continue;
        };
        if let Some(stat) = read(pid).filter(|stat| stat.group == leader.pid) {
            members.push(Process {
                pid,
                start: stat.start,
            });
        }
        if members.len() >= GROUP_MEMBERS_MAX {
            break;
        }
    }
    members
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_past_a_hostile_command_name() {
        let line = "42 (a) T 1 (b) S 1 40 40 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 987654 1 2";
        assert_eq!(
            parse(line),
            Some(Stat {
                state: 'S',
                parent: 1,
                group: 40,
                start: 987_654
            })
        );
        assert_eq!(parse("42 (short) S 1"), None);
        assert_eq!(parse(""), None);
    }

    #[test]
    fn reads_itself() {
        let own = read(std::process::id()).unwrap();
        assert!(matches!(own.state, 'R' | 'S'));
        assert!(own.start > 0);
    }
}
