//! Endpoints as one data thread sees them: kept connections, load, latency, attempts.

mod attempt;
mod connection;
mod dial;
mod endpoint;
mod lease;
mod sending;

pub(crate) use attempt::{Answer, Attempt, Failure, Sent};
pub(crate) use connection::Connection;
pub(crate) use dial::{Dialled, dial};
pub(crate) use endpoint::Upstream;
pub(crate) use lease::Lease;
