//! Ctrl-C, and SIGTERM.

use tokio::signal::unix::{SignalKind, signal};

use crate::problem::{Problem, While};

/// Does the work, unless it is interrupted. Then it is dropped in the middle of whatever it is: rules of the network,
/// stopped processes and all that runs go with it.
pub(super) async fn unless_interrupted(
    work: impl Future<Output = Result<(), Problem>>,
) -> Result<(), Problem> {
    let mut interrupt = signal(SignalKind::interrupt()).while_("wait for Ctrl-C")?;
    let mut terminate = signal(SignalKind::terminate()).while_("wait for SIGTERM")?;
    tokio::select! {
        done = work => done,
        _ = interrupt.recv() => Err("interrupted".to_owned()),
        _ = terminate.recv() => Err("interrupted".to_owned()),
    }
}
