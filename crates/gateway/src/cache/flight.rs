//! Requests for the same, one of which is on its way.

use std::sync::Arc;

use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use super::RouteCache;

/// Requests that wait for one at most; more go on by themselves.
pub(super) const WAITING_MAX: u32 = 1_000;

/// A part in a flight.
#[derive(Debug)]
pub(crate) enum Join {
    /// It is this request's to fetch the answer.
    Lead(Leader),
    /// Another one does.
    Wait(Waiter),
    /// So many wait already that this one goes by itself.
    Full,
}

/// The flight of one key, as those who come later see it.
#[derive(Debug)]
pub(super) struct Flight {
    pub(super) over: watch::Receiver<()>,
    /// How many have joined.
    pub(super) joined: u32,
}

/// The right to fetch one answer for all. The flight is over when it is dropped, whether there is
/// an answer or not.
#[derive(Debug)]
pub(crate) struct Leader {
    pub(super) cache: Arc<RouteCache>,
    pub(super) key: Arc<str>,
    /// Tells those who wait by being dropped.
    pub(super) _over: watch::Sender<()>,
}

impl Drop for Leader {
    fn drop(&mut self) {
        self.cache.land(&self.key);
    }
}

/// Waits for a flight.
#[derive(Debug)]
pub(crate) struct Waiter(pub(super) watch::Receiver<()>);

impl Waiter {
    /// Until it is over, or until `deadline`.
    pub(crate) async fn over(mut self, deadline: Instant) {
        // Nothing is ever sent: the only change is the end.
        drop(timeout_at(deadline, self.0.changed()).await);
    }
}
