//! The use of a connection for one request.

use std::rc::Rc;

use bytes::Bytes;

use super::wire::Wire;
use super::{Connection, Upstream};

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
