//! The built-in load: an open loop that does not flatter.
//!
//! Requests start at their intended moments whatever happens to those before them, and latency is
//! counted from the intended start, so that a stall is paid for by every request that it should
//! have met (no coordinated omission; Tene, "How NOT to Measure Latency").
//!
//! Each operation ends as one of these:
//!
//! - **acked**: a complete answer below 500;
//! - **failed**: a complete answer of 500 or above; or it was certainly never sent (connect refused
//!   or timed out); or it is idempotent (GET, HEAD, OPTIONS, TRACE, PUT, DELETE) and no complete
//!   answer came in time;
//! - **wrong**: a complete answer below 500 that is another one than before the fault, where that is
//!   compared; it counts as failed;
//! - **unknown**: it was sent, is not idempotent, and no complete answer came: it may have
//!   happened. Also what the driver itself could not start, with too much in flight: nobody
//!   asked, so nobody failed. Unknown is never counted as acked, nor as failed.

mod check;
mod client;
mod compare;
mod driver;
mod request;
mod tally;

pub(crate) use check::read_back;
pub(crate) use client::Client;
pub(crate) use compare::{Comparison, References};
pub use driver::Load;
pub use request::{Plan, PlanError};
pub use tally::{Counts, Latency, Outcome, Record};
pub(crate) use tally::{count, latency, saturated, within};
