//! The exec probe: a command whose exit status is the answer.

use std::pin::pin;
use std::process::Stdio;
use std::time::Duration;

use ninefold_core::observation::ProbeOutcome;
use tokio::io::AsyncReadExt;
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::keeper::command;
use crate::process::{ProcessId, kill_group, surely_gone};

use super::check::{Attempt, Target, short};

/// Bytes of output that are kept for the reason.
const OUTPUT_BYTES_MAX: u64 = 4_096;
/// How long output may still come after the command's end.
const OUTPUT_REST: Duration = Duration::from_millis(50);
/// Characters of it that are shown.
const REASON_CHARS_MAX: usize = 200;

/// Runs the target's command for at most `limit`; then its whole group is killed.
pub(crate) async fn run(target: &Target, limit: Duration) -> Attempt {
    let unreachable = |text: String| Attempt::heard(ProbeOutcome::Unreachable(text));
    let Some(spec) = &target.spec else {
        return unreachable("an external endpoint cannot be probed by a command".to_owned());
    };
    let command = match command(spec, &target.command) {
        Ok((_, command)) => command,
        Err(error) => return unreachable(error.to_string()),
    };
    let spawned = Command::from(command)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn();
    let mut child = match spawned {
        Ok(child) => child,
        Err(error) => return unreachable(short(&error)),
    };
    // Dropped before the child, whose own drop would kill the leader and leave the others.
    let leader = child.id().and_then(ProcessId::of);
    let _group = Group(leader);
    timeout(limit, finish(&mut child, leader))
        .await
        .unwrap_or_else(|_elapsed| Attempt::timed_out())
}

async fn ended(leader: Option<ProcessId>) {
    if let Some(leader) = leader {
        surely_gone(leader).await;
    }
}

/// Kills the group when the try ends, however it ends: also when it is dropped in the middle.
struct Group(Option<ProcessId>);

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(leader) = self.0 {
            kill_group(leader);
        }
    }
}

/// Waits for the command's end. What it leaves in the background ends with it, before the leader is
/// reaped: until then the group's number is its own.
async fn finish(child: &mut Child, leader: Option<ProcessId>) -> Attempt {
    let mut output = Vec::new();
    if let Some(stdout) = child.stdout.take() {
        // What cannot be read only makes the reason shorter. Past the limit the pipe closes.
        let mut stdout = stdout.take(OUTPUT_BYTES_MAX);
        let mut read = pin!(stdout.read_to_end(&mut output));
        tokio::select! {
            _ = &mut read => {}
            () = ended(leader) => {
                leader.inspect(|leader| kill_group(*leader));
                // Only what is in a session of its own can still hold the pipe.
                timeout(OUTPUT_REST, read).await.ok();
            }
        }
    }
    ended(leader).await;
    leader.inspect(|leader| kill_group(*leader));
    match child.wait().await {
        Ok(status) if status.success() => Attempt::passed(),
        Ok(status) => {
            let said: String = String::from_utf8_lossy(&output)
                .trim()
                .chars()
                .take(REASON_CHARS_MAX)
                .collect();
            let reason = if said.is_empty() {
                status.to_string()
            } else {
                format!("{status}: {said}")
            };
            Attempt::heard(ProbeOutcome::Refused(reason))
        }
        Err(error) => Attempt::heard(ProbeOutcome::Unreachable(short(&error))),
    }
}
