//! Traces of heartbeats: what an observer saw of one sender, in the order in which it saw it.
//!
//! As text a trace is CSV, a row a heartbeat, in one of two forms, with or without its heading:
//!
//! ```text
//! seq,sent_us,arrived_us          arrived_us
//! 1,1000000,1000213               1000213
//! 2,,1100198                      1100198
//! stall,1150000,1950000
//! ```
//!
//! Times are whole microseconds of any origin, arrivals by one clock that does not step back. `sent_us` is by the
//! sender's clock and may be empty. With arrivals only, rows are numbered, so that a loss looks like a pause of
//! the sender. A row `stall,from_us,to_us` says that the observer itself stood still; it comes before what
//! arrived behind it. Blank lines and lines that begin with `#` are passed over.

mod error;
mod parser;
mod step;
mod summary;

pub use error::{Problem, TraceError};
pub use parser::{LINE_BYTES_MAX, TraceParser};
pub use step::Step;
pub use summary::{Summary, TooShort};
