use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{fs, io};

use ninefold_core::event::Event;
use ninefold_core::time::Timestamp;

use super::files::{self, JournalFile};
use super::line::encode;
use super::sink::{FileSink, Sink};

/// Lines that wait for a disk that refuses, at most; further ones are lost, and counted.
const WAITING_MAX: usize = 10_000;

/// Bytes of such lines, at most.
const WAITING_BYTES_MAX: usize = 16 * 1024 * 1024;

/// How long a disk that refused is left alone.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Makes the sink of a file of which the first bytes are good.
pub(super) type OpenSink = Box<dyn Fn(&Path, u64) -> io::Result<Box<dyn Sink>> + Send>;

/// Puts lines into files, rotates them, and waits out a disk that refuses.
pub(super) struct Writer {
    folder: PathBuf,
    file_bytes: u64,
    total_bytes: u64,
    open: OpenSink,
    /// Oldest first; the last one is written to.
    files: Vec<JournalFile>,
    sink: Option<Box<dyn Sink>>,
    waiting: VecDeque<(u64, Vec<u8>)>,
    waiting_bytes: usize,
    lost: u64,
    failure: Option<(Timestamp, String)>,
}

impl Writer {
    pub(super) fn new(
        folder: &Path,
        (file_bytes, total_bytes): (u64, u64),
        files: Vec<JournalFile>,
    ) -> Self {
        Self {
            folder: folder.to_owned(),
            file_bytes,
            total_bytes,
            open: Box::new(|path, bytes| Ok(Box::new(FileSink::open(path, bytes)?))),
            files,
            sink: None,
            waiting: VecDeque::new(),
            waiting_bytes: 0,
            lost: 0,
            failure: None,
        }
    }

    #[cfg(test)]
    pub(super) fn with_sinks(mut self, open: OpenSink) -> Self {
        self.open = open;
        self
    }

    /// Writes an event, after those that wait. `now` decides whether a disk that refused is tried
    /// again. Whether everything is written.
    pub(super) fn write(&mut self, event: &Event, now: Timestamp, durable: bool) -> bool {
        let line = encode(event);
        if self.waiting.len() >= WAITING_MAX
            || self.waiting_bytes.saturating_add(line.len()) > WAITING_BYTES_MAX
        {
            self.lost += 1;
        } else {
            self.waiting_bytes += line.len();
            self.waiting.push_back((event.seq, line));
        }
        self.flush(now, durable)
    }

    /// Writes what waits.
    pub(super) fn flush(&mut self, now: Timestamp, durable: bool) -> bool {
        let recently = self
            .failure
            .as_ref()
            .is_some_and(|(at, _)| *at <= now && now.since(*at) < RETRY_AFTER);
        if recently && !durable {
            return self.waiting.is_empty();
        }
        match self.drain(durable) {
            Ok(()) => {
                self.failure = None;
                true
            }
            Err(error) => {
                self.failure = Some((now, error.to_string()));
                false
            }
        }
    }

    fn drain(&mut self, durable: bool) -> io::Result<()> {
        while let Some((seq, line)) = self.waiting.front() {
            let (seq, bytes) = (*seq, line.len() as u64);
            self.rotate(seq, bytes)?;
            let (Some(sink), Some((_, line))) = (&mut self.sink, self.waiting.front()) else {
                break;
            };
            sink.append(line)?;
            self.waiting_bytes = self.waiting_bytes.saturating_sub(line.len());
            self.waiting.pop_front();
            if let Some(file) = self.files.last_mut() {
                file.bytes += bytes;
            }
        }
        match &mut self.sink {
            Some(sink) if durable => sink.sync(),
            _ => Ok(()),
        }
    }

    /// Sees to a sink that has room for `bytes`; begins a new file named after `seq` where needed.
    fn rotate(&mut self, seq: u64, bytes: u64) -> io::Result<()> {
        let room = self
            .files
            .last()
            .is_some_and(|file| file.bytes == 0 || file.bytes + bytes <= self.file_bytes);
        if !room {
            self.make_room(bytes)?;
            self.sink = None;
            self.files.push(JournalFile {
                first: seq,
                path: files::path(&self.folder, seq),
                bytes: 0,
            });
        }
        if let (None, Some(file)) = (&self.sink, self.files.last()) {
            match (self.open)(&file.path, file.bytes) {
                Ok(sink) => self.sink = Some(sink),
                Err(error) => {
                    if file.bytes == 0 {
                        self.files.pop();
                    }
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    /// Removes the oldest files until there is room for one more.
    fn make_room(&mut self, bytes: u64) -> io::Result<()> {
        let needed = self.file_bytes.max(bytes);
        let mut total: u64 = self.files.iter().map(|file| file.bytes).sum();
        while total.saturating_add(needed) > self.total_bytes {
            let Some(oldest) = self.files.first() else {
                return Ok(());
            };
            match fs::remove_file(&oldest.path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => total = total.saturating_sub(oldest.bytes),
            }
            self.files.remove(0);
        }
        Ok(())
    }

    /// What is wrong, in words.
    pub(super) fn problem(&self) -> Option<String> {
        let (_, error) = self.failure.as_ref()?;
        let mut text = format!(
            "the journal in {} cannot be written: {error}; {} events wait in memory",
            self.folder.display(),
            self.waiting.len()
        );
        if self.lost > 0 {
            text.push_str(&format!(", {} are lost to the disk", self.lost));
        }
        Some(text)
    }
}

impl std::fmt::Debug for Writer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Writer")
            .field("folder", &self.folder)
            .field("files", &self.files)
            .field("waiting", &self.waiting.len())
            .field("lost", &self.lost)
            .field("failure", &self.failure)
            .finish_non_exhaustive()
    }
}
