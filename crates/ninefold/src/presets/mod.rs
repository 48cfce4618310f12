//! Pipelines for the usual cases, to begin with and to change.
//!
//! Each preset is a configuration with defaults that hang together: time limits that fit into the
//! deadline, waits that fit into the time limits. It can be read from a file, and
//! `build` makes the [`Pipeline`](crate::pipeline::Pipeline).
//!
//! | preset | from the outside in |
//! |---|---|
//! | [`HttpClient`] | deadline, retry, throttler, breaker, bulkhead, time limit |
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
