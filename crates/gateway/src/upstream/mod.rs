//! Endpoints as one data thread sees them: kept connections, load, latency, attempts.

mod attempt;
mod connection;
mod dial;
mod endpoint;
mod http1;
mod http2;
mod lease;
mod report;
mod sending;
mod sessions;
mod tls;
mod verdict;
mod wire;

pub(crate) use attempt::{Answer, Attempt, Failure, Sent};
pub(crate) use connection::Connection;
pub(crate) use dial::{Dialled, dial};
pub(crate) use endpoint::Upstream;
pub(crate) use lease::Lease;
pub(crate) use report::{Reporter, Reports};
pub(crate) use tls::UpstreamTls;
pub(crate) use verdict::grpc_status;
