//! Probes: one try, the pace of tries, and what their results add up to.

mod check;
mod exec;
mod grpc;
mod http;
mod http2;
mod line;
mod pace;
mod prober;
mod tally;
mod tls;

pub(crate) use check::{Attempt, Target};
pub(crate) use prober::{Probed, probe_forever};
pub(crate) use tally::{Tally, Turn};
pub(crate) use tls::Identity;
pub use tls::ProbeTls;
