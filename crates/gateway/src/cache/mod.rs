//! Answers that are kept for later (RFC 9111), so that they are there when the service is not.
//!
//! One cache a route, for all threads, bounded in bytes. What is private to somebody is never kept:
//! answers that say so or set a cookie, and those to requests with a cookie or credentials unless
//! they are marked for everybody. How long an answer may be used follows from what it says, and,
//! where it says nothing, from the route; nothing is guessed from dates.
//!
//! [`judge`] and [`Entry::state`] decide, without clock or lock; [`RouteCache`] keeps. Requests for
//! the same that come meanwhile wait for the first one.

mod asked;
mod conditional;
mod directives;
mod entry;
mod flight;
mod judge;
mod result;
mod shard;
mod store;

pub(crate) use asked::{Asked, key_of};
pub(crate) use conditional::Conditions;
pub(crate) use entry::{Entry, State};
pub(crate) use flight::{Join, Leader};
pub(crate) use judge::{Rules, judge};
pub use result::CacheResult;
pub(crate) use store::{Caches, Found, RouteCache};
