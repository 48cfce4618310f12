//! The life of one keeper.

use std::io::{self, Write};
use std::path::Path;
use std::process::{Child, ExitCode, Stdio};
use std::time::Duration;

use ninefold_core::taxonomy::ExitCause;
use rustix::process::{Pid, WaitStatus, getpid, set_child_subreaper, setsid};
use rustix::thread::set_name;

use crate::clock::wall;
use crate::disk::{
    ExitRecord, Folder, KeeperLine, RunRecord, Spec, read_json, remember, remove, write_json,
};
use crate::process::{Lock, ProcessId, boot_id};

use super::guard;
use super::later::RecordLater;
use super::output::Output;
use super::spawn::{self, SpawnError, refused};
use super::sweep;

/// The last output may take this long to reach the disk before the keeper ends.
const OUTPUT_FINISH_MAX: Duration = Duration::from_secs(2);

/// Why a keeper could not do its work.
#[derive(Debug, thiserror::Error)]
enum KeeperError {
    #[error("the instance's folder cannot be used: {0}")]
    Folder(#[from] io::Error),
    #[error("an earlier keeper of this instance still runs")]
    Taken,
    #[error("there is no spec.json")]
    NoSpec,
    #[error(transparent)]
    Spawn(#[from] SpawnError),
}

/// Starts and keeps the service that `spec.json` in `folder` describes, until it ends; or runs the
/// command that `prepare.json` in `folder` describes, as long as whoever ordered it lives.
///
/// Its standard output gets JSON lines for whoever started it (and may be closed at any time); its
/// standard error is a log. Exits with failure if the service could not be started.
pub fn main(folder: &Path) -> ExitCode {
    // A terminal's Ctrl-C and hang-up go to its session: this is another one. It fails only for
    // the leader of a group, which is out of the reach of Ctrl-C already.
    setsid().ok();
    // It is the same binary: whoever ends all processes of its name must not mean this one.
    set_name(c"keeper").ok();
    if let Some(code) = guard::main(folder) {
        return code;
    }
    match keep(&Folder::at(folder)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&error.to_string());
            say(&KeeperLine::Failed {
                error: error.to_string(),
            });
            ExitCode::FAILURE
        }
    }
}

fn keep(folder: &Folder) -> Result<(), KeeperError> {
    let _lock = Lock::take(&folder.keeper_lock())?.ok_or(KeeperError::Taken)?;
    let spec: Spec = read_json(&folder.spec())?.ok_or(KeeperError::NoSpec)?;
    remove(&folder.exit())?;
    if let Err(error) = set_child_subreaper(Some(getpid())) {
        complain(&format!(
            "orphans of the service will not be found: {error}"
        ));
    }
    let mut child = start(&spec)?;
    let started = wall();
    let pid = Pid::from_child(&child);
    let process = identity(child.id());
    let keeper = identity(std::process::id());
    let run = RunRecord {
        instance: spec.instance.clone(),
        process,
        keeper,
        boot_id: boot_id(),
        address: spec.address,
        spec: spec.hash(),
        release: spec.release.clone(),
        started,
    };
    // A full disk is no reason not to run: as long as this process lives, it has the record.
    let _remembered = remember(&run)
        .inspect_err(|error| complain(&format!("the run is not remembered: {error}")));
    let unrecorded = write_json(&folder.run(), &run).err().map(|e| e.to_string());
    let later = unrecorded
        .is_some()
        .then(|| RecordLater::begin(folder.clone(), run.clone()));
    say(&KeeperLine::Spawned { run, unrecorded });
    let output = drain(&mut child, folder, &spec)?;
    let status = sweep::wait_for(pid);
    if let Some(later) = later {
        later.end();
    }
    let exit = ExitRecord {
        process,
        cause: cause(status),
        ended_at_ns: wall(),
    };
    if let Err(error) = write_json(&folder.exit(), &exit) {
        complain(&format!("exit.json: {error}"));
    }
    say(&KeeperLine::Exited(exit));
    sweep::sweep(pid);
    if let Some(output) = output {
        output.finish(OUTPUT_FINISH_MAX);
    }
    Ok(())
}

fn start(spec: &Spec) -> Result<Child, SpawnError> {
    let (program, mut command) = spawn::command(spec, &spec.argv)?;
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|source| refused(program, source))
}

fn drain(child: &mut Child, folder: &Folder, spec: &Spec) -> io::Result<Option<Output>> {
    match (child.stdout.take(), child.stderr.take()) {
        (Some(stdout), Some(stderr)) => {
            Output::drain(stdout, stderr, folder.output(), spec.log_bytes).map(Some)
        }
        _ => Ok(None),
    }
}

/// A child that ended already is a zombie until it is reaped, so its start can still be read.
fn identity(pid: u32) -> ProcessId {
    ProcessId::of(pid).unwrap_or(ProcessId { pid, start: 0 })
}

/// How a process ended.
pub(super) fn cause(status: Option<WaitStatus>) -> ExitCause {
    let Some(status) = status else {
        return ExitCause::Lost;
    };
    match (status.exit_status(), status.terminating_signal()) {
        (Some(code), _) => ExitCause::Code(code),
        (None, Some(signal)) => ExitCause::Signal(signal),
        (None, None) => ExitCause::Lost,
    }
}

/// Whoever listened may be gone; that changes nothing.
fn say(line: &KeeperLine) {
    if let Ok(mut text) = serde_json::to_vec(line) {
        text.push(b'\n');
        io::stdout().write_all(&text).ok();
        io::stdout().flush().ok();
    }
}

fn complain(text: &str) {
    writeln!(io::stderr(), "{} {text}", wall()).ok();
}
