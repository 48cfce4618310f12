//! What a connection's stream and its requests tell each other.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU32, Ordering::Relaxed};

use crate::fleet::Hub;
use crate::meter::add;
use crate::request_end::RequestEnd;
use crate::strict::Refusal;

/// Shared state of one connection. One thread uses it; it is atomic so that streams can be sent to
/// another thread, as hyper asks for.
#[derive(Debug)]
pub(crate) struct Pulse {
    hub: Arc<Hub>,
    thread: usize,
    in_flight: AtomicU32,
    refusal: AtomicU8,
}

impl Pulse {
    /// Of a connection on this data thread.
    pub(crate) const fn new(hub: Arc<Hub>, thread: usize) -> Self {
        Self {
            hub,
            thread,
            in_flight: AtomicU32::new(0),
            refusal: AtomicU8::new(0),
        }
    }

    /// A request began.
    pub(crate) fn begin(&self) {
        self.in_flight
            .store(self.in_flight.load(Relaxed).saturating_add(1), Relaxed);
    }

    /// A request ended.
    pub(crate) fn end(&self) {
        let left = self.in_flight.load(Relaxed).saturating_sub(1);
        self.in_flight.store(left, Relaxed);
    }

    /// Whether a request is under way.
    pub(crate) fn busy(&self) -> bool {
        self.in_flight.load(Relaxed) > 0
    }

    /// Remembers a refusal. A head that was refused never becomes a request, so it is counted here, on
    /// `none`; a body belongs to a request that counts itself.
    pub(crate) fn refuse(&self, refusal: Refusal) {
        self.refusal.store(refusal.code(), Relaxed);
        let cells = self
            .hub
            .routes
            .get(self.thread)
            .and_then(|cells| cells.last());
        if let Some(cells) = cells.filter(|_| !refusal.is_of_the_body()) {
            add(&cells.requests, 1);
            add(&cells.refused, 1);
            cells.end(RequestEnd::HeadRefused, None);
        }
    }

    /// Why a client was refused, if it was.
    pub(crate) fn refusal(&self) -> Option<Refusal> {
        Refusal::from_code(self.refusal.load(Relaxed))
    }
}
