//! The PROXY protocol, versions 1 and 2: a header at the beginning of a connection in which a
//! balancer says who the client is (HAProxy's `doc/proxy-protocol.txt`, revision 2020/03/05).
//!
//! Reading and writing are pure; only receiving asks a socket. TLVs of version 2 are skipped,
//! a checksum among them too.

mod parse;
mod receive;
mod write;

pub use parse::{Header, Malformed, parse};
pub(crate) use receive::receive;
pub(crate) use write::write;

/// What version 2 begins with.
const SIGNATURE: [u8; 12] = *b"\r\n\r\n\0\r\nQUIT\n";

/// The longest line of version 1, its end included.
const LINE_MAX: usize = 107;

/// What follows the signature and lengths of version 2, at most: addresses and TLVs.
const BLOCK_MAX: usize = 2_048;
