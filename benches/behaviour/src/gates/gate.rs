//! What the simulation asks of all of them.

use std::time::Duration;

use ninefold_core::policy::RequestMeta;
use ninefold_core::time::Timestamp;

/// What becomes of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It goes into the service's queue.
    Starts(usize),
    /// Its caller is told no.
    Refused(usize),
}

/// Decides what gets into a service. Each attempt that arrives gets one verdict, then or later, and
/// each that starts ends once.
pub(crate) trait Gate {
    /// An attempt arrives.
    fn arrives(&mut self, id: usize, call: &RequestMeta, now: Timestamp, out: &mut Vec<Verdict>);

    /// Work on an attempt begins, so long after it arrived.
    fn begins(&mut self, _queued: Duration, _now: Timestamp) {}

    /// The work on an attempt is done; `late` if it took longer than callers wait, which a service
    /// with a time limit of its own would know.
    fn ends(&mut self, id: usize, late: bool, now: Timestamp, out: &mut Vec<Verdict>);

    /// When it wants to be polled, whatever happens.
    fn poll_at(&self) -> Option<Timestamp> {
        None
    }

    /// It is that time.
    fn polls(&mut self, _now: Timestamp, _out: &mut Vec<Verdict>) {}
}
