//! What a gateway knows, for a successor in another process.
//!
//! Generations of one process share what they know, see [`super::heirlooms`]. Between processes it
//! passes as a value: by names, without clocks, and each part with a mark of the settings that it
//! belongs to, so that only that is taken of which both files say the same. Whatever is there was
//! written by another program, maybe of another version: what cannot be read is left out, and what
//! can is believed only within the bounds of this file.
//!
//! **Invariant:** for lack of a memory, or for what stands in it, nothing fails: the successor knows
//! less. **Invariant:** what was refused or ejected by the one before is so by the next one, for as long
//! as it would have been.

mod entry;
mod give;
#[expect(clippy::module_inception, reason = "the file is named after its type")]
mod memory;
mod read;
mod recalled;
mod take;

pub(super) use entry::EndpointEntry;
pub(crate) use entry::{FaultEntry, RateEntry};
pub use memory::Memory;
pub use recalled::Recalled;
