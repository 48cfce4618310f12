//! Answers something else.
//!
//! # What it is for
//!
//! A worse answer instead of none: an empty list of recommendations, yesterday's rates, a page that
//! says when to come back. A [`Fallback`] stands outermost and turns those errors of everything
//! further in for which such an answer exists.
//!
//! # When not to use it
//!
//! Where nobody could tell that the answer is a worse one and would act on it: an empty list of
//! *charges* is wrong, not degraded. And not to call another service: that one fails in its own
//! ways and needs policies of its own, so it is a call, not a fallback; and a path that is only ever
//! taken in an outage is the path that does not work.
//!
//! # What it does
//!
//! If the call fails and [`Fallback::only_if`] accepts the error, the answer comes from
//!
//! - [`Fallback::value`]: a clone of a value;
//! - [`Fallback::by_error`]: a function of the error, which may also give the error back;
//! - [`Fallback::stale`]: what a [cache](crate::cache) still has for the request, also beyond what
//!   the cache itself would give;
//! - [`Fallback::of`]: your own [`Substitute`].
//!
//! A call that is given up, or that panics, is not answered.
//!
//! ```
//! use ninefold::{Error, Fallback};
//! # use ninefold::clock::VirtualTime;
//! # use ninefold::{PolicyKind, Reason, Rejected};
//! # let time = VirtualTime::new();
//! # let refused = || async { Err(Rejected::new(PolicyKind::Bulkhead, Reason::Full).into()) };
//! let none = Fallback::value(Vec::<u32>::new())
//!     .only_if(|error: &Error<&str>| !matches!(error, Error::Service(_)));
//! let recommended = time.block_on(none.call(refused));
//! assert_eq!(recommended, Ok(vec![]));
//! let failed = time.block_on(none.call(|| async { Err(Error::Service("no such user")) }));
//! assert_eq!(failed, Err(Error::Service("no such user")));
//! ```
//!
//! # Knobs
//!
//! None but the answer and the errors it may stand for; by default those are all. It is worth
//! leaving out the callers' own mistakes.
//!
//! # Composition
//!
//! Outermost at a client, so that it covers deadlines, breakers and exhausted retries alike. Its
//! answers never reach caches or breakers further in.
//!
//! # What it emits
//!
//! `Substituted`: `value`, `function` or `stale`.
//!
//! # What it costs
//!
//! Nothing for a call that succeeds, but for [`Fallback::stale`], which makes the request's key
//! beforehand. `call` makes no copy of the request.

#[expect(clippy::module_inception, reason = "the file is named after its type")]
mod fallback;
#[cfg(feature = "tower")]
mod future;
#[cfg(feature = "tower")]
mod layer;
#[cfg(feature = "tower")]
mod service;
mod substitute;
#[cfg(test)]
mod tests;

pub use self::fallback::Fallback;
#[cfg(feature = "tower")]
pub use self::future::FallbackFuture;
#[cfg(feature = "tower")]
pub use self::layer::FallbackLayer;
#[cfg(feature = "tower")]
pub use self::service::WithFallback;
pub use self::substitute::{Accept, AnyError, ByError, Stale, Substitute, Value};
