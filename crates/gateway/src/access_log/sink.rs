//! One log file.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::mem;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use ninefold_config::model::AccessLogFormat;

use super::Record;

/// Bytes of whole lines that wait for the disk at most.
const BUFFER_SIZE: usize = 64 << 10;

/// A file that lines are added to. When the disk refuses, as many lines as the buffer holds wait
/// for it; that it refuses is told once, and so is the end of it.
#[derive(Debug)]
pub(super) struct Sink {
    path: PathBuf,
    format: AccessLogFormat,
    file: BufWriter<File>,
    /// A line is made here first, so that it enters the buffer as a whole or not at all.
    line: Vec<u8>,
    failing: bool,
}

impl Sink {
    /// Opens or creates the file.
    pub(super) fn open(path: PathBuf, format: AccessLogFormat) -> io::Result<Self> {
        let file = BufWriter::with_capacity(BUFFER_SIZE, open(&path)?);
        Ok(Self {
            path,
            format,
            file,
            line: Vec::new(),
            failing: false,
        })
    }

    /// Adds a line. `false` if there was no room for it.
    pub(super) fn write(&mut self, record: &Record) -> bool {
        self.line.clear();
        let written = match self.format {
            AccessLogFormat::Json => record.write_json(&mut self.line),
            AccessLogFormat::Common => record.write_common(&mut self.line),
        };
        let written = written.and_then(|()| self.file.write_all(&self.line));
        // Success says nothing yet about the disk: the line may only wait.
        written.map_err(|error| self.fails(&error)).is_ok()
    }

    /// Gives the waiting lines to the system.
    pub(super) fn flush(&mut self) {
        match self.file.flush() {
            Ok(()) if mem::take(&mut self.failing) => {
                tracing::info!(path = %self.path.display(), "access log can be written again");
            }
            Ok(()) => {}
            Err(error) => self.fails(&error),
        }
    }

    fn fails(&mut self, error: &io::Error) {
        if !mem::replace(&mut self.failing, true) {
            tracing::warn!(path = %self.path.display(), %error, "access log cannot be written");
        }
    }

    /// After a rename (logrotate) lines go to a new file of the old name, also those that wait.
    pub(super) fn reopen_if_renamed(&mut self) {
        let ours = self.file.get_ref().metadata().map(|m| (m.dev(), m.ino()));
        let there = std::fs::metadata(&self.path).map(|m| (m.dev(), m.ino()));
        if ours.ok() == there.ok() {
            return;
        }
        match open(&self.path) {
            Ok(file) => {
                let new = BufWriter::with_capacity(BUFFER_SIZE, file);
                let (_, waiting) = mem::replace(&mut self.file, new).into_parts();
                if let Ok(waiting) = waiting
                    && let Err(error) = self.file.write_all(&waiting)
                {
                    self.fails(&error);
                }
            }
            Err(error) => self.fails(&error),
        }
    }
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).create(true).open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_keeps_what_fits_whole_and_refuses_the_rest() {
        let folder = tempfile::tempdir().unwrap();
        let (parts, ()) = http::Request::get("http://a/some/target")
            .body(())
            .unwrap()
            .into_parts();
        let record = Record::new(
            &parts,
            crate::peer::Peer::Ip(std::net::SocketAddr::from(([127, 0, 0, 1], 1))),
        );
        let mut sink = Sink::open("/dev/full".into(), AccessLogFormat::Json).unwrap();
        let mut kept = 0;
        while sink.write(&record) {
            kept += 1;
            sink.flush();
            assert!(sink.failing);
            assert!(kept < 100_000, "the disk takes nothing");
        }
        assert!(kept > 0);
        assert!(!sink.write(&record), "and goes on refusing");
        // Room again, as after somebody moved the log to another disk.
        sink.path = folder.path().join("access.log");
        sink.reopen_if_renamed();
        assert!(sink.write(&record));
        sink.flush();
        assert!(!sink.failing);
        let text = std::fs::read_to_string(&sink.path).unwrap();
        assert_eq!(text.lines().count(), kept + 1);
        for line in text.lines() {
            serde_json::from_str::<serde_json::Value>(line).unwrap();
        }
    }
}
