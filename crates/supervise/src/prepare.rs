//! `prepare`: commands that must succeed before the first start.

use std::path::PathBuf;
use std::pin::pin;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use ninefold_core::backoff::Backoff;
use ninefold_core::rng::Rng;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader};
use tokio::process::Command;
use tokio::sync::watch;
use tokio::time::timeout;

use crate::clock::wall;
use crate::process::{ProcessId, kill_group};
use crate::report::{PrepareState, Report};
use crate::shared::Shared;

/// Waits between two tries of a command that fails.
const RETRY: Backoff = Backoff {
    min: Duration::from_secs(2),
    max: Duration::from_secs(60),
};
/// A line of output is cut at this length.
const LINE_BYTES_MAX: u64 = 4_096;

/// How long output may still come after the command's end: what it started in the background may
/// hold the pipe open for ever.
const OUTPUT_REST: Duration = Duration::from_millis(500);

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
            match self.once(&report).await {
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
            let wait = RETRY.ceiling(attempt) / 2 + RETRY.wait(attempt, &mut rng) / 2;
            attempt = attempt.saturating_add(1);
            tokio::time::sleep(wait).await;
        }
    }

    async fn once<F: Future<Output = ()>>(
        &self,
        report: &impl Fn(PrepareState) -> F,
    ) -> Result<(), String> {
        let (program, arguments) = self.argv.split_first().ok_or("the command is empty")?;
        if !self.directory.is_dir() {
            let directory = self.directory.display();
            return Err(format!("the working directory {directory} does not exist"));
        }
        let mut child = Command::new(program)
            .args(arguments)
            .current_dir(&self.directory)
            .env_remove("NOTIFY_SOCKET")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| format!("{program}: {error}"))?;
        let _group = Group(child.id().and_then(ProcessId::of));
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let mut output = pin!(async { tokio::join!(lines(stdout, report), lines(stderr, report)) });
        let status = tokio::select! {
            _ = &mut output => child.wait().await,
            status = child.wait() => {
                timeout(OUTPUT_REST, output).await.ok();
                status
            }
        };
        let status = status.map_err(|error| error.to_string())?;
        if status.success() {
            Ok(())
        } else {
            Err(status.to_string())
        }
    }
}

/// Kills the command's group when it is given up.
struct Group(Option<ProcessId>);

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(leader) = self.0 {
            kill_group(leader);
        }
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
