//! Remembers answers.
//!
//! # What it is for
//!
//! Answers that are asked for again and again and may be a little old. A cache takes load off the
//! one who is asked, and bridges an outage: it can give what it has while it fetches anew, and for
//! longer while nothing new can be had.
//!
//! # When not to use it
//!
//! Where an old answer is wrong, and for answers that depend on more than the key says: whatever is
//! not in the key is shared by everybody who has the same key. Leave the user out of the key, and
//! one user sees another's data.
//!
//! # What it does
//!
//! By the age of the answer (RFC 5861):
//!
//! | age | |
//! |---|---|
//! | below `ttl` | it is given; nobody is called |
//! | then for `stale_while_revalidate` | it is given, and **one** caller fetches a new one |
//! | then until `ttl + stale_if_error` | a new one is fetched, and if that fails, the old one given |
//! | above | a new one is fetched |
//!
//! With a [spawner](crate::spawn), such as `TokioSpawner` with the feature `tokio`, the new answer
//! is fetched in the background. Without one, the caller who finds the old one stale fetches it and
//! waits, while all others get the old one; if it fails or is given up, the next one does. Answers
//! that are missing altogether are fetched by everybody who asks: put
//! [Coalesce](crate::coalesce) inside for one call only.
//!
//! Only `Ok` is kept. The table is bounded by entries and, if you [weigh](Cache::with_weight) them,
//! by weight. What goes is found by a clock's hand, which spares what was used since it last came
//! by, unless it is of no use any more; it looks at no more than 64 entries.
//! [`Cache::invalidate`] also covers calls that are under way: what they
//! bring is given to their callers and not kept.
//!
//! ```
//! use std::time::Duration;
//! use ninefold::cache::{Cache, CacheConfig};
//! use ninefold::clock::VirtualTime;
//!
//! let time = VirtualTime::new();
//! let cache: Cache<&str, u32, _> = Cache::new(CacheConfig::default())?.with_clock(time.clone());
//! let price = time.block_on(cache.call(&"espresso", || async { Ok::<_, &str>(220) }));
//! assert_eq!(price, Ok(220));
//! time.advance(Duration::from_secs(30));
//! let price = time.block_on(cache.call(&"espresso", || async { Err("the catalog is down") }));
//! assert_eq!(price, Ok(220), "stale, but better than nothing");
//! # Ok::<(), ninefold::InvalidPolicy>(())
//! ```
//!
//! # Knobs
//!
//! | knob | default | |
//! |---|---|---|
//! | `ttl` | 10 s | or each answer's own, by [`Cache::with_ttl`] |
//! | `stale_while_revalidate` | 10 s | counted from `ttl`; 0 for never |
//! | `stale_if_error` | 1 m | counted from `ttl`; 0 for never |
//! | `entries` | 1,000 | |
//! | `weight` | none | needs [`Cache::with_weight`] |
//!
//! # Composition
//!
//! Inside the deadline and the [fallback](crate::fallback), outside of retries and breakers, so that
//! a hit asks none of them. All errors of the call bring the stale answer; where only some should,
//! set `stale_if_error` to 0 and use [`Fallback::stale`](crate::fallback::Fallback::stale).
//!
//! # What it emits
//!
//! `Substituted`: `cache` for fresh answers, `stale` for stale ones.
//!
//! # What it costs
//!
//! A hit: a hash (SipHash, seeded, since keys come from outside), a coarse reading of the clock, the
//! read lock of one of 32 tables, a clone of the value, and a mark that is written once a round.

#[expect(clippy::module_inception, reason = "the file is named after its type")]
mod cache;
mod config;
mod freshness;
mod future;
mod knobs;
#[cfg(feature = "tower")]
mod layer;
#[cfg(feature = "tower")]
mod service;
mod store;
#[cfg(test)]
mod tests;

pub use self::cache::Cache;
pub use self::config::CacheConfig;
pub use self::future::{CacheFuture, Refresh};
#[cfg(feature = "tower")]
pub use self::layer::CacheLayer;
#[cfg(feature = "tower")]
pub use self::service::Cached;
