//! The journal: everything that happened, as JSON lines on disk.
//!
//! A line is an [`Event`](ninefold_core::event::Event) with its checksum in front, so that any tool
//! for JSON lines reads it: `{"crc":"89abcdef","seq":1,"at":…}`. The checksum is the CRC-32 (IEEE)
//! of what follows the first comma. A line goes out in one `write(2)` to a file opened for
//! appending: once that returned, it survives the end of the process by any signal, and at most the
//! line under way is lost. [`Journal::record_durable`] also waits for the disk, so that the line
//! survives a power cut.
//!
//! Files are named after their first sequence number, `journal-00000000000000000001.jsonl`. A full
//! file is closed and a new one begun; the oldest ones go when all together are too large.
//!
//! On opening, a torn last line is cut off, and a damaged line elsewhere is skipped; a notice in the
//! journal itself says how many. While the disk refuses (full, read-only), events wait in a bounded
//! queue and are written, in order, as soon as it accepts again.
//!
//! **Invariant:** one process writes. Whoever else is interested calls [`read`].

mod error;
mod files;
mod line;
mod reader;
mod sink;
mod store;
#[cfg(test)]
mod tests;
mod writer;

pub use error::JournalError;
pub use reader::{EVENTS_READ_MAX, read};
pub use store::{Journal, JournalLimits, RECENT_MAX};
