//! One process, named for good.

use std::io;
use std::os::fd::OwnedFd;

use rustix::process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open, pidfd_send_signal};
use serde::{Deserialize, Serialize};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use super::stat;

/// A process: its pid, and its start time in clock ticks since boot (field 22 of
/// `/proc/PID/stat`), which together are never reused within a boot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Process {
    /// The process id.
    pub pid: u32,
    /// The start time.
    pub start: u64,
}

/// Whether a process is there, and whether it may run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// It ended (a zombie too), or its pid belongs to another process now.
    Gone,
    /// It is there and not stopped.
    Running,
    /// It is stopped by a signal: state `T`.
    Stopped,
}

impl Process {
    /// The process that has this pid now.
    #[must_use]
    pub fn find(pid: u32) -> Option<Self> {
        let start = stat::read(pid)?.start;
        Some(Self { pid, start })
    }

    /// This very process.
    #[must_use]
    pub fn own() -> Option<Self> {
        Self::find(std::process::id())
    }

    /// What it does now.
    #[must_use]
    pub fn presence(self) -> Presence {
        match stat::read(self.pid) {
            Some(stat) if stat.start == self.start => match stat.state {
                'Z' | 'X' | 'x' => Presence::Gone,
                'T' => Presence::Stopped,
                _ => Presence::Running,
            },
            _ => Presence::Gone,
        }
    }

    /// Whether it leads its process group.
    #[must_use]
    pub fn leads_group(self) -> bool {
        stat::read(self.pid).is_some_and(|stat| stat.group == self.pid)
    }

    /// A descriptor of it; nothing if it is gone.
    ///
    /// The descriptor is opened *before* the start time is read: if the pid was reused in between,
    /// the start time differs, and if not, the descriptor stays bound to this process.
    ///
    /// # Errors
    ///
    /// The system's, other than that there is no such process.
    pub fn descriptor(self) -> io::Result<Option<OwnedFd>> {
        let Some(pid) = self.raw() else {
            return Ok(None);
        };
        match pidfd_open(pid, PidfdFlags::empty()) {
            Ok(fd) if self.presence() != Presence::Gone => Ok(Some(fd)),
            Ok(_) | Err(rustix::io::Errno::SRCH) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Resolves when it is gone; never, where the system will not tell.
    pub(crate) async fn gone(self) {
        let watched = match self.descriptor() {
            Ok(Some(fd)) => register(fd),
            Ok(None) => return,
            Err(error) => Err(error),
        };
        // The descriptor of a process becomes readable at its end.
        let seen = match &watched {
            Ok(fd) => fd.readable().await.map(drop),
            Err(_) => watched.map(drop),
        };
        if let Err(error) = seen {
            tracing::warn!(%error, process = %self, "its end cannot be waited for");
            std::future::pending::<()>().await;
        }
    }

    /// Signals it, and nobody else; `false` if it is gone.
    ///
    /// # Errors
    ///
    /// The system's, such as a missing permission.
    pub fn signal(self, signal: Signal) -> io::Result<bool> {
        let Some(fd) = self.descriptor()? else {
            return Ok(false);
        };
        match pidfd_send_signal(&fd, signal) {
            Ok(()) => Ok(true),
            Err(rustix::io::Errno::SRCH) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Signals the whole group if it leads one, else only itself; `false` if it is gone.
    ///
    /// # Errors
    ///
    /// The system's, such as a missing permission.
    pub fn signal_group(self, signal: Signal) -> io::Result<bool> {
        // While the leader is there, its pid and so its group's id cannot be reused.
        let Some(_leader) = self.descriptor()? else {
            return Ok(false);
        };
        match self.raw() {
            Some(pid) if self.leads_group() => match kill_process_group(pid, signal) {
                Ok(()) => Ok(true),
                Err(rustix::io::Errno::SRCH) => Ok(false),
                Err(error) => Err(error.into()),
            },
            _ => self.signal(signal),
        }
    }

    fn raw(self) -> Option<Pid> {
        Pid::from_raw(i32::try_from(self.pid).ok()?)
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

impl std::fmt::Display for Process {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "pid {} (start {})", self.pid, self.start)
    }
}
