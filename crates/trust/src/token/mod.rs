//! Join tokens: what a host shows to become a node.
//!
//! A token says whom to believe, by the hash of the authority's certificate, and has a secret that is good for a while
//! and for so many admissions. Against one who is on the network between a newcomer and the cluster: he does not have
//! the authority's key, so the secret is never said to him. Against one who reads the server's files: there are only
//! hashes of secrets. Against one who guesses: a secret has 128 bits. Not against one who gets hold of a token before
//! it is used: it admits whoever comes first, so it is short-lived, and good for one admission, by default.

mod book;
mod text;

pub use book::{TOKENS_MAX, TTL_MAX, TokenBookError, USES_MAX, issue};
pub(crate) use book::{TokenBook, TokenRefusal};
pub(crate) use text::Secret;
pub use text::{Token, TokenError};
