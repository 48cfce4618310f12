//! Which endpoint takes the next request of a service, as one thread decides it. What may be taken
//! and how it is drawn is decided in `ninefold_core::balance`; here is what that is decided by.

mod ask;
mod group;
mod key;
mod local;
mod parts;

pub(crate) use ask::Ask;
pub(crate) use group::{Group, Turn};
pub(crate) use key::hash_key;
pub(crate) use local::Local;
