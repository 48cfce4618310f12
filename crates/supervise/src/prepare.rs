//! `prepare`: commands that must succeed before the first start.
//!
//! Each runs under a guard, a process that ends it when this one is gone: it must never run beside
//! the same command of the next Ninefold.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net;
use std::path::PathBuf;
use std::pin::pin;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use ninefold_core::hash::fnv1a;
use ninefold_core::policy::{Backoff, Jitter};
use ninefold_core::rng::Rng;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader};
use tokio::net::UnixStream;
use tokio::process::{Child, Command};
use tokio::sync::watch;
use tokio::time::{Instant, timeout, timeout_at};

use crate::clock::wall;
use crate::disk::{Errand, ErrandFolder, GuardLine};
use crate::process::{Lock, ProcessId, gone, kill, kill_session, left_of_session};
use crate::report::{PrepareState, Report};
use crate::shared::Shared;

/// Waits between two tries of a command that fails.
const RETRY: Backoff = Backoff::exponential(Duration::from_secs(2), Duration::from_secs(60))
    .with_jitter(Jitter::Equal);
/// A line of output is cut at this length.
const LINE_BYTES_MAX: u64 = 4_096;

/// How long output may still come after the command's end: what it started in the background may
/// hold the pipe open for ever.
const OUTPUT_REST: Duration = Duration::from_millis(500);

/// A guard that is asked to end, and what it kills, is gone by then.
const FORMER_PATIENCE: Duration = Duration::from_secs(5);
/// Between two looks at what is killed.
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// What a gate says: not yet known, open, or closed for a reason.
type GateState = Option<Result<(), Arc<str>>>;

/// What the first start of an instance waits for.
#[derive(Clone, Debug)]
pub(crate) struct Gate {
    state: Option<watch::Receiver<GateState>>,
}

impl Gate {
    /// Nothing to wait for.
    pub(crate) const fn open() -> Self {
        Self { state: None }
    }

    /// The next news: it is open, or why it is closed for now. Nothing if it will never open.
    pub(crate) async fn next(&mut self) -> Option<Result<(), String>> {
        let Some(state) = &mut self.state else {
            return Some(Ok(()));
        };
        loop {
            state.changed().await.ok()?;
            let news = state.borrow_and_update().clone();
            match news {
                Some(Ok(())) => {
                    self.state = None;
                    return Some(Ok(()));
                }
                Some(Err(reason)) => return Some(Err(reason.to_string())),
                None => {}
            }
        }
    }

    /// Waits until it is open. False if it will never be.
    pub(crate) async fn opened(&mut self) -> bool {
        while let Some(news) = self.next().await {
            if news.is_ok() {
                return true;
            }
        }
        false
    }
}

/// A command that is run until it succeeds once.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Prepare {
    pub(crate) argv: Vec<String>,
    pub(crate) directory: PathBuf,
}

impl Prepare {
    /// The gate that opens with the command's success, and the task that runs it.
    pub(crate) fn gate(self, shared: Shared) -> (Gate, impl Future<Output = ()> + Send) {
        let (state, gate) = watch::channel(None);
        let gate = Gate { state: Some(gate) };
        (gate, self.run(shared, state))
    }

    async fn run(self, shared: Shared, gate: watch::Sender<GateState>) {
        let command = self.argv.join(" ");
        let report = |state| {
            let command = command.clone();
            shared.reporter.send(Report::Prepare { command, state })
        };
        let mut rng = Rng::new(wall().as_nanos());
        let mut attempt = 0;
        loop {
            report(PrepareState::Started).await;
            match self.once(&shared, &report).await {
                Ok(()) => {
                    report(PrepareState::Done).await;
                    gate.send_replace(Some(Ok(())));
                    return;
                }
                Err(reason) => {
                    let text = format!("prepare `{command}` failed: {reason}");
                    shared.notice(text.clone());
                    report(PrepareState::Failed(reason)).await;
                    gate.send_replace(Some(Err(text.into())));
                }
            }
            let wait = RETRY.wait(attempt, None, &mut rng);
            attempt = attempt.saturating_add(1);
            tokio::time::sleep(wait).await;
        }
    }

