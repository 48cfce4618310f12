//! What goes wrong with the ledger.

use std::io;
use std::path::PathBuf;

/// A ledger that cannot be relied on. No fault may be injected after one of these.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// A file or the folder cannot be read or written.
    #[error("the fault ledger cannot be {action} at {}: {source}", path.display())]
    Io {
        /// `read`, `written`, `created`, `locked`.
        action: &'static str,
        /// Where.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// An entry cannot be written as JSON.
    #[error("fault {id} cannot be written as JSON: {source}")]
    Encode {
        /// Which fault.
        id: String,
        /// Why.
        source: serde_json::Error,
    },
    /// An id that is no file name.
    #[error("`{0}` is no fault id: 1 to 100 of a-z, 0-9 and `-`")]
    Id(String),
    /// There is no such entry, or it is damaged.
    #[error("the fault ledger has no readable entry {0}")]
    Missing(String),
    /// More open entries than this ledger keeps.
    #[error("the fault ledger has more than {0} files; somebody must look at it")]
    Full(usize),
}
