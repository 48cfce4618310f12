//! Whether answers are right: what two of them have in common, and what most of them say.
//!
//! Answers are compared by the hash of their *normal* form. Of JSON that is the same whatever the
//! order of members and the white space, and without the members that the file says to ignore; of
//! anything else it is the bytes. A vote needs three answers to accuse anybody: two that differ accuse
//! each other (Lamport, Shostak, Pease, "The Byzantine Generals Problem", 1982; here nobody lies on
//! purpose, and the voter is trusted).

mod ignore;
mod json;
mod poll;

pub use ignore::{Ignore, IgnoreError};
pub use json::Json;
pub use poll::ballots;
