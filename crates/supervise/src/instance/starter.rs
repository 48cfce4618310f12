//! From a plan to a running process, through a keeper.

use std::ffi::OsString;
use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::{Child, ChildStdout, Command};
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::adoption::{Found, examine};
use crate::disk::{ExitRecord, Folder, KeeperLine, RunRecord, Spec, write_json};
use crate::launch::{LaunchError, Plan};
use crate::process::{Lock, ProcessId, gone, kill, kill_session};
use crate::shared::Shared;

/// A keeper that says nothing for this long is given up.
const KEEPER_PATIENCE: Duration = Duration::from_secs(10);
/// The keeper of the run before may clean up for this long.
const PREDECESSOR_PATIENCE: Duration = Duration::from_secs(5);
/// A killed keeper is gone by then.
const KILL_PATIENCE: Duration = Duration::from_secs(1);
/// A keeper's log is begun anew beyond this size.
const KEEPER_LOG_BYTES_MAX: u64 = 64 << 10;
/// A keeper's line is shorter than this.
const LINE_BYTES_MAX: u64 = 64 << 10;

/// What became of a start.
#[derive(Debug)]
pub(crate) enum Started {
    /// A new process runs.
    New { run: RunRecord, spec: Box<Spec> },
    /// An old one was found to run.
    Found { run: RunRecord, kept: bool },
}

/// Starts the instance of `plan` once. Exits that its keeper tells of go to `exits`.
pub(crate) async fn start(
    plan: &Plan,
    predecessor: Option<ProcessId>,
    shared: &Shared,
    exits: mpsc::Sender<ExitRecord>,
) -> Result<Started, String> {
    let folder = Folder::of(&shared.state, &plan.instance);
    if let Some(found) = predecessor_gone(plan, predecessor, &folder, shared).await {
        return Ok(found);
    }
    let spec = {
        let (plan, shared, folder) = (plan.clone(), shared.clone(), folder.clone());
        tokio::task::spawn_blocking(move || prepare(&plan, &shared, &folder))
            .await
            .map_err(|error| error.to_string())?
            .map_err(|error| error.to_string())?
    };
    let mut keeper = spawn_keeper(&shared.keeper, &folder).map_err(|error| {
        let program = shared
            .keeper
            .first()
            .map(|program| program.to_string_lossy());
        format!(
            "the keeper {} could not be started: {error}",
            program.unwrap_or_default()
        )
    })?;
    let session = keeper.id().and_then(ProcessId::of);
    let Some(stdout) = keeper.stdout.take() else {
        return Err("the keeper has no output".to_owned());
    };
    let mut lines = BufReader::new(stdout);
    match timeout(KEEPER_PATIENCE, next_line(&mut lines)).await {
        Ok(Some(KeeperLine::Spawned { run, unrecorded })) => {
            if let Some(error) = unrecorded {
                let text = format!(
                    "{}: {} cannot be written: {error}; its keeper remembers it until then",
                    plan.instance,
                    folder.run().display()
                );
                shared.notice(text);
            }
            tokio::spawn(follow(keeper, lines, exits));
            Ok(Started::New {
                run,
                spec: Box::new(spec),
            })
        }
        Ok(Some(KeeperLine::Failed { error })) => {
            keeper.wait().await.ok();
            Err(error)
        }
        Ok(Some(KeeperLine::Exited(_)) | None) => {
            end(&mut keeper, session).await;
            Err(format!(
                "the keeper failed; see {}",
                folder.keeper_log().display()
            ))
        }
        Err(_elapsed) => {
            end(&mut keeper, session).await;
            Err(format!(
                "the keeper said nothing within {KEEPER_PATIENCE:?}"
            ))
        }
    }
}

/// Ends a keeper that failed, and what it may have started before.
async fn end(keeper: &mut Child, session: Option<ProcessId>) {
    keeper.kill().await.ok();
    session.inspect(|session| kill_session(*session));
}

/// Waits for the keeper of the run before, or whoever holds the lock of the folder. One that does
/// not end (it is stopped, say) is killed: its service is gone. Answers a run that is found to live.
async fn predecessor_gone(
    plan: &Plan,
    predecessor: Option<ProcessId>,
    folder: &Folder,
    shared: &Shared,
) -> Option<Started> {
    let alive = || match examine(folder) {
        Ok(Found::Alive { run, kept, .. }) => Some(Started::Found { run, kept }),
        _ => None,
    };
    let keeper = match predecessor {
        Some(keeper) => keeper,
        None => match alive() {
            Some(found) => return Some(found),
            None => Lock::holder(&folder.keeper_lock())?,
        },
    };
    let ended = timeout(PREDECESSOR_PATIENCE, gone(keeper)).await.is_ok();
    if let Some(found) = alive() {
        return Some(found);
    }
    if !ended {
        shared.notice(format!(
            "the keeper of {} (process {}) does not end after its service: it is killed",
            plan.instance, keeper.pid
        ));
        kill(keeper);
        timeout(KILL_PATIENCE, gone(keeper)).await.ok();
    }
    kill_session(keeper);
    None
}

fn prepare(plan: &Plan, shared: &Shared, folder: &Folder) -> Result<Spec, LaunchError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| LaunchError::Folder { path, source }
    };
    folder.create().map_err(failed(folder.path()))?;
    let address = shared.ports.choose(&plan.instance, folder)?;
    let spec = plan.spec(address)?;
    write_json(&folder.spec(), &spec).map_err(failed(&folder.spec()))?;
    Ok(spec)
}

fn spawn_keeper(command: &[OsString], folder: &Folder) -> io::Result<Child> {
    let (program, arguments) = command
        .split_first()
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "no command"))?;
    let path = folder.keeper_log();
    let large = fs::metadata(&path).is_ok_and(|about| about.len() > KEEPER_LOG_BYTES_MAX);
    let log = OpenOptions::new()
        .create(true)
        .write(true)
        .append(!large)
        .truncate(large)
        .mode(0o600)
        .open(path)?;
    Command::new(program)
        .args(arguments)
        .arg(folder.path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(log)
        .spawn()
}

async fn next_line(lines: &mut BufReader<ChildStdout>) -> Option<KeeperLine> {
    let mut line = Vec::new();
    lines
        .take(LINE_BYTES_MAX)
        .read_until(b'\n', &mut line)
        .await
        .ok()?;
    serde_json::from_slice(&line).ok()
}

/// Passes on how the service ended, and reaps the keeper.
async fn follow(
    mut keeper: Child,
    mut lines: BufReader<ChildStdout>,
    exits: mpsc::Sender<ExitRecord>,
) {
    if let Some(KeeperLine::Exited(exit)) = next_line(&mut lines).await {
        exits.send(exit).await.ok();
    }
    if let Err(error) = keeper.wait().await {
        tracing::warn!(%error, "a keeper was not reaped");
    }
}
