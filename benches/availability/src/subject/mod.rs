//! Who is under test, and how each is set up.
//!
//! *Tuned* is what a proxy's own documentation advises for availability: health checks, passive
//! detection, retries on another server where they are safe, short timeouts, and a cap of
//! concurrency that knows what the replicas can do. *Default* is the shape of its quickstart.
//! Ninefold has only the smallest file that names the service.

mod envoy;
mod haproxy;
mod nginx;
mod ninefold;
mod proxy;
mod setup;
mod traefik;

pub(crate) use proxy::{Programs, Reload, Subject};
pub(crate) use setup::{Replica, Setup};
