//! A folder for what is read from disk.

use std::fs;
use std::path::{Path, PathBuf};

/// A folder that is emptied before each use, in memory where the machine has that.
#[derive(Debug)]
pub struct Scratch(tempfile::TempDir);

impl Scratch {
    /// Makes it.
    ///
    /// # Panics
    ///
    /// If there is no place for it.
    #[must_use]
    pub fn new() -> Self {
        let memory = Path::new("/dev/shm");
        let folder = if memory.is_dir() {
            tempfile::tempdir_in(memory)
        } else {
            tempfile::tempdir()
        };
        Self(folder.expect("a folder can be made"))
    }

    /// The folder, empty.
    ///
    /// # Panics
    ///
    /// If it cannot be emptied.
    #[must_use]
    pub fn empty(&self) -> &Path {
        for entry in fs::read_dir(self.0.path()).expect("the folder is there") {
            fs::remove_file(entry.expect("an entry").path()).expect("only files are made");
        }
        self.0.path()
    }

    /// A file of this content, the only one in the folder.
    ///
    /// # Panics
    ///
    /// If it cannot be written.
    #[must_use]
    pub fn file(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.empty().join(name);
        fs::write(&path, content).expect("a small file can be written");
        path
    }
}

impl Default for Scratch {
    fn default() -> Self {
        Self::new()
    }
}
