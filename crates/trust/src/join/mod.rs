//! How a host becomes a node: it shows a token to the node where the cluster began, and gets a certificate.
//!
//! # The exchange
//!
//! ```text
//! newcomer                                                 who has the authority
//!    | ---- TLS 1.3 --------------------------------------------> |
//!    | <--- certificate for `join.CLUSTER.ninefold`, authority -- |
//!    |   the authority's hash is the token's, or the newcomer     |
//!    |   goes away without a word                                 |
//!    | ---- a line of JSON: name, secret, key, proof -----------> |
//!    | <--- a line of JSON: certificate, keys, seeds; or why not  |
//! ```
//!
//! The proof is a signature with the newcomer's new key over its name and over what only the two ends of this very
//! connection know (RFC 8446, section 7.5), so a certificate is only made for a key that the newcomer has, and what was
//! said on one connection is worth nothing on another. A signing request of PKCS #10 would prove less, and would have a
//! parser of ASN.1 read what strangers send.
//!
//! # Against whom
//!
//! - One on the network: he cannot stand in for the cluster without the authority's key; a member cannot either, whose
//!   certificate is for another name. So nobody else is told the secret.
//! - One who guesses or floods: a request is bounded in size and time, and so is how many there are at once, in all and
//!   from one address; only so many failures a second are answered.
//! - One who has a token, and would be a node that there is already: the name of a live member is refused.

mod client;
mod decide;
mod limits;
mod message;
mod pinned;
mod proof;
mod server;
#[cfg(test)]
mod tests;

pub use client::{JoinError, join};
pub use decide::Member;
pub(crate) use message::Bytes;
pub use message::Refusal;
pub(crate) use proof::{NodeKey, sign};
pub use server::{JoinServer, JoinServerError};
