//! The reaper's own life.

use std::io::Write;
use std::os::fd::AsFd;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe;
use tokio::signal::unix::{SignalKind, signal};

use crate::ledger::{Entry, Ledger, Undo};
use crate::process::Process;

/// How often the ledger is looked through for entries that expired: the slack of a time to live.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// Tries to undo what could not be undone at the end, and the pause between them.
const LAST_TRIES: u32 = 20;
const LAST_PAUSE: Duration = Duration::from_millis(250);

/// What the reaper says on its standard output once it stands by.
pub(super) const READY: &[u8] = b"ready\n";

/// Runs the reaper until its controller is gone and everything is undone.
///
/// Standard input must be a pipe whose other end the controller holds. Exit status: 0 if nothing is
/// left, 1 if something could not be undone (the ledger says what), 2 if it could not start.
#[must_use]
pub fn main(ledger_folder: &Path) -> ExitCode {
    // The controller is the parent only as long as it lives: asked first of all.
    let controller = rustix::process::getppid()
        .and_then(|pid| u32::try_from(pid.as_raw_nonzero().get()).ok())
        .and_then(Process::find);
    if let Err(error) = rustix::process::setsid() {
        tracing::debug!(%error, "already leads its session");
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let (Ok(runtime), Ok(ledger)) = (runtime, Ledger::open(ledger_folder)) else {
        return ExitCode::from(2);
    };
    match runtime.block_on(stand_by(&ledger)) {
        Ok(()) => undo_all(&ledger, controller),
        Err(error) => {
            tracing::error!(%error, "reaper cannot stand by");
            ExitCode::from(2)
        }
    }
}

/// Undoes what expires until the controller is gone or a signal asks to end.
async fn stand_by(ledger: &Ledger) -> std::io::Result<()> {
    let input = std::io::stdin().as_fd().try_clone_to_owned()?;
    let mut input = pipe::Receiver::from_owned_fd(input)?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut hangup = signal(SignalKind::hangup())?;
    let mut look = tokio::time::interval(LOOK_EVERY);
    look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    let mut output = std::io::stdout();
    output.write_all(READY)?;
    output.flush()?;
    let mut scratch = [0u8; 64];
    loop {
        tokio::select! {
            read = input.read(&mut scratch) => match read {
                Ok(0) | Err(_) => return Ok(()),
                Ok(_) => {}
            },
            _ = terminate.recv() => return Ok(()),
            _ = interrupt.recv() => return Ok(()),
            _ = hangup.recv() => return Ok(()),
            _ = look.tick() => undo_expired(ledger),
        }
    }
}

fn undo_expired(ledger: &Ledger) {
    let Ok(entries) = ledger.open_entries() else {
        return;
    };
    for entry in entries.iter().filter(|entry| entry.expired()) {
        undo(ledger, entry, "reaper: its time to live passed");
    }
}

/// Whether the entry is closed now.
fn undo(ledger: &Ledger, entry: &Entry, by: &str) -> bool {
    match ledger.undo(&entry.id, by) {
        Ok(done) => done.complete,
        Err(error) => {
            tracing::error!(%error, fault = entry.id, "cannot undo");
            false
        }
    }
}

/// Stopped processes first: to stop an `up` may take its whole grace.
fn undo_all(ledger: &Ledger, controller: Option<Process>) -> ExitCode {
    let slow = |entry: &Entry| {
        let is_stop = |step: &Undo| matches!(step, Undo::Stop { .. });
        entry.undo.iter().any(is_stop)
    };
    for _ in 0..LAST_TRIES {
        let Ok(mut entries) = ledger.open_entries() else {
            std::thread::sleep(LAST_PAUSE);
            continue;
        };
        entries.retain(|entry| Some(entry.owner) == controller || entry.orphaned());
        entries.sort_by_key(slow);
        let mut complete = true;
        for entry in &entries {
            complete &= undo(ledger, entry, "reaper: its controller ended");
        }
        if complete {
            return ExitCode::SUCCESS;
        }
        std::thread::sleep(LAST_PAUSE);
    }
    ExitCode::FAILURE
}
