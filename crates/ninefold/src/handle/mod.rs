//! Any admission policy around any call.
//!
//! A [`Handle`] is a policy, shared, with the clock it asks and the classifier that says how a call
//! ended. It is cheap to clone, it is the policy itself for all that concerns its state (it derefs
//! to it), and it has the three surfaces: [`Handle::call`], [`Handle::permit`] and, with the feature
//! `tower`, `Handle::layer`.
//!
//! The handles of Ninefold's own policies stand in [`admission`](crate::admission). One of your own
//! becomes a handle as well:
//!
//! ```
//! use ninefold::clock::PreciseClock;
//! use ninefold::{Admission, Handle, Now, Outcome, PolicyKind, Reason, Rejected, RequestMeta};
//!
//! /// Refuses whatever weighs too much.
//! struct Customs(u32);
//!
//! impl Admission for Customs {
//!     type Token = ();
//!     const KIND: PolicyKind = PolicyKind::RateLimiter;
//!
//!     fn try_acquire(&self, request: &RequestMeta, _: impl Now) -> Result<(), Rejected> {
//!         if request.cost <= self.0 {
//!             return Ok(());
//!         }
//!         Err(Rejected::new(Self::KIND, Reason::RateExceeded).for_good())
//!     }
//!     fn settle(&self, (): (), _: Outcome, _: impl Now) {}
//!     fn cancel(&self, (): ()) {}
//! }
//!
//! let customs = Handle::<_, PreciseClock>::of(Customs(10));
//! let heavy = RequestMeta { cost: 11, ..RequestMeta::default() };
//! assert!(customs.permit(&heavy).is_err());
//! ```
//!
//! # What it costs
//!
//! `permit` and `call` cost what the policy costs; a call through a layer clones the `Arc` besides, as
//! its future may outlive the service.

#[cfg(feature = "tower")]
mod future;
#[expect(clippy::module_inception, reason = "the file is named after its type")]
mod handle;
#[cfg(feature = "tower")]
mod layer;
#[cfg(feature = "tower")]
mod service;
#[cfg(test)]
mod tests;

#[cfg(feature = "tower")]
pub use self::future::GuardedFuture;
pub use self::handle::Handle;
pub(crate) use self::handle::conclude;
#[cfg(feature = "tower")]
pub use self::layer::GuardLayer;
#[cfg(feature = "tower")]
pub use self::service::Guarded;
#[cfg(feature = "tower")]
pub(crate) use self::service::hand_on;
