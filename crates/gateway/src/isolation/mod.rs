//! What keeps one trouble from becoming everybody's.
//!
//! A breaker stands in front of a service, for all threads: while the service fails as a whole,
//! nobody waits for it, and it is left alone. Single endpoints are what ejection is for, so it judges
//! requests after all their attempts.

mod breaker;

pub(crate) use breaker::{Leave, ServiceBreaker};
