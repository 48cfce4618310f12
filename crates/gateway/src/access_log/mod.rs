//! The access log: one line a request, written by a thread of its own.

mod record;
mod sink;
mod sinks;

pub(crate) use record::Record;
pub use sinks::OpenLogError;
pub(crate) use sinks::{AccessLogs, LogThread};
