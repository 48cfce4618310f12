//! What is known of the client of a connection.

use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;

use http::HeaderValue;

use crate::guard::Pulse;
use crate::plan::ListenerPlan;
use crate::worker::Worker;

/// One downstream connection, shared by its requests.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) worker: Rc<Worker>,
    /// Index of the listener.
    pub(crate) listener: usize,
    pub(crate) peer: SocketAddr,
    pub(crate) pulse: Arc<Pulse>,
    /// The peer's address as `x-forwarded-for` shows it.
    pub(crate) address: HeaderValue,
}

impl Client {
    pub(crate) fn new(
        worker: Rc<Worker>,
        listener: usize,
        peer: SocketAddr,
        pulse: Arc<Pulse>,
    ) -> Self {
        let text = peer.ip().to_canonical().to_string();
        let unknown = HeaderValue::from_static("unknown");
        Self {
            worker,
            listener,
            peer,
            pulse,
            address: HeaderValue::try_from(text).unwrap_or(unknown),
        }
    }

    /// The listener's plan; there always is one.
    pub(crate) fn plan(&self) -> Option<&ListenerPlan> {
        self.worker.hub.plan.listeners.get(self.listener)
    }
}
