//! The folder and documents of one `prepare` command.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::document::{read_json, write_json};
use crate::process::{ProcessId, boot_id};

/// `guard.json` has this size, always: it is overwritten in place, which a full disk allows.
const GUARD_BYTES: usize = 256;

/// `prepare.json`: what a guard runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Errand {
    /// Program and arguments.
    pub(crate) argv: Vec<String>,
    /// The working directory.
    pub(crate) directory: PathBuf,
}

/// The one line that a guard writes to its standard input, which is a socket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum GuardLine {
    /// The command succeeded.
    Done,
    /// It did not, or could not be run.
    Failed { error: String },
}

/// `guard.json`: the leader of the session in which the command runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct GuardRecord {
    guard: ProcessId,
    boot_id: String,
}

/// `<state>/prepares/<hash>/`.
#[derive(Clone, Debug)]
pub(crate) struct ErrandFolder(PathBuf);

impl ErrandFolder {
    /// Where all `prepare` commands have their folders.
    pub(crate) fn all(state: &Path) -> PathBuf {
        state.join("prepares")
    }

    /// The folder of the command with this hash.
    pub(crate) fn of(state: &Path, hash: u64) -> Self {
        Self(Self::all(state).join(format!("{hash:016x}")))
    }

    /// A folder that is known by its path.
    pub(crate) fn at(path: &Path) -> Self {
        Self(path.to_owned())
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Held by the guard as long as it lives.
    pub(crate) fn lock(&self) -> PathBuf {
        self.0.join("guard.lock")
    }

    pub(crate) fn errand(&self) -> PathBuf {
        self.0.join("prepare.json")
    }

    pub(crate) fn guard(&self) -> PathBuf {
        self.0.join("guard.json")
    }

    /// Makes the folder, for its owner only, and writes down what is to be run.
    pub(crate) fn create(&self, errand: &Errand) -> io::Result<()> {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.0)?;
        write_json(&self.errand(), errand)
    }

    /// What is to be run; nothing if this is no folder of a `prepare`.
    pub(crate) fn read(&self) -> io::Result<Option<Errand>> {
        read_json(&self.errand())
    }

    /// Writes down that `guard` runs the command, or that nobody does any more.
    pub(crate) fn record(&self, guard: Option<ProcessId>) -> io::Result<()> {
        let record = guard.map(|guard| GuardRecord {
            guard,
            boot_id: boot_id(),
        });
        let mut text = serde_json::to_vec(&record).map_err(io::Error::other)?;
        text.resize(text.len().max(GUARD_BYTES), b' ');
        let file: File = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(self.guard())?;
        file.write_all_at(&text, 0)
    }

    /// The guard of this boot that was at it last, unless it wrote that it was done. What cannot
    /// be read tells of none.
    pub(crate) fn recorded(&self) -> Option<ProcessId> {
        let record = read_json::<Option<GuardRecord>>(&self.guard());
        let record = record.ok().flatten().flatten()?;
        (record.boot_id == boot_id()).then_some(record.guard)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guard_is_recorded_in_place_until_it_is_done() {
        let state = tempfile::tempdir().unwrap();
        let folder = ErrandFolder::of(state.path(), 7);
        assert_eq!(folder.read().unwrap(), None);
        let errand = Errand {
            argv: vec!["true".into()],
            directory: "/".into(),
        };
        folder.create(&errand).unwrap();
        assert_eq!(folder.read().unwrap(), Some(errand));
        assert_eq!(folder.recorded(), None);
        let me = ProcessId::of(std::process::id()).unwrap();
        folder.record(Some(me)).unwrap();
        assert_eq!(folder.recorded(), Some(me));
        let size = fs::metadata(folder.guard()).unwrap().len();
        folder.record(None).unwrap();
        assert_eq!(folder.recorded(), None);
        assert_eq!(fs::metadata(folder.guard()).unwrap().len(), size);
        fs::write(folder.guard(), b"garbage").unwrap();
        assert_eq!(folder.recorded(), None);
    }
}
