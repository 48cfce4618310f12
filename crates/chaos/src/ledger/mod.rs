//! The write-ahead ledger of faults: what must be undone is on disk before it is done.
//!
//! One file per fault: a line of JSON, and a line with its CRC-32. Files are replaced by a rename
//! and synced together with their folder, and changes happen under a lock on the folder, because
//! the controller and the reaper both write. An entry goes `planned → applied → undone`; undoing is
//! idempotent, so that whoever is in doubt undoes again.

mod entry;
mod error;
mod store;
mod undo;

pub use entry::{Entry, EntryState, Note, Undo};
pub use error::LedgerError;
pub(crate) use store::VERIFY;
pub use store::{Contents, Ledger};
