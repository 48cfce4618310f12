//! The use of a connection for one request.

use std::future::poll_fn;
use std::rc::Rc;

use bytes::Bytes;
use tokio::time::{Instant, timeout_at};

use super::wire::Wire;
use super::{Connection, Upstream};

/// Bytes of an answer that are read for nothing.
const DISCARDED_MAX: usize = 256 << 10;

/// Counts as load of the endpoint until dropped. The connection is closed then, unless it was
/// given back.
#[derive(Debug)]
pub(crate) struct Lease {
    upstream: Rc<Upstream>,
    connection: Option<Connection>,
}

impl Lease {
    pub(super) fn new(upstream: &Rc<Upstream>) -> Self {
        upstream.begin();
        Self {
            upstream: Rc::clone(upstream),
            connection: None,
        }
    }

    pub(crate) const fn connection(&mut self) -> Option<&mut Connection> {
        self.connection.as_mut()
    }

    pub(crate) const fn used(&self) -> Option<&Connection> {
        self.connection.as_ref()
    }

    /// Uses this connection from now on; one from before is closed.
    pub(super) fn set(&mut self, connection: Connection) -> &mut Connection {
        self.connection.insert(connection)
    }

    pub(crate) const fn upstream(&self) -> &Rc<Upstream> {
        &self.upstream
    }

    /// The answer was read to its end: the connection may serve again.
    pub(crate) fn give_back(mut self) {
        if let Some(idle) = self.connection.take().and_then(Connection::rest) {
            self.upstream.keep(idle);
        }
    }

    /// Reads the rest of an answer that nobody wants, if that is little and comes before `until`, so
    /// that the connection may serve again.
    pub(crate) async fn discard(mut self, until: Instant) {
        let Some(connection) = self.connection() else {
            return;
        };
        let mut left = DISCARDED_MAX;
        let whole = async {
            while left > 0 {
                match poll_fn(|cx| connection.poll_frame(cx)).await {
                    Some(Ok(piece)) => {
                        left -= piece.data_ref().map_or(0, Bytes::len).clamp(1, left)
                    }
                    Some(Err(_)) => return false,
                    None => return true,
                }
            }
            false
        };
        if timeout_at(until, whole).await.is_ok_and(|whole| whole) {
            self.give_back();
        }
    }

    /// The connection's stream, once it has left HTTP, and what came of it already.
    pub(crate) fn take_stream(&mut self) -> Option<(Wire, Bytes)> {
        self.connection.take()?.into_stream()
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.upstream.end();
    }
}
