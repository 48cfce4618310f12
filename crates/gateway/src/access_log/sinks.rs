//! The files, and the thread that writes them.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use arc_swap::ArcSwapOption;
use ninefold_config::model::File as Config;

use super::Record;
use super::sink::Sink;

/// Lines that wait to be written at most; more are dropped and counted.
const QUEUE_MAX: usize = 16 << 10;

/// How often it is looked whether a file was renamed.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// An access log could not be opened.
#[derive(Debug, thiserror::Error)]
#[error("access log {path} cannot be opened: {error}")]
pub struct OpenLogError {
    path: PathBuf,
    #[source]
    error: io::Error,
}

/// The logs by listener, as data threads use them.
#[derive(Debug)]
pub(crate) struct AccessLogs {
    /// The share of successful requests that is written; nothing for no log.
    samples: Vec<Option<f64>>,
    queue: ArcSwapOption<SyncSender<(usize, Record)>>,
    dropped: Arc<AtomicU64>,
}

/// The writing thread; it ends when the logs are dropped.
#[derive(Debug)]
pub(crate) struct LogThread(Option<JoinHandle<()>>);

impl AccessLogs {
    /// Opens the logs of a file; `state` is the folder of those without a path.
    pub(crate) fn open(config: &Config, state: &Path) -> Result<(Self, LogThread), OpenLogError> {
        let mut sinks = Vec::new();
        let mut samples = Vec::new();
        for listener in &config.listeners {
            let log = listener.access_log.as_ref();
            samples.push(log.map(|log| log.sample.as_f64()));
            let Some(log) = log else {
                sinks.push(None);
                continue;
            };
            let path = match &log.path {
                Some(path) => config.folder().join(path),
                None => state.join("access.log"),
            };
            let sink = Sink::open(path.clone(), log.format);
            sinks.push(Some(sink.map_err(|error| OpenLogError { path, error })?));
        }
        let dropped = Arc::default();
        let mut thread = None;
        let mut queue = None;
        if sinks.iter().any(Option::is_some) {
            let (sender, receiver) = sync_channel(QUEUE_MAX);
            queue = Some(sender);
            let named = std::thread::Builder::new().name("access-log".to_owned());
            let lost = Arc::clone(&dropped);
            let spawned = named.spawn(move || write_all(&mut sinks, &receiver, &lost));
            thread = Some(spawned.map_err(|error| OpenLogError {
                path: state.to_owned(),
                error,
            })?);
        }
        let logs = Self {
            samples,
            queue: ArcSwapOption::new(queue.map(Arc::new)),
            dropped,
        };
        Ok((logs, LogThread(thread)))
    }

    /// Whether a listener has a log.
    pub(crate) fn kept(&self, listener: usize) -> bool {
        matches!(self.samples.get(listener), Some(Some(_)))
    }

    /// Queues a line. `draw` is uniform between 0 and 1 and decides about the sample.
    pub(crate) fn write(&self, listener: usize, record: Record, draw: f64) {
        let Some(Some(sample)) = self.samples.get(listener) else {
            return;
        };
        if draw >= *sample && !record.matters() {
            return;
        }
        if let Some(queue) = &*self.queue.load()
            && queue.try_send((listener, record)).is_err()
        {
            self.dropped.fetch_add(1, Relaxed);
        }
    }

    /// Takes no more lines; the thread ends when it has written what there is.
    pub(crate) fn close(&self) {
        self.queue.store(None);
    }

    /// Lines that were dropped.
    pub(crate) fn dropped(&self) -> u64 {
        self.dropped.load(Relaxed)
    }
}

impl LogThread {
    /// Waits until everything is written; the logs must have been closed.
    pub(crate) fn join(mut self) {
        if let Some(thread) = self.0.take()
            && thread.join().is_err()
        {
            tracing::error!("the access log's thread panicked");
        }
    }
}

fn write_all(sinks: &mut [Option<Sink>], queue: &Receiver<(usize, Record)>, dropped: &AtomicU64) {
    let mut looked = Instant::now();
    let write_one = |sinks: &mut [Option<Sink>], listener: usize, record: &Record| {
        if let Some(Some(sink)) = sinks.get_mut(listener)
            && !sink.write(record)
        {
            dropped.fetch_add(1, Relaxed);
        }
    };
    loop {
        match queue.recv_timeout(LOOK_EVERY) {
            Ok((listener, record)) => write_one(sinks, listener, &record),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break,
        }
        for (listener, record) in queue.try_iter().take(QUEUE_MAX) {
            write_one(sinks, listener, &record);
        }
        let look = looked.elapsed() >= LOOK_EVERY;
        for sink in sinks.iter_mut().flatten() {
            sink.flush();
            if look {
                sink.reopen_if_renamed();
            }
        }
        if look {
            looked = Instant::now();
        }
    }
    for sink in sinks.iter_mut().flatten() {
        sink.flush();
    }
}
