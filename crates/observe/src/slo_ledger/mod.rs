//! The SLO ledger: exact counts that survive restarts and SIGKILL.
//!
//! Two records on disk. The *rings* hold everything and are written when a 10 s bucket closes. The
//! *head* holds what came since, and the routes' totals; it is small and written with every flush
//! that has news. Each record lives in two files that are overwritten in turn, with a checksum and
//! a number, so that one whole copy stands at any moment. A head belongs to the rings of the same
//! generation: rings that are newer than the head already contain it.
//!
//! Killed with SIGKILL, the ledger loses what was counted since the last flush. After a power cut
//! the last seconds may be missing, for nothing here waits for the disk.

mod codec;
mod error;
mod ledger;
mod record;
mod twin;

pub use error::LedgerError;
pub use ledger::SloLedger;
