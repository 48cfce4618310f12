//! The journal's files in their folder.

use std::path::{Path, PathBuf};
use std::{fs, io};

const PREFIX: &str = "journal-";
const SUFFIX: &str = ".jsonl";

/// Files looked at when the folder is listed; there are never so many unless somebody put them there.
const FILES_MAX: usize = 10_000;

/// One file: the number of its first event, where it is, and how many bytes it has.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct JournalFile {
    pub(super) first: u64,
    pub(super) path: PathBuf,
    pub(super) bytes: u64,
}

/// Where the file that begins with this number is.
pub(super) fn path(folder: &Path, first: u64) -> PathBuf {
    folder.join(format!("{PREFIX}{first:020}{SUFFIX}"))
}

/// The files, oldest first.
pub(super) fn list(folder: &Path) -> io::Result<Vec<JournalFile>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)?.take(FILES_MAX) {
        let entry = entry?;
        let name = entry.file_name();
        let first = name.to_str().and_then(|name| {
            name.strip_prefix(PREFIX)?
                .strip_suffix(SUFFIX)?
                .parse()
                .ok()
        });
        let Some(first) = first else { continue };
        let metadata = entry.metadata()?;
        if metadata.is_file() {
            files.push(JournalFile {
                first,
                path: entry.path(),
                bytes: metadata.len(),
            });
        }
    }
    files.sort();
    Ok(files)
}
