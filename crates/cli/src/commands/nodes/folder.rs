//! Nodes by their folders, whether or not somebody holds them.

use std::io;

use ninefold_agent::{AdminClient, NodeError, StateFolder};
use rustix::process::{Pid, Signal, kill_process};

/// Whether several nodes run in the folder, or ran there last.
pub(in crate::commands) fn are_in(state: &StateFolder) -> bool {
    state.record().is_some_and(|record| record.nodes.is_some()) || any_runs(state)
}

/// Whether somebody holds the folder, or one of its nodes runs.
pub(in crate::commands) fn is_running(state: &StateFolder) -> bool {
    state.is_running() || any_runs(state)
}

fn any_runs(state: &StateFolder) -> bool {
    state.nodes().iter().any(|(_, node)| node.is_running())
}

/// Asks whoever holds the nodes to stop, or where nobody does, each of them. Whether one was asked.
pub(in crate::commands) async fn stop(
    state: &StateFolder,
) -> Result<bool, Box<dyn std::error::Error>> {
    if state.is_running() {
        let record = state.record();
        let pid = record.and_then(|record| Pid::from_raw(i32::try_from(record.pid).ok()?));
        // It holds the lock: the number is still its own.
        let pid = pid.ok_or_else(|| io::Error::other("its record tells no process"))?;
        kill_process(pid, Signal::TERM)?;
        return Ok(true);
    }
    let mut asked = false;
    for (_, node) in state.nodes().iter().filter(|(_, node)| node.is_running()) {
        let answer = AdminClient::new(node)
            .stop("asked by `ninefold stop`")
            .await;
        // One whose holder is gone stops by itself, and may just have done so.
        if let Err(error) = answer
            && node.is_running()
        {
            return Err(error.into());
        }
        asked = true;
    }
    Ok(asked)
}

/// Stops what runs in the folder or in those of its nodes without a Ninefold. How many there were.
pub(in crate::commands) async fn stop_left_behind(state: &StateFolder) -> Result<usize, NodeError> {
    let mut stopped = 0;
    let nodes = state.nodes().into_iter().map(|(_, node)| node);
    for folder in nodes.chain([state.clone()]).filter(has_instances) {
        stopped += ninefold_agent::stop_left_behind(&folder).await?;
    }
    Ok(stopped)
}

/// Whether there is something that may have been left behind.
pub(super) fn has_instances(state: &StateFolder) -> bool {
    let instances = state.path().join("instances");
    std::fs::read_dir(instances).is_ok_and(|mut all| all.next().is_some())
}
