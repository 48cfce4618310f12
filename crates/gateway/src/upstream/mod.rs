//! Endpoints as one data thread sees them: kept connections, load, latency, attempts.

mod attempt;
mod connection;
mod dial;
mod endpoint;
mod framing;
mod lease;

pub(crate) use attempt::{Answer, Attempt, Failure, Sent};
use connection::Connection;
pub(crate) use dial::{Dialled, dial};
pub(crate) use endpoint::Upstream;
pub(crate) use lease::Lease;
