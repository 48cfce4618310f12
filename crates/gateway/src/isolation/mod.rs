//! What keeps one trouble from becoming everybody's.
//!
//! A breaker stands in front of a service, for all threads: while the service fails as a whole,
//! nobody waits for it, and it is left alone. Single endpoints are what ejection is for, so it judges
//! requests after all their attempts.
//!
//! A bulkhead divides the places of a route among clients or tenants. A request has its place until
//! its answer has ended; who finds none was never sent, and speaks against no endpoint.

mod breaker;
mod bulkhead;
mod spell;

pub(crate) use breaker::{Leave, ServiceBreaker};
pub(crate) use bulkhead::{RouteBulkhead, Share};
pub(crate) use spell::Turn;
