//! Plain TCP: each connection goes to one instance, with the same health, ejection, balancing and
//! drain as requests. What a request is to HTTP, a connection is here: it is counted once, in the
//! outcome that it has for its client, and `masked` if an instance before the last one refused it.

mod relay;
mod serve;

pub(crate) use serve::serve;
