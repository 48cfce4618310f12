//! The guard of a `prepare` command: its parent, which ends it when whoever ordered it is gone.
//!
//! A second `prepare` beside a first one would write the same files. So the command must not
//! outlive Ninefold. The guard's standard input is a socket whose other end only Ninefold has: the
//! kernel closes it at Ninefold's death, whatever kind of death that is.

use std::io::{self, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};

use ninefold_core::taxonomy::ExitCause;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{
    Pid, PidfdFlags, WaitOptions, WaitStatus, getpid, pidfd_open, set_child_subreaper, wait,
};
use rustix::thread::set_name;

use crate::disk::{Errand, ErrandFolder, GuardLine};
use crate::process::{Lock, ProcessId};

use super::run::cause;
use super::spawn::SpawnError;
use super::{lookup, spawn, sweep};

/// How often orphans that the command leaves are reaped while it runs.
const REAP_EVERY: Timespec = Timespec {
    tv_sec: 1,
    tv_nsec: 0,
};

/// Why a command was not run, or failed.
#[derive(Debug, thiserror::Error)]
enum GuardError {
    #[error("the folder of the prepare command, {folder}, cannot be used: {source}")]
    Folder { folder: String, source: io::Error },
    #[error("an earlier run of it has not ended yet")]
    Taken,
    #[error(transparent)]
    Spawn(#[from] SpawnError),
    #[error("it cannot be watched: {0}")]
    System(#[from] io::Error),
    #[error("{0}")]
    Failed(ExitCause),
    #[error("whoever ordered it is gone")]
    Deserted,
}

/// Runs the command of the folder, if it is the folder of one.
pub(super) fn main(path: &Path) -> Option<ExitCode> {
    let folder = ErrandFolder::at(path);
    let errand = match folder.read() {
        Ok(None) => return None,
        Ok(Some(errand)) => Ok(errand),
        Err(source) => Err(refused(&folder)(source)),
    };
    set_name(c"prepare").ok();
    let line = io::stdin().as_fd().try_clone_to_owned();
    let done = match &line {
        Ok(line) => errand.and_then(|errand| run(&folder, &errand, line)),
        Err(error) => Err(GuardError::System(io::Error::new(
            error.kind(),
            error.to_string(),
        ))),
    };
    let code = if done.is_ok() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    };
    let said = match done {
        Ok(()) => GuardLine::Done,
        Err(error) => GuardLine::Failed {
            error: error.to_string(),
        },
    };
    if let (Ok(mut text), Ok(line)) = (serde_json::to_vec(&said), line) {
        text.push(b'\n');
        // Whoever listened may be gone.
        UnixStream::from(line).write_all(&text).ok();
    }
    Some(code)
}

fn refused(folder: &ErrandFolder) -> impl Fn(io::Error) -> GuardError {
    let folder = folder.path().display().to_string();
    move |source| GuardError::Folder {
        folder: folder.clone(),
        source,
    }
}

fn run(folder: &ErrandFolder, errand: &Errand, line: &OwnedFd) -> Result<(), GuardError> {
    let _lock = Lock::take(&folder.lock())
        .map_err(refused(folder))?
        .ok_or(GuardError::Taken)?;
    set_child_subreaper(Some(getpid())).map_err(io::Error::from)?;
    // Should this process be killed together with Ninefold, the next one finds the session by it.
    folder
        .record(ProcessId::of(std::process::id()))
        .map_err(refused(folder))?;
    let pid = Pid::from_child(&start(errand)?);
    let ended = watch(pid, line);
    let succeeded = matches!(&ended, Ok(Some(status)) if status.exit_status() == Some(0));
    if !succeeded {
        // What is done may leave something in the background; what failed is run again.
        sweep::sweep(pid);
    }
    folder.record(None).map_err(refused(folder))?;
    match ended? {
        _ if succeeded => Ok(()),
        Some(status) => Err(GuardError::Failed(cause(Some(status)))),
        None => Err(GuardError::Deserted),
    }
}

fn start(errand: &Errand) -> Result<Child, SpawnError> {
    let (program, arguments) = errand.argv.split_first().ok_or(SpawnError::Empty)?;
    if !errand.directory.is_dir() {
        return Err(SpawnError::NoDirectory {
            directory: errand.directory.clone(),
        });
    }
    let file = lookup::find(program, &lookup::inherited_path())?;
    Command::new(&file)
        .arg0(program)
        .args(arguments)
        .current_dir(&errand.directory)
        .env_remove("NOTIFY_SOCKET")
        .env_remove("NINEFOLD_TOKEN")
        .stdin(Stdio::null())
        .process_group(0)
        .spawn()
        .map_err(|source| spawn::refused(file, source))
}

/// Waits for the command's end; nothing if the other end of `line` is gone first.
fn watch(pid: Pid, line: &OwnedFd) -> io::Result<Option<WaitStatus>> {
    let ended = pidfd_open(pid, PidfdFlags::empty())?;
    loop {
        // Nothing is ever sent in this direction: whatever comes of the line is its end.
        let mut watched = [&ended, line].map(|fd| PollFd::new(fd, PollFlags::IN));
        match poll(&mut watched, Some(&REAP_EVERY)) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        let [_, gone] = watched.map(|fd| !fd.revents().is_empty());
        if let Some(status) = reap(pid)? {
            return Ok(Some(status));
        }
        if gone {
            return Ok(None);
        }
    }
}

/// Reaps what ended, orphans of the command included; how the command did, if it was among them.
fn reap(command: Pid) -> io::Result<Option<WaitStatus>> {
    loop {
        match wait(WaitOptions::NOHANG) {
            Ok(Some((pid, status))) if pid == command => return Ok(Some(status)),
            Ok(Some(_)) | Err(Errno::INTR) => {}
            Ok(None) => return Ok(None),
            Err(error) => return Err(error.into()),
        }
    }
}
