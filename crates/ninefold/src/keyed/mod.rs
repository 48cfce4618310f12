//! A policy for each key: tenant, host, route.
//!
//! # What it is for
//!
//! One breaker for all hosts opens for all when one fails, and one limit for all tenants is used up
//! by the loudest. [`Keyed`] makes a policy for each key when the key first comes.
//!
//! # When not to use it
//!
//! For keys that never come back, such as ids of requests: every one of them would find a fresh
//! policy, which protects nothing. And for a handful of keys that are known beforehand: a field for
//! each is simpler.
//!
//! # What it does
//!
//! The table is bounded. When a new key finds it full, another one must go, and only what nobody
//! would miss may: a policy that nobody holds, that is
//! [idle and healthy](crate::policy::Evictable). An open breaker stays, and so does one that is
//! half way to open and in use, and a rate that is used up, so a key cannot free itself by asking under many other names (tables that leak
//! or forget are resilience4j#273 and #650). Of those that may go, the clock's hand takes one that
//! was not used since it last came by; it looks at no more than 64.
//!
//! If none of those may go, the new key is refused with
//! [`Reason::KeysFull`](crate::Reason::KeysFull), or shares one policy with all others that find no
//! room: [`Keyed::with_overflow`]. Refusing is the default; sharing keeps strangers out of each
//! other's way less well, and lets everyone in.
//!
//! ```
//! use ninefold::{Keyed, KeyedConfig, Reason};
//! use ninefold::clock::VirtualTime;
//! use ninefold::policy::{Bulkhead, BulkheadConfig};
//! # use ninefold::Error;
//!
//! let time = VirtualTime::new();
//! let one = BulkheadConfig { max_concurrent_calls: 1, ..BulkheadConfig::default() };
//! let tenants = Keyed::new(KeyedConfig::default(), move |_tenant: &&str| {
//!     Bulkhead::new(one).unwrap_or_default()
//! })?;
//! let busy = tenants.permit(&"a", &Default::default()).expect("the first one is admitted");
//! let again = time.block_on(tenants.call(&"a", || async { Ok::<_, &str>(()) }));
//! assert_eq!(again.unwrap_err().rejected().map(|why| why.reason), Some(Reason::Full));
//! let other = time.block_on(tenants.call(&"b", || async { Ok::<_, &str>(()) }));
//! assert_eq!(other, Ok(()));
//! # drop(busy);
//! # Ok::<(), ninefold::InvalidPolicy>(())
//! ```
//!
//! # Knobs
//!
//! | knob | default | |
//! |---|---|---|
//! | `keys` | 10,000 | above the number of keys that are busy at once |
//!
//! # Composition
//!
//! In the place of the policy that it keeps. In a [pipeline](crate::pipeline) the key is
//! [`RequestMeta::key`](crate::RequestMeta::key).
//!
//! # What it emits
//!
//! `Rejected` for keys without room, `Substituted("overflow")` for those that share. The policies
//! emit by themselves what they emit, under the names that their maker gives them: mind how many
//! names your metrics can bear.
//!
//! # What it costs
//!
//! For a key that is known: a hash (SipHash, seeded, since keys come from outside), the read lock of
//! one of 32 tables, and a clone of an `Arc`; no exclusive lock, no clock and no allocation. A new
//! key pays an exclusive lock and its policy.

mod config;
#[expect(clippy::module_inception, reason = "the file is named after its type")]
mod keyed;
#[cfg(feature = "tower")]
mod layer;
mod policies;
#[cfg(feature = "tower")]
mod service;
#[cfg(test)]
mod tests;

pub use self::config::KeyedConfig;
pub use self::keyed::Keyed;
#[cfg(feature = "tower")]
pub use self::layer::KeyedLayer;
#[cfg(feature = "tower")]
pub use self::service::GuardedByKey;
