//! The end of a process that need not be a child of ours.

use std::io;
use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::io::Errno;
use rustix::process::{PidfdFlags, pidfd_open};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::time::sleep;

use super::ProcessId;

/// Between two looks at a process that cannot be watched.
const POLL_EVERY: Duration = Duration::from_millis(20);

/// A pidfd: readable at the moment the process ends.
#[derive(Debug)]
pub(crate) struct ExitWatch {
    fd: AsyncFd<OwnedFd>,
}

impl ExitWatch {
    /// Watches `process`; nothing if it is gone already.
    ///
    /// # Errors
    ///
    /// No file descriptors left, or a kernel before 5.3.
    pub(crate) fn open(process: ProcessId) -> io::Result<Option<Self>> {
        let Some(pid) = process.raw() else {
            return Ok(None);
        };
        let fd = match pidfd_open(pid, PidfdFlags::empty()) {
            Ok(fd) => fd,
            Err(Errno::SRCH) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        // Between reading the pid and opening it, it may have changed hands.
        if !process.alive() {
            return Ok(None);
        }
        register(fd).map(|fd| Some(Self { fd }))
    }

    /// Waits for the end.
    pub(crate) async fn exited(&self) -> io::Result<()> {
        self.fd.readable().await.map(drop)
    }
}

#[expect(
    deprecated,
    reason = "its successor is an unsafe function that demands an owned, stable descriptor: an \
              OwnedFd is one"
)]
fn register(fd: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    AsyncFd::with_interest(fd, Interest::READABLE)
}

/// Waits until `process` is gone.
///
/// # Errors
///
/// See [`ExitWatch::open`].
pub(crate) async fn gone(process: ProcessId) -> io::Result<()> {
    match ExitWatch::open(process)? {
        Some(watch) => watch.exited().await,
        None => Ok(()),
    }
}

/// As [`gone`]. Without a pidfd (no descriptors left) the process is looked at now and then.
pub(crate) async fn surely_gone(process: ProcessId) {
    if let Err(error) = gone(process).await {
        tracing::warn!(pid = process.pid, %error, "no pidfd: polling");
        while process.alive() {
            sleep(POLL_EVERY).await;
        }
    }
}
