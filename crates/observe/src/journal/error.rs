use std::io;
use std::path::PathBuf;

/// Why the journal cannot do what was asked. The journal itself stays usable.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// Its folder cannot be made or listed; nothing was opened.
    #[error("the journal's folder {folder} cannot be used: {source}")]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// One of its files cannot be read or repaired; nothing was opened.
    #[error("the journal's file {file} cannot be read: {source}")]
    Read {
        /// The file.
        file: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// An event is not on disk. It is kept in memory and written later if possible.
    #[error("the journal cannot be written: {0}")]
    Write(String),
}
