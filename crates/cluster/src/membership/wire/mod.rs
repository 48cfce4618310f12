//! What nodes say to each other, in bytes.
//!
//! A packet is a head (version, cluster, who says it and of which incarnation) and one body. Numbers are
//! little-endian or LEB128, lists and texts have their length before them, and everything has a limit. Reading is
//! total: every input is a packet or a [`WireError`], nothing is allocated beyond what the input has room for, and
//! what is left over is an error too. So each packet has exactly one form.
//!
//! **Boundary:** nothing here is secret or authentic. Whoever drives this seals packets before they leave, and
//! opens them before they come here.

mod body;
mod error;
mod fields;
mod frame;
mod packet;
#[cfg(test)]
mod seeds;
#[cfg(test)]
mod tests;

pub use body::{Body, Cause, Delta, Digest, Entry, Range, Update, Version};
pub use error::WireError;
pub use frame::{FRAME_MAX, Frame, KNOWN_MAX, Part};
pub use packet::{
    CHALLENGES_MAX, ENTRIES_PACKET_MAX, LEFT_MAX, PACKET_MAX, Packet, RANGES_MAX, RECORDS_MAX,
    UPDATES_MAX,
};
pub use packet::{KEY_MAX, VALUE_MAX};
