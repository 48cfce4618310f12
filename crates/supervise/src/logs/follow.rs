//! New lines as they come.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use ninefold_core::id::InstanceId;

use super::files::files;
use super::tail::{LogLine, merge};

/// Bytes taken from one file at once.
const READ_BYTES_MAX: u64 = 1 << 20;

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
            if let Some(path) = log.paths.last() {
                let mut position = Position::open(path)?;
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
            let Some(path) = log.paths.last() else {
                continue;
            };
            let mut position = match self.positions.remove(&log.instance) {
                Some(position) => position,
                None => Position::open(path)?,
            };
            position.read(&log.instance, &mut lines)?;
            let current = std::fs::metadata(path)?.ino();
            if current != position.inode {
                // What was written before the rotation first, then the new file.
                position.read(&log.instance, &mut lines)?;
                position = Position::open(path)?;
                position.read(&log.instance, &mut lines)?;
            }
            self.positions.insert(log.instance, position);
        }
        merge(&mut lines);
        Ok(lines)
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

    fn read(&mut self, instance: &InstanceId, lines: &mut Vec<LogLine>) -> io::Result<()> {
        (&self.file)
            .take(READ_BYTES_MAX)
            .read_to_end(&mut self.rest)?;
        let Some(end) = self.rest.iter().rposition(|byte| *byte == b'\n') else {
            return Ok(());
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
        Ok(())
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
        let other = state.path().join("instances/shop-1");
        fs::create_dir_all(&other).unwrap();
        fs::write(other.join("output.log"), "T6 stdout hello\n").unwrap();
        assert_eq!(poll(), ["T6 stdout hello"]);
    }
}
