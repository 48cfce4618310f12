use std::io;
use std::path::PathBuf;

/// Why the ledger is not on disk. The counts in memory stay right, and a later flush writes them.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// Its folder cannot be made; nothing was opened.
    #[error("the SLO ledger's folder {folder} cannot be used: {source}")]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Two objectives have the same name and indicator; nothing was opened.
    #[error("the objective `{0}` is declared twice")]
    Twice(String),
    /// More objectives or routes than the ledger keeps; nothing was opened.
    #[error("{given} {what} are more than the {max} that the SLO ledger keeps")]
    TooMany {
        /// `objectives` or `routes`.
        what: &'static str,
        /// How many there are.
        given: usize,
        /// How many there may be.
        max: usize,
    },
    /// A record cannot be written.
    #[error("the SLO ledger's file {file} cannot be written: {source}")]
    Write {
        /// The file.
        file: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}
