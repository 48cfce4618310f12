//! Ports for everything that listens.

use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::{AtomicU16, Ordering::Relaxed};

use crate::problem::Problem;

/// Below the ports that Linux gives to clients, so that no connection of the load takes the port of
/// a replica that is being restarted.
const FIRST: u16 = 12_000;
const LAST: u16 = 29_999;

static NEXT: AtomicU16 = AtomicU16::new(FIRST);

/// An address on which nobody listens, given once.
pub(crate) fn free() -> Result<SocketAddr, Problem> {
    for _ in FIRST..=LAST {
        let next = |port| Some(if port >= LAST { FIRST } else { port + 1 });
        let port = NEXT.fetch_update(Relaxed, Relaxed, next).unwrap_or(FIRST);
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        if TcpListener::bind(address).is_ok() {
            return Ok(address);
        }
    }
    Err("all ports are in use".to_owned())
}
