//! Captured output, as `ninefold logs SERVICE [-f] [-n N]` shows it.
//!
//! Every line of a log begins with its time (RFC 3339, so that text order is time order) and its
//! stream: `stdout`, `stderr`, or `ninefold` for what was lost. The lines of several instances are
//! merged by time.

mod files;
mod follow;
mod tail;

pub use files::{LogFile, files};
pub use follow::Follow;
pub use tail::{LogLine, tail};
