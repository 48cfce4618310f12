//! The end of an instance's process, and how it came.

use std::time::Duration;

use ninefold_core::taxonomy::ExitCause;
use tokio::time::{Instant, sleep, timeout};

use crate::clock::wall;
use crate::disk::{ExitRecord, Folder, RunRecord, read_json};
use crate::process::{kill_session, surely_gone};

/// What kills a keeper often kills its process with it, in either order. Within this time of the
/// keeper's end they ended together.
const TOGETHER: Duration = Duration::from_millis(50);
/// A keeper writes the cause down within this time, or is gone with it.
const CAUSE_PATIENCE: Duration = Duration::from_millis(100);
/// A keeper that lives gets longer: a slow disk or a busy machine is no lost cause.
const CAUSE_PATIENCE_KEPT: Duration = Duration::from_millis(500);
/// Between two looks for the cause.
const CAUSE_PAUSE: Duration = Duration::from_millis(2);

/// Waits until the process of `run` is gone, or, where that is first, its keeper.
/// True if it is the keeper.
pub(crate) async fn first_gone(run: &RunRecord) -> bool {
    tokio::select! {
        biased;
        () = surely_gone(run.process) => false,
        // Where both end together, the process is what counts.
        () = surely_gone(run.keeper) => timeout(TOGETHER, surely_gone(run.process)).await.is_err(),
    }
}

/// Waits until the process of `run` is gone.
pub(crate) async fn process_gone(run: &RunRecord) {
    surely_gone(run.process).await;
}

/// How the process of `run` ended, once it is gone: from `exit.json`.
pub(crate) async fn cause(run: &RunRecord, folder: &Folder) -> ExitRecord {
    let gone_at = wall();
    let begun = Instant::now();
    loop {
        if let Ok(Some(exit)) = read_json::<ExitRecord>(&folder.exit())
            && exit.process == run.process
        {
            return exit;
        }
        let waited = begun.elapsed();
        let patience = if run.keeper.alive() {
            CAUSE_PATIENCE_KEPT
        } else {
            CAUSE_PATIENCE
        };
        if waited >= patience {
            kill_session(run.keeper);
            return ExitRecord {
                process: run.process,
                cause: ExitCause::Lost,
                ended_at_ns: gone_at,
            };
        }
        sleep(CAUSE_PAUSE).await;
    }
}
