//! Any admission policy around any call.
//!
//! A [`Handle`] is a policy, shared, with the clock it asks and the classifier that says how a call
//! ended. It is cheap to clone, it is the policy itself for all that concerns its state (it derefs
//! to it), and it has the three surfaces: [`Handle::call`], [`Handle::permit`] and, with the feature
//! `tower`, [`Handle::layer`].

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
