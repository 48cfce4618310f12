//! Where the example files are.

use std::path::{Path, PathBuf};

/// The TOML files of a folder of `testdata`, by name. Paths are relative to this crate's folder,
/// in which tests run, so that what is rendered is the same everywhere.
pub(crate) fn files(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new("testdata").join(folder);
    let mut files: Vec<_> = folder
        .read_dir()
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "toml"))
        .collect();
    files.sort();
    assert!(!files.is_empty(), "{folder:?} has no files");
    files
}

/// A file in which every key that the grammar knows has a value other than its default.
pub(crate) const FULL: &str = "testdata/doubtful/full.toml";
