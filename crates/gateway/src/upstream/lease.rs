//! The use of a connection for one request.

use std::future::poll_fn;
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

    pub(super) fn connection(&mut self) -> Option<&mut Connection> {
        self.connection.as_mut()
    }

    pub(super) fn set(&mut self, connection: Connection) {
        self.connection = Some(connection);
    }

    pub(crate) const fn upstream(&self) -> &Rc<Upstream> {
        &self.upstream
    }

    /// The answer was read to its end: the connection may serve again.
    pub(crate) fn give_back(mut self) {
        let Some(mut connection) = self.connection.take() else {
            return;
        };
        if connection.sender.is_ready() {
            self.upstream.keep(connection);
            return;
        }
        if connection.sender.is_closed() {
            return;
        }
        // The driver has still to notice the end of the message.
        let upstream = Rc::clone(&self.upstream);
        drop(tokio::task::spawn_local(async move {
            if poll_fn(|cx| connection.sender.poll_ready(cx)).await.is_ok() {
                upstream.keep(connection);
            }
        }));
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.upstream.end();
    }
}
