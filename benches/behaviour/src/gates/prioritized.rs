//! Ninefold's prioritizer, outside of a bulkhead whose waiting room is the service's queue.

use std::time::Duration;

use ninefold_core::policy::queue::Waiting;
use ninefold_core::policy::{Admission, Bulkhead, BulkheadConfig, Prioritizer, RequestMeta};
use ninefold_core::time::Timestamp;

use super::room::Room;
use super::{Gate, Verdict};

/// Tells the prioritizer how long requests queued, as a driver would.
#[derive(Debug)]
pub(crate) struct Prioritized {
    prioritizer: Prioritizer,
    room: Room<Bulkhead>,
}

impl Prioritized {
    /// By default, in front of such a bulkhead.
    pub(crate) fn new(bulkhead: BulkheadConfig) -> Self {
        let bulkhead = Bulkhead::new(bulkhead).expect("a valid bulkhead");
        Self {
            prioritizer: Prioritizer::default(),
            room: Room::new(bulkhead),
        }
    }
}

impl Gate for Prioritized {
    fn arrives(&mut self, id: usize, call: &RequestMeta, now: Timestamp, out: &mut Vec<Verdict>) {
        match self.prioritizer.try_acquire(call, now) {
            Ok(()) => self.room.arrives(id, call, now, out),
            Err(_) => out.push(Verdict::Refused(id)),
        }
    }

    fn begins(&mut self, queued: Duration, now: Timestamp) {
        self.prioritizer.observe(queued, now);
    }

    fn ends(&mut self, id: usize, _: bool, now: Timestamp, out: &mut Vec<Verdict>) {
        self.room.settle(id, now);
        if self.room.policy.waiting() > 0 {
            self.room.turn(now, out);
        }
    }

    fn poll_at(&self) -> Option<Timestamp> {
        self.room.poll_at()
    }

    fn polls(&mut self, now: Timestamp, out: &mut Vec<Verdict>) {
        self.room.turn(now, out);
    }
}
