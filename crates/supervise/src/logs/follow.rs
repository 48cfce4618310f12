//! New lines as they come.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use ninefold_core::id::InstanceId;

use super::files::{LogFile, files};
use super::tail::{LogLine, merge};

/// Bytes taken from one file at once.
const READ_BYTES_MAX: u64 = 1 << 20;

/// Files that one call reads of an instance at most; the next call goes on.
const FILES_MAX: usize = 8;

/// Follows the output of a service over rotations and new instances.
#[derive(Debug)]
pub struct Follow {
    state: PathBuf,
    service: String,
    positions: BTreeMap<InstanceId, Position>,
}

#[derive(Debug)]
struct Position {
    file: File,
    inode: u64,
    rest: Vec<u8>,
}

impl Follow {
    /// Follows from the present end on.
    ///
    /// # Errors
    ///
    /// What the system says about a file that is there.
    pub fn new(state: &Path, service: &str) -> io::Result<Self> {
        let mut follow = Self {
            state: state.to_owned(),
            service: service.to_owned(),
            positions: BTreeMap::new(),
        };
        for log in files(state, service)? {
            // The newest that is there: one may be rotated away in this moment.
            let mut open = None;
            for path in log.paths.iter().rev() {
                open = Position::open(path).map(Some).or_else(absent)?;
                if open.is_some() {
                    break;
                }
            }
            if let Some(mut position) = open {
                position.file.seek(SeekFrom::End(0))?;
                follow.positions.insert(log.instance, position);
            }
        }
        Ok(follow)
    }

    /// The lines that came since the last call, merged by time. It never waits: call it a few
    /// times a second.
    ///
    /// # Errors
    ///
    /// What the system says about a file that is there.
    pub fn poll(&mut self) -> io::Result<Vec<LogLine>> {
        let mut lines = Vec::new();
        for log in files(&self.state, &self.service)? {
            let known = match self.positions.remove(&log.instance) {
                Some(position) => Some(position),
                None => log
                    .paths
                    .first()
                    .map(|path| Position::open(path))
                    .transpose()
                    .or_else(absent)?,
            };
            if let Some(mut position) = known {
                position.follow(&log, &mut lines)?;
                self.positions.insert(log.instance, position);
            }
        }
        merge(&mut lines);
        Ok(lines)
    }
}

/// A file that is rotated in this moment is not there; it is looked for again.
fn absent<T>(error: io::Error) -> io::Result<Option<T>> {
    match error.kind() {
        io::ErrorKind::NotFound => Ok(None),
        _ => Err(error),
    }
}

impl Position {
    fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        let inode = file.metadata()?.ino();
        Ok(Self {
            file,
            inode,
            rest: Vec::new(),
        })
    }

    /// Reads on, from the file that is open over those that came after it to the newest.
    fn follow(&mut self, log: &LogFile, lines: &mut Vec<LogLine>) -> io::Result<()> {
        for _ in 0..FILES_MAX {
            if !self.read(&log.instance, lines)? {
                return Ok(());
            }
            let Some(path) = self.successor(log)? else {
                return Ok(());
            };
            // It was written to until it was rotated; now nobody does any more.
            if !self.read(&log.instance, lines)? {
                return Ok(());
            }
            let Some(next) = Self::open(&path).map(Some).or_else(absent)? else {
                return Ok(());
            };
            // Another rotation in between would lead back.
            if Some(next.inode) == self.inode_after(log)? {
                *self = next;
            } else {
                return Ok(());
            }
        }
        Ok(())
    }

    /// The file after this one; nothing if this is the newest. If this one is gone already, the
    /// oldest that is left.
    ///
    /// It looks from the newest to the oldest, at every place that there may be: files only ever
    /// move in that direction, so that this one is met even if it moves meanwhile.
    fn successor(&self, log: &LogFile) -> io::Result<Option<PathBuf>> {
        let mut after = None;
        for path in log.places() {
            let inode = std::fs::metadata(&path)
                .map(|about| Some(about.ino()))
                .or_else(absent)?;
            if inode == Some(self.inode) {
                return Ok(after);
            }
            if inode.is_some() {
                after = Some(path);
            }
        }
        Ok(after)
    }

    fn inode_after(&self, log: &LogFile) -> io::Result<Option<u64>> {
        let Some(path) = self.successor(log)? else {
            return Ok(None);
        };
        std::fs::metadata(path)
            .map(|about| Some(about.ino()))
            .or_else(absent)
    }

    /// Says whether the end was reached.
    fn read(&mut self, instance: &InstanceId, lines: &mut Vec<LogLine>) -> io::Result<bool> {
        let taken = (&self.file)
            .take(READ_BYTES_MAX)
            .read_to_end(&mut self.rest)?;
        let ended = u64::try_from(taken).unwrap_or(u64::MAX) < READ_BYTES_MAX;
        let Some(end) = self.rest.iter().rposition(|byte| *byte == b'\n') else {
            return Ok(ended);
        };
        let tail = self.rest.split_off(end + 1);
        let whole = std::mem::replace(&mut self.rest, tail);
        for line in whole.split_inclusive(|byte| *byte == b'\n') {
            let text = String::from_utf8_lossy(line)
                .trim_end_matches('\n')
                .to_owned();
            let instance = instance.clone();
            lines.push(LogLine { instance, text });
        }
        Ok(ended)
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, OpenOptions};
    use std::io::Write;

    use super::*;

    #[test]
    fn follows_over_rotation_and_to_new_instances() {
        let state = tempfile::tempdir().unwrap();
        let folder = state.path().join("instances/shop-0");
        fs::create_dir_all(&folder).unwrap();
        let path = folder.join("output.log");
        let append = |text: &str| {
            let mut file = OpenOptions::new()
                .append(true)
                .create(true)
                .open(&path)
                .unwrap();
            file.write_all(text.as_bytes()).unwrap();
        };
        append("T1 stdout before\n");
        let mut follow = Follow::new(state.path(), "shop").unwrap();
        let mut poll = || -> Vec<String> {
            let lines = follow.poll().unwrap();
            lines.into_iter().map(|line| line.text).collect()
        };
        assert_eq!(poll(), [] as [&str; 0]);
        append("T2 stdout one\nT3 stdout t");
        assert_eq!(poll(), ["T2 stdout one"]);
        append("wo\n");
        append("T4 stdout last of the old\n");
        fs::rename(&path, folder.join("output.log.1")).unwrap();
        append("T5 stdout first of the new\n");
        assert_eq!(
            poll(),
            [
                "T3 stdout two",
                "T4 stdout last of the old",
                "T5 stdout first of the new"
            ]
        );
        // Two rotations between two calls: the file in the middle is read too.
        let rotate = |files: &[&str]| {
            for pair in files.windows(2).rev() {
                fs::rename(folder.join(pair[0]), folder.join(pair[1])).unwrap();
            }
        };
        rotate(&["output.log", "output.log.1", "output.log.2"]);
        append("T5a stdout in the middle\n");
        rotate(&["output.log", "output.log.1", "output.log.2", "output.log.3"]);
        // And the newest is not there yet.
        assert_eq!(poll(), ["T5a stdout in the middle"]);
        append("T5b stdout newest\n");
        assert_eq!(poll(), ["T5b stdout newest"]);
        let other = state.path().join("instances/shop-1");
        fs::create_dir_all(&other).unwrap();
        fs::write(other.join("output.log"), "T6 stdout hello\n").unwrap();
        assert_eq!(poll(), ["T6 stdout hello"]);
    }
}
