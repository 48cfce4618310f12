//! Pipelines for the usual cases, to begin with and to change.
//!
//! Each preset is a configuration with defaults that hang together: time limits that fit into the
//! deadline, waits that fit into the time limits. It can be read from a file, and
//! `build` makes the [`Pipeline`](crate::pipeline::Pipeline).
//!
//! | preset | from the outside in |
//! |---|---|
//! | `HttpClient` | deadline, retry, throttler, breaker, bulkhead, time limit |
//! | [`DatabaseClient`] | deadline, retry, breaker, bulkhead, time limit |
//! | [`Server`] | deadline, load shedder with its queue, time limit |
//!
//! ```
//! use ninefold::clock::VirtualTime;
//! use ninefold::pipeline::Call;
//! use ninefold::presets::DatabaseClient;
//!
//! let time = VirtualTime::new();
//! let pipeline = DatabaseClient::default().build(time.clone())?;
//! let rows = time.block_on(pipeline.call_with(Call::idempotent(), |_| async {
//!     Ok::<_, &str>(vec![1, 2, 3])
//! }));
//! assert_eq!(rows, Ok(vec![1, 2, 3]));
//! # Ok::<(), ninefold::InvalidPolicy>(())
//! ```

//! # Knobs
//!
//! | | `HttpClient` | [`DatabaseClient`] | [`Server`] |
//! |---|---|---|---|
//! | deadline, where the call brings none | 10 s | 5 s | 10 s |
//! | attempts, budget | 3, 10 % or 1/s | 2, 10 % or 1/s | – |
//! | adaptive throttler | K = 2 in 60 s | – | – |
//! | circuit breaker | 50 % of 100 calls, 5 s | 50 % of 100 calls, 5 s | – |
//! | calls under way, wait for a place | 64, 50 ms | 16, 250 ms | 100, 1 s by controlled delay |
//! | time limit of an attempt | 2 s | 2 s | 10 s |
//!
//! Each is a field with the policy's own configuration. What suits nobody by default is how many calls
//! may be under way: set it to what the server, or the pool of connections, does at once.
//!
//! # When not to use them
//!
//! Where a policy must be reached after it was built, to `reconfigure` it or to look at it: build the
//! [`Pipeline`](crate::pipeline::Pipeline) yourself, and keep clones of its policies.
//!
//! # What they emit and cost
//!
//! What their policies do, all under one name: `build_with` takes a [`Source`](crate::Source).

mod database_client;
#[cfg(feature = "http")]
mod http_client;
mod server;
#[cfg(test)]
mod tests;

pub use self::database_client::{DatabaseClient, DatabaseClientStages};
#[cfg(feature = "http")]
pub use self::http_client::{HttpClient, HttpClientStages};
pub use self::server::{Server, ServerStages};
