//! Where the output of a service is.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use ninefold_core::id::InstanceId;

use crate::disk::Folder;
use crate::keeper::{FILES, aged};

/// The log of one instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogFile {
    /// Whose.
    pub instance: InstanceId,
    /// Its files, oldest first; the last is written to.
    pub paths: Vec<PathBuf>,
    /// The one that is written to, be it there or not.
    output: PathBuf,
}

impl LogFile {
    /// Everywhere that a file of it may be, newest first.
    pub(super) fn places(&self) -> impl Iterator<Item = PathBuf> {
        (0..FILES).map(|age| aged(&self.output, age))
    }
}

/// The logs of `service` below the node's `state` folder, by ordinal. Empty if it never ran here.
///
/// # Errors
///
/// What the system says, except that there is nothing.
pub fn files(state: &Path, service: &str) -> io::Result<Vec<LogFile>> {
    let entries = match fs::read_dir(Folder::all(state)) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry?;
        let Some(instance) = entry.file_name().to_str().and_then(Folder::instance) else {
            continue;
        };
        if *instance.service != *service {
            continue;
        }
        let output = Folder::at(&entry.path()).output();
        let paths: Vec<PathBuf> = (0..FILES)
            .rev()
            .map(|age| aged(&output, age))
            .filter(|path| path.exists())
            .collect();
        if !paths.is_empty() {
            found.push(LogFile {
                instance,
                paths,
                output,
            });
        }
    }
    found.sort_by(|a, b| a.instance.cmp(&b.instance));
    Ok(found)
}
