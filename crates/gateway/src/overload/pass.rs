//! A request's place at its service.

use std::sync::Arc;

use ninefold::clock::TokioTime;
use ninefold::waiting::WaitingPermit;
use ninefold_core::policy::adaptive_limiter::LimiterToken;
use ninefold_core::policy::{Admission as _, LoadShedder, Outcome};
use ninefold_core::time::Timestamp;

use super::Gate;

/// A place, given back when this is dropped. Nothing is learnt then, unless it was said how the
/// request ended.
#[derive(Debug)]
pub(crate) struct Pass {
    gate: Arc<Gate>,
    place: WaitingPermit<LoadShedder, TokioTime>,
    timed: Option<LimiterToken>,
}

impl Pass {
    pub(super) const fn new(
        gate: Arc<Gate>,
        place: WaitingPermit<LoadShedder, TokioTime>,
        timed: Option<LimiterToken>,
    ) -> Self {
        Self { gate, place, timed }
    }

    /// The request has its answer, or there is none, by the scale of [`TokioTime`].
    pub(crate) fn end(mut self, outcome: Outcome, now: Timestamp) {
        if let Some(timed) = self.timed.take() {
            self.gate.limiter.settle(timed, outcome, now);
            self.gate.follow();
        }
        self.place.end(outcome, now);
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        if let Some(timed) = self.timed.take() {
            self.gate.limiter.cancel(timed);
        }
    }
}
