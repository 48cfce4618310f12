//! What a connection's guard, its requests and its task tell each other.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, Ordering::Relaxed};
use std::task::Waker;

use futures_util::task::AtomicWaker;

use crate::fleet::Hub;
use crate::meter::add;
use crate::strict::Refusal;

/// Shared state of one connection. One thread uses it; it is atomic because hyper asks for streams
/// that can be sent to another thread.
#[derive(Debug)]
pub(crate) struct Pulse {
    hub: Arc<Hub>,
    thread: usize,
    in_flight: AtomicU32,
    granted: AtomicBool,
    refusal: AtomicU8,
    reading: AtomicWaker,
}

impl Pulse {
    /// Of a connection on this data thread.
    pub(crate) const fn new(hub: Arc<Hub>, thread: usize) -> Self {
        Self {
            hub,
            thread,
            in_flight: AtomicU32::new(0),
            granted: AtomicBool::new(false),
            refusal: AtomicU8::new(0),
            reading: AtomicWaker::new(),
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
        if left == 0 {
            self.reading.wake();
        }
    }

    /// Whether a request is under way.
    pub(crate) fn busy(&self) -> bool {
        self.in_flight.load(Relaxed) > 0
    }

    /// Grants a request to leave HTTP: what follows passes as it is.
    pub(crate) fn grant(&self) {
        self.granted.store(true, Relaxed);
        self.reading.wake();
    }

    /// Whether a request to leave HTTP was granted.
    pub(super) fn granted(&self) -> bool {
        self.granted.load(Relaxed)
    }

    /// Remembers why the guard refused. A head that was refused never becomes a request of hyper's,
    /// so it is counted here, on `none`; a body belongs to a request that counts itself.
    pub(super) fn refuse(&self, refusal: Refusal) {
        self.refusal.store(refusal.code(), Relaxed);
        let cells = self
            .hub
            .routes
            .get(self.thread)
            .and_then(|cells| cells.last());
        if let Some(cells) = cells.filter(|_| !refusal.is_of_the_body()) {
            add(&cells.requests, 1);
            add(&cells.refused, 1);
        }
    }

    /// Why the guard refused, if it did.
    pub(crate) fn refusal(&self) -> Option<Refusal> {
        Refusal::from_code(self.refusal.load(Relaxed))
    }

    /// Registers the reading task for the next change.
    pub(super) fn register(&self, waker: &Waker) {
        self.reading.register(waker);
    }
}
