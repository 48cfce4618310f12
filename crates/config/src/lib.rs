//! `ninefold.toml`: its model, its units, and what is wrong with a file.
//!
//! A text passes three stages, and every stage reports all that it finds:
//!
//! 1. The grammar says which keys a table has and what their values look like. It is data:
//!    the reader checks files against it and the JSON Schema is made from it, so that
//!    the two cannot differ.
//! 2. The builder turns tables into the [`model`], with the defaults and the short forms. It is
//!    lenient: what the first stage refused becomes a placeholder.
//! 3. The checks look at what no key shows alone: references, redundancy, clashes of ports,
//!    timeouts that exceed their caller's, claims that cannot hold.
//!
//! **Invariant:** [`Outcome::file`] is there exactly when no [`Finding`] is an error, so that no
//! placeholder ever leaves this crate.

mod build;
mod check;
mod diff;
mod endpoints;
mod finding;
mod grammar;
mod json;
mod loopback;
pub mod model;
mod outcome;
mod read;
mod render;
mod revision;
mod schema;
mod summary;
mod text;
mod walk;

pub use diff::{Change, ChangeKind, diff};
pub use endpoints::{BrokenEndpoints, endpoints};
pub use finding::{Finding, Severity};
pub use json::to_json;
pub use loopback::{LoopbackError, NODES_MAX, at_loopback, loopback_address};
pub use outcome::Outcome;
pub use read::{FILE_SIZE_MAX, parse, read};
pub use render::{render, render_checked};
pub use revision::revision;
pub use schema::schema;
pub use summary::Summary;
pub use walk::nearest;
