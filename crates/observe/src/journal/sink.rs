use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

/// Where lines go. A trait, so that tests can let the disk fail.
pub(super) trait Sink: Send {
    /// Appends one line in one write. On an error nothing of it stays, or the next call sees to it.
    fn append(&mut self, line: &[u8]) -> io::Result<()>;

    /// Waits until all of it is on the disk.
    fn sync(&mut self) -> io::Result<()>;
}

/// A file that only grows by whole lines.
#[derive(Debug)]
pub(super) struct FileSink {
    file: File,
    bytes: u64,
    /// Part of a line stands at the end and could not be cut off.
    torn: bool,
}

impl FileSink {
    /// Opens or makes the file and goes on after its first `bytes` bytes.
    pub(super) fn open(path: &Path, bytes: u64) -> io::Result<Self> {
        let file = OpenOptions::new().append(true).create(true).open(path)?;
        let mut sink = Self {
            file,
            bytes,
            torn: false,
        };
        if sink.file.metadata()?.len() != bytes {
            sink.file.set_len(bytes)?;
        }
        sync_folder(path)?;
        sink.torn = false;
        Ok(sink)
    }
}

/// Makes a new name durable. The folder of a file that was just opened exists.
fn sync_folder(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(folder) => File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}

impl Sink for FileSink {
    fn append(&mut self, line: &[u8]) -> io::Result<()> {
        if self.torn {
            self.file.set_len(self.bytes)?;
            self.torn = false;
        }
        match self.file.write_all(line) {
            Ok(()) => {
                self.bytes += line.len() as u64;
                Ok(())
            }
            Err(error) => {
                self.torn = self.file.set_len(self.bytes).is_err();
                Err(error)
            }
        }
    }

    fn sync(&mut self) -> io::Result<()> {
        self.file.sync_data()
    }
}