    async fn once<F: Future<Output = ()>>(
        &self,
        shared: &Shared,
        report: &impl Fn(PrepareState) -> F,
    ) -> Result<(), String> {
        let folder = ErrandFolder::of(&shared.state, self.hash());
        let errand = Errand {
            argv: self.argv.clone(),
            directory: self.directory.clone(),
        };
        folder
            .create(&errand)
            .map_err(|error| format!("{}: {error}", folder.path().display()))?;
        let failed = |error: io::Error| format!("its guard could not be started: {error}");
        let (line, mut guard) = spawn_guard(&shared.keeper, &folder).map_err(failed)?;
        let (stdout, stderr) = (guard.stdout.take(), guard.stderr.take());
        let mut output = pin!(async { tokio::join!(lines(stdout, report), lines(stderr, report)) });
        let mut said = pin!(listen(line));
        let said = tokio::select! {
            _ = &mut output => said.await,
            said = &mut said => {
                timeout(OUTPUT_REST, output).await.ok();
                said
            }
        };
        let session = guard.id().and_then(ProcessId::of);
        let status = guard.wait().await.map_err(|error| error.to_string())?;
        match said {
            Some(GuardLine::Done) => Ok(()),
            Some(GuardLine::Failed { error }) => Err(error),
            None => {
                if let Some(session) = session {
                    kill_session(session);
                }
                Err(format!("its guard ended without a word: {status}"))
            }
        }
    }

    fn hash(&self) -> u64 {
        let what = (&self.argv, &self.directory);
        fnv1a(&serde_json::to_vec(&what).unwrap_or_default())
    }
}

/// A guard for the command of `folder`, and the line to it: the guard ends the command when the
/// line is dropped, be it by the end of this process.
fn spawn_guard(keeper: &[OsString], folder: &ErrandFolder) -> io::Result<(UnixStream, Child)> {
    let (program, arguments) = keeper
        .split_first()
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "no command"))?;
    let (own, other) = net::UnixStream::pair()?;
    own.set_nonblocking(true)?;
    let guard = Command::new(program)
        .args(arguments)
        .arg(folder.path())
        .stdin(Stdio::from(OwnedFd::from(other)))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    Ok((UnixStream::from_std(own)?, guard))
}

/// What the guard says at last, if it does.
async fn listen(line: UnixStream) -> Option<GuardLine> {
    let mut said = Vec::new();
    let mut line = line.take(LINE_BYTES_MAX);
    line.read_to_end(&mut said).await.ok()?;
    serde_json::from_slice(&said).ok()
}

/// Ends what is left of the `prepare` commands of an earlier Ninefold, before any is run again.
/// To be called under the lock of the state folder: no other Ninefold uses it.
///
/// A guard ends its command by itself when its Ninefold is gone; it only may not have done so yet,
/// or have been killed too.
pub(crate) async fn end_former(shared: &Shared) {
    let Ok(entries) = fs::read_dir(ErrandFolder::all(&shared.state)) else {
        return;
    };
    let deadline = Instant::now() + FORMER_PATIENCE;
    for path in entries.filter_map(|entry| entry.ok().map(|entry| entry.path())) {
        let folder = ErrandFolder::at(&path);
        if let Some(guard) = Lock::holder(&folder.lock())
            && timeout_at(deadline, gone(guard)).await.is_err()
        {
            shared.notice(format!(
                "the guard of a former prepare (process {}) does not end: it is killed",
                guard.pid
            ));
            kill(guard);
            timeout(FORMER_PATIENCE, gone(guard)).await.ok();
        }
        if let Some(guard) = folder.recorded() {
            shared.notice(format!(
                "what is left of a former prepare (session {}) is ended",
                guard.pid
            ));
            end_session(guard).await;
        }
        // Of a command that is not in the file any more nothing is to stay.
        if let Err(error) = fs::remove_dir_all(&path) {
            tracing::warn!(path = %path.display(), %error, "the folder of a prepare stays behind");
        }
    }
}

/// Kills until nothing is left, or it hangs in the kernel.
async fn end_session(leader: ProcessId) {
    let deadline = Instant::now() + FORMER_PATIENCE;
    while !left_of_session(leader).is_empty() && Instant::now() < deadline {
        kill_session(leader);
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

/// Reports every line; a line over the limit is reported in pieces.
async fn lines<F: Future<Output = ()>>(
    pipe: Option<impl AsyncRead + Unpin>,
    report: &impl Fn(PrepareState) -> F,
) {
    let Some(pipe) = pipe else { return };
    let mut pipe = BufReader::new(pipe);
    loop {
        let mut line = Vec::new();
        match (&mut pipe)
            .take(LINE_BYTES_MAX)
            .read_until(b'\n', &mut line)
            .await
        {
            Ok(0) | Err(_) => return,
            Ok(_) => {
                let text = String::from_utf8_lossy(&line).trim_end().to_owned();
                report(PrepareState::Output(text)).await;
            }
        }
    }
}
