//! The undo itself. Each step is idempotent and spares whoever is not its target.

use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::Undo;
use crate::fault::undo_cut;
use crate::process::{Presence, Process};

/// How often a stop looks whether its process is gone.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// How long a killed process may take to vanish.
const KILL_WAIT: Duration = Duration::from_secs(5);

/// What was done, in words, and whether it is complete.
pub(super) fn perform(step: &Undo) -> Result<String, String> {
    match step {
        Undo::Resume { leader, members } => resume(*leader, members),
        Undo::Table { table } => undo_cut(table).map(|()| format!("the cut {table} is ended")),
        Undo::Stop { process, grace_ns } => stop(*process, Duration::from_nanos(*grace_ns)),
    }
}

/// The group first, which also reaches members that were forked after the plan was written.
fn resume(leader: Process, members: &[Process]) -> Result<String, String> {
    let mut resumed = 0usize;
    let stopped = |process: &&Process| process.presence() == Presence::Stopped;
    let waiting: Vec<Process> = members.iter().filter(stopped).copied().collect();
    if leader.presence() != Presence::Gone {
        leader
            .signal_group(Signal::CONT)
            .map_err(|error| format!("SIGCONT to the group of {leader} failed: {error}"))?;
    }
    for member in &waiting {
        let reached = member
            .signal(Signal::CONT)
            .map_err(|error| format!("SIGCONT to {member} failed: {error}"))?;
        resumed += usize::from(reached);
    }
    Ok(match (resumed, leader.presence()) {
        (0, Presence::Gone) => format!("{leader} is gone: nothing to resume"),
        (0, _) => format!("{leader} was not stopped"),
        (count, _) => format!("resumed {count} process(es) of the group of {leader}"),
    })
}

fn stop(process: Process, grace: Duration) -> Result<String, String> {
    let failed = |name: &str, error: std::io::Error| format!("{name} to {process} failed: {error}");
    if !process
        .signal(Signal::TERM)
        .map_err(|error| failed("SIGTERM", error))?
    {
        return Ok(format!("{process} is gone: nothing to stop"));
    }
    if gone_within(process, grace) {
        return Ok(format!("{process} ended after SIGTERM"));
    }
    process
        .signal(Signal::KILL)
        .map_err(|error| failed("SIGKILL", error))?;
    if gone_within(process, KILL_WAIT) {
        Ok(format!("{process} ended after SIGKILL"))
    } else {
        Err(format!("{process} is still there after SIGKILL"))
    }
}

fn gone_within(process: Process, limit: Duration) -> bool {
    let deadline = Instant::now() + limit;
    loop {
        if process.presence() == Presence::Gone {
            return true;
        }
        if Instant::now() >= deadline {
            return false;
        }
        std::thread::sleep(LOOK_EVERY);
    }
}
