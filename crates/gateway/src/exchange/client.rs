//! What is known of the client of a connection.

use std::cell::{Cell, RefCell};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::task::Waker;
use std::time::Duration;

use http::HeaderValue;
use ninefold_core::policy::Cohort;

use super::resets::Resets;
use crate::guard::Pulse;
use crate::peer::Peer;
use crate::plan::ListenerPlan;
use crate::worker::Worker;

/// One downstream connection, shared by its requests. As long as any of them lives, tunnels
/// included, it keeps its place among the connections that may be open.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) worker: Rc<Worker>,
    /// Index of the listener.
    pub(crate) listener: usize,
    pub(crate) peer: Peer,
    pub(crate) pulse: Arc<Pulse>,
    /// Who is refused together, when some must be.
    pub(crate) cohort: Cohort,
    /// The peer's address as `x-forwarded-for` shows it; `unknown` (RFC 7239, section 6.2) on a Unix
    /// socket.
    pub(crate) address: HeaderValue,
    resets: Resets,
    doomed: Cell<bool>,
    task: RefCell<Option<Waker>>,
}

impl Client {
    /// A connection that was admitted: its place is given back when this is dropped.
    pub(crate) fn new(worker: Rc<Worker>, listener: usize, peer: Peer) -> Self {
        worker.hub.live.fetch_add(1, Relaxed);
        let pulse = Arc::new(Pulse::new(Arc::clone(&worker.hub), worker.thread));
        Self {
            worker,
            listener,
            peer,
            pulse,
            cohort: cohort(peer),
            address: forwarded(peer),
            resets: Resets::default(),
            doomed: Cell::new(false),
            task: RefCell::new(None),
        }
    }

    /// The connection is that of somebody else, as its balancer says.
    pub(crate) fn stands_for(&mut self, peer: Peer) {
        self.peer = peer;
        self.cohort = cohort(peer);
        self.address = forwarded(peer);
    }

    /// Remembers the connection's task, so that it can be ended from elsewhere.
    pub(crate) fn runs_as(&self, task: &Waker) {
        self.task.replace(Some(task.clone()));
    }

    /// A request ended, reset by the client after `reset` if it was. Whoever does that all the time
    /// is cut.
    pub(super) fn ended(&self, reset: Option<Duration>) {
        if self.resets.ended(reset) {
            self.doom();
        }
    }

    /// Ends the connection with everything on it.
    pub(crate) fn doom(&self) {
        self.doomed.set(true);
        if let Some(task) = self.task.take() {
            task.wake();
        }
    }

    /// Whether the connection is to end.
    pub(crate) const fn is_doomed(&self) -> bool {
        self.doomed.get()
    }

    /// How long a body may pause, in either direction.
    pub(crate) fn pause_max(&self) -> Duration {
        self.plan()
            .map_or(Duration::MAX, |plan| plan.limits.body_pause.0)
    }

    /// The listener's plan; there always is one.
    pub(crate) fn plan(&self) -> Option<&ListenerPlan> {
        self.worker.hub.plan.listeners.get(self.listener)
    }
}

/// The same for every connection of a client, on every thread.
fn cohort(peer: Peer) -> Cohort {
    let mut hasher = DefaultHasher::new();
    peer.ip().to_canonical().hash(&mut hasher);
    Cohort::of(hasher.finish(), 0)
}

fn forwarded(peer: Peer) -> HeaderValue {
    let text = peer
        .address()
        .map(|address| address.ip().to_canonical().to_string());
    text.and_then(|text| HeaderValue::try_from(text).ok())
        .unwrap_or(HeaderValue::from_static("unknown"))
}

impl Drop for Client {
    fn drop(&mut self) {
        self.worker.hub.live.fetch_sub(1, Relaxed);
        if let Some(cells) = self.worker.hub.listeners.get(self.listener) {
            cells.leave();
        }
    }
}
