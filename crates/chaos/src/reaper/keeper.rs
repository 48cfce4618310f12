//! The controller's hold on its reaper.

use std::ffi::OsString;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::process::{Child, ChildStdin, Command};

use super::run::READY;

/// How long a reaper may take to stand by.
const START_LIMIT: Duration = Duration::from_secs(10);

/// Why there is no reaper. No fault may be injected then.
#[derive(Debug, thiserror::Error)]
pub enum ReaperError {
    /// No command was given.
    #[error("no command for the reaper")]
    NoCommand,
    /// It cannot be started.
    #[error("the reaper cannot be started: {0}")]
    Spawn(#[from] std::io::Error),
    /// It ended, or did not say that it stands by.
    #[error("the reaper does not stand by: {0}")]
    NotReady(String),
}

/// A living reaper. Dropping it is the end of the reaper's input: it undoes everything and ends.
#[derive(Debug)]
pub(crate) struct Keeper {
    child: Child,
    input: Option<ChildStdin>,
}

impl Keeper {
    /// Starts `command` with the ledger's folder behind it and waits until it stands by.
    pub(crate) async fn start(command: &[OsString], ledger: &Path) -> Result<Self, ReaperError> {
        let (program, arguments) = command.split_first().ok_or(ReaperError::NoCommand)?;
        let mut child = Command::new(program)
            .args(arguments)
            .arg(ledger)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let input = child.stdin.take();
        let mut said = vec![0u8; READY.len()];
        let Some(mut output) = child.stdout.take() else {
            return Err(ReaperError::NotReady("it has no output".to_owned()));
        };
        match tokio::time::timeout(START_LIMIT, output.read_exact(&mut said)).await {
            Ok(Ok(_)) if said == READY => Ok(Self { child, input }),
            Ok(Ok(_)) => Err(ReaperError::NotReady("it said something else".to_owned())),
            Ok(Err(error)) => Err(ReaperError::NotReady(error.to_string())),
            Err(_elapsed) => Err(ReaperError::NotReady(format!(
                "nothing heard within {START_LIMIT:?}"
            ))),
        }
    }

    /// Resolves when the reaper is gone. Cancel-safe.
    pub(crate) async fn gone(&mut self) {
        if let Err(error) = self.child.wait().await {
            tracing::warn!(%error, "the reaper cannot be waited for");
        }
    }

    /// Whether it is there now.
    pub(crate) fn alive(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Lets it undo what is open and end. `true` if it left nothing behind.
    pub(crate) async fn finish(mut self, limit: Duration) -> bool {
        drop(self.input.take());
        let ended = tokio::time::timeout(limit, self.child.wait()).await;
        matches!(ended, Ok(Ok(status)) if status.success())
    }
}
