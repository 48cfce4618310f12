//! Signals to the process group that an instance leads.

use rustix::process::{Signal, kill_process, kill_process_group};

use super::{ProcessId, left_of_session};

/// Sends `signal` to the group led by `leader`, if the leader still lives: the number of a dead
/// leader may belong to somebody else.
fn signal_group(leader: ProcessId, signal: Signal) {
    if leader.exists()
        && let Some(pid) = leader.raw()
        && let Err(error) = kill_process_group(pid, signal)
    {
        tracing::debug!(pid = leader.pid, %error, "the signal did not reach the group");
    }
}

/// Asks the group to stop with the signal of this number; SIGTERM for one that has no name. What is
/// stopped is continued, or it could not even hear.
pub(crate) fn ask_group(leader: ProcessId, number: i32) {
    let signal = Signal::from_named_raw(number).unwrap_or(Signal::TERM);
    signal_group(leader, signal);
    signal_group(leader, Signal::CONT);
}

/// Ends the whole group at once, be its leader alive or not yet reaped.
pub(crate) fn kill_group(leader: ProcessId) {
    signal_group(leader, Signal::KILL);
}

/// Ends what is left of the session of a keeper that is gone. One that ended by itself has swept
/// already; one that was killed left the service's descendants without anybody who knows them.
pub(crate) fn kill_session(keeper: ProcessId) {
    for process in left_of_session(keeper) {
        tracing::warn!(pid = process.pid, "an orphan of a killed keeper is killed");
        if let Some(pid) = process.raw() {
            kill_process(pid, Signal::KILL).ok();
        }
    }
}

/// Ends one process, if it still is that one.
pub(crate) fn kill(process: ProcessId) {
    if process.alive()
        && let Some(pid) = process.raw()
    {
        kill_process(pid, Signal::KILL).ok();
    }
}
