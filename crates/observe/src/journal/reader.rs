use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use ninefold_core::event::Event;

use super::error::JournalError;
use super::files::{self, JournalFile};
use super::line::{LINE_MAX, decode};

/// Events read back at most, the newest.
pub const EVENTS_READ_MAX: usize = 100_000;

/// What the files say.
#[derive(Debug, Default)]
pub(super) struct Reading {
    pub(super) events: VecDeque<Event>,
    /// Lines that are damaged and not the last one.
    pub(super) damaged: u64,
    /// How much of the newest file is whole lines.
    pub(super) whole_bytes: u64,
    /// What comes after that: a line that was never finished.
    pub(super) torn_bytes: u64,
    /// The highest sequence number.
    pub(super) newest: u64,
}

/// Reads a journal that another process may be writing, and changes nothing. The newest
/// [`EVENTS_READ_MAX`] events, oldest first; damaged lines are left out. A folder that does not
/// exist has no events.
///
/// # Errors
///
/// If the folder or a file cannot be read.
pub fn read(folder: &Path) -> Result<Vec<Event>, JournalError> {
    let listed = match files::list(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        listed => listed,
    };
    let files = listed.map_err(|source| JournalError::Folder {
        folder: folder.to_owned(),
        source,
    })?;
    Ok(read_all(&files)?.events.into())
}

pub(super) fn read_all(files: &[JournalFile]) -> Result<Reading, JournalError> {
    let mut reading = Reading::default();
    for file in files {
        // A torn end of a file that is not the newest is no more than a damaged line.
        if reading.torn_bytes > 0 {
            reading.damaged += 1;
        }
        let read = File::open(&file.path).and_then(|open| read_one(open, &mut reading));
        match read {
            // Whoever writes may have removed the oldest file meanwhile.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            read => read.map_err(|source| JournalError::Read {
                file: file.path.clone(),
                source,
            })?,
        }
    }
    Ok(reading)
}

fn read_one(file: impl Read, reading: &mut Reading) -> io::Result<()> {
    let mut input = BufReader::with_capacity(64 * 1024, file);
    let mut line = Vec::new();
    let mut skipping = false;
    reading.whole_bytes = 0;
    reading.torn_bytes = 0;
    loop {
        line.clear();
        let limit = LINE_MAX as u64 + 1;
        let read = (&mut input).take(limit).read_until(b'\n', &mut line)? as u64;
        if read == 0 {
            return Ok(());
        }
        reading.torn_bytes += read;
        if line.last() != Some(&b'\n') {
            skipping = true;
            continue;
        }
        reading.whole_bytes += reading.torn_bytes;
        reading.torn_bytes = 0;
        line.pop();
        match decode(&line).filter(|_| !skipping) {
            Some(event) => keep(reading, event),
            None if line.is_empty() && !skipping => {}
            None => reading.damaged += 1,
        }
        skipping = false;
    }
}

fn keep(reading: &mut Reading, event: Event) {
    // Numbers that do not rise are copies (a restored backup, say); they must not come twice.
    if event.seq <= reading.newest {
        reading.damaged += 1;
        return;
    }
    reading.newest = event.seq;
    reading.events.push_back(event);
    if reading.events.len() > EVENTS_READ_MAX {
        reading.events.pop_front();
    }
}
