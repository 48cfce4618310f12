//! A small service whose latency, errors and capacity can be set while it runs.
//!
//! It answers every path with 100 bytes after its service time, as many requests at once as it has
//! slots, the others in turn. `/health` is always answered at once: what the application does badly,
//! its health check does not see. `/set?KEY=VALUE&…` changes the [`Settings`].
//!
//! Each arrival becomes a line in a file, so that what a replica saw is known after its death too.

mod arrivals;
mod rng;
mod serve;
mod settings;

pub(crate) use arrivals::{Arrival, read};
pub(crate) use serve::{ANSWER, run};
pub(crate) use settings::Settings;
