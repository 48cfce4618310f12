//! What is undone at the next start, when controller and reaper both died.

use std::path::{Path, PathBuf};

use crate::ledger::{Ledger, LedgerError};

/// What was found and done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recovered {
    /// Faults that were undone now: their ids, each with what was done, in words. The caller ends
    /// them in the journal.
    pub undone: Vec<(String, Vec<String>)>,
    /// Faults that could not be undone, each with why.
    pub stuck: Vec<(String, Vec<String>)>,
    /// Damaged ledger files, set aside as `*.damaged`. Nobody was signalled because of them.
    pub damaged: Vec<PathBuf>,
}

/// Undoes what dead controllers left open, and leaves alone what a living one answers for. Called
/// at the start of `up` and of `verify`; cheap where there is nothing. Blocks while an `up` that
/// belongs to nobody is stopped, at most for its grace.
///
/// # Errors
///
/// If the ledger cannot be read or written. A folder that does not exist is an empty ledger.
pub fn recover(ledger_folder: &Path) -> Result<Recovered, LedgerError> {
    let mut recovered = Recovered::default();
    if !ledger_folder.exists() {
        return Ok(recovered);
    }
    let ledger = Ledger::open(ledger_folder)?;
    recovered.damaged = ledger.set_damaged_aside()?;
    for entry in ledger.open_entries()? {
        // A living owner's entry is its own affair, or its reaper's.
        if !entry.orphaned() {
            continue;
        }
        let done = ledger.undo(&entry.id, "recover")?;
        if done.complete {
            recovered.undone.push((entry.id, done.what));
        } else {
            recovered.stuck.push((entry.id, done.what));
        }
    }
    Ok(recovered)
}
