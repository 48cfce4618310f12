//! One database connection on a thread of its own.

use std::path::PathBuf;
use std::thread::JoinHandle;
use std::time::Duration;

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

/// Jobs that wait for the connection at most; beyond it the caller is told to come back.
const WAITING_MAX: usize = 256;

type Job = Box<dyn FnOnce(&mut Connection) + Send>;

/// SQLite calls block, so they run here, one after the other, and never on the threads that serve
/// connections.
#[derive(Debug)]
pub(super) struct Lane {
    /// Nothing only while it is being dropped.
    jobs: Option<mpsc::Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

/// Why the store does not answer.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Too many requests wait for the database already.
    #[error("{WAITING_MAX} requests wait for the database")]
    Full,
    /// The thread of the connection is gone.
    #[error("the database is closed")]
    Closed,
    /// The folder of the file cannot be made.
    #[error("cannot make the folder {0}: {1}")]
    Folder(PathBuf, std::io::Error),
    /// The thread of the connection cannot be started.
    #[error("cannot start the database's thread: {0}")]
    Thread(std::io::Error),
    /// SQLite says no.
    #[error("the database says: {0}")]
    Sqlite(#[from] rusqlite::Error),
}

impl Lane {
    /// Starts the thread.
    pub(super) fn start(name: &str, mut connection: Connection) -> Result<Self, StoreError> {
        let (sender, mut jobs) = mpsc::channel::<Job>(WAITING_MAX);
        let thread = std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || {
                while let Some(job) = jobs.blocking_recv() {
                    job(&mut connection);
                }
            })
            .map_err(StoreError::Thread)?;
        Ok(Self {
            jobs: Some(sender),
            thread: Some(thread),
        })
    }

    /// Runs a job and waits for its result. A caller that goes away meanwhile loses only the
    /// result: the job is done all the same, or not at all.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Connection) -> Result<T, rusqlite::Error> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (give, result) = oneshot::channel();
        let job: Job = Box::new(move |connection| {
            if !give.is_closed() {
                drop(give.send(job(connection)));
            }
        });
        let jobs = self.jobs.as_ref().ok_or(StoreError::Closed)?;
        jobs.try_send(job).map_err(|refused| match refused {
            mpsc::error::TrySendError::Full(_) => StoreError::Full,
            mpsc::error::TrySendError::Closed(_) => StoreError::Closed,
        })?;
        Ok(result.await.map_err(|_dropped| StoreError::Closed)??)
    }
}

/// Waits until its jobs are done and the connection is closed: the last to close the file moves the
/// log into it.
impl Drop for Lane {
    fn drop(&mut self) {
        drop(self.jobs.take());
        if let Some(thread) = self.thread.take() {
            // An error is a panic of the thread, which has been printed.
            drop(thread.join());
        }
    }
}

/// How long a statement waits for a lock of another process. Longer than Ninefold needs to detect
/// and kill a hung replica that holds it, shorter than the route's timeout.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_millis(2_500);
