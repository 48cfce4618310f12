//! The use of a connection for one request.

use std::rc::Rc;

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

    /// Uses this connection from now on; one from before is closed.
    pub(super) fn set(&mut self, connection: Connection) -> &mut Connection {
        self.connection.insert(connection)
    }

    pub(crate) const fn upstream(&self) -> &Rc<Upstream> {
        &self.upstream
    }

    /// The answer was read to its end: the connection may serve again.
    pub(crate) fn give_back(mut self) {
        let Some(mut connection) = self.connection.take() else {
            return;
        };
        if connection.is_idle() {
            self.upstream.keep(connection);
        } else if connection.is_detached() {
            // Answered before it was sent to its end: the endpoint still gets the rest.
            drop(tokio::task::spawn_local(async move {
                connection.sent().await;
            }));
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.upstream.end();
    }
}
