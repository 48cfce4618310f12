//! Instances on disk that the file does not name any more.

use std::time::Duration;

use ninefold_core::event::EventKind;
use ninefold_core::id::InstanceId;
use ninefold_core::taxonomy::ExitCause;
use tokio::time::timeout;

use crate::disk::{ExitRecord, Folder, RunRecord, Spec, read_json, remove};
use crate::process::{ask_group, gone, kill, kill_group, kill_session};
use crate::shared::Shared;

/// Grace where the instance's own cannot be read.
const GRACE_DEFAULT: Duration = Duration::from_secs(10);
/// A killed process is gone by then.
const KILL_PATIENCE: Duration = Duration::from_secs(5);

/// Stops `run`: asks, waits its grace, kills. Its captured output stays.
pub(crate) async fn stop(shared: Shared, instance: InstanceId, folder: Folder, run: RunRecord) {
    let spec = read_json::<Spec>(&folder.spec()).ok().flatten();
    let (signal, grace) = spec.map_or((15, GRACE_DEFAULT), |spec| {
        (spec.stop_signal, Duration::from_millis(spec.grace_ms))
    });
    let announce = |action: &str, reason: &str| {
        shared.journal.record(EventKind::Action {
            instance: instance.clone(),
            action: action.to_owned(),
            reason: reason.to_owned(),
        });
    };
    announce("stop", "it is not in the file any more");
    ask_group(run.process, signal);
    if timeout(grace, gone(run.process)).await.is_err() {
        announce("kill", "it did not stop within its grace");
        kill_group(run.process);
        timeout(KILL_PATIENCE, gone(run.process)).await.ok();
    }
    if timeout(KILL_PATIENCE, gone(run.keeper)).await.is_err() {
        kill(run.keeper);
        timeout(KILL_PATIENCE, gone(run.keeper)).await.ok();
    }
    kill_session(run.keeper);
    let exit = read_json::<ExitRecord>(&folder.exit()).ok().flatten();
    shared.journal.record(EventKind::InstanceExited {
        instance: instance.clone(),
        pid: run.process.pid,
        cause: exit.map_or(ExitCause::Lost, |exit| exit.cause),
        expected: true,
    });
    for path in [folder.run(), folder.exit()] {
        if let Err(error) = remove(&path) {
            tracing::warn!(path = %path.display(), %error, "a record stays behind");
        }
    }
    shared
        .journal
        .record(EventKind::InstanceStopped { instance });
}
