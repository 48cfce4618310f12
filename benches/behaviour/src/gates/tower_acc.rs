//! tower-acc's algorithms, called with the simulation's time.

use std::collections::BTreeMap;

use ninefold_core::policy::RequestMeta;
use ninefold_core::time::Timestamp;
use tower_acc::Algorithm;

use super::{Gate, Verdict};

/// An algorithm within a model of the crate's controller: a semaphore that grows at once and gives
/// up only permits that nobody holds. Full means refused, as with a `LoadShed` around it.
#[derive(Debug)]
pub(crate) struct TowerAcc<A> {
    algorithm: A,
    permits: usize,
    running: BTreeMap<usize, Timestamp>,
}

impl<A: Algorithm> TowerAcc<A> {
    /// With one of its algorithms.
    pub(crate) fn new(algorithm: A) -> Self {
        Self {
            permits: algorithm.max_concurrency(),
            algorithm,
            running: BTreeMap::new(),
        }
    }
}

impl<A: Algorithm> Gate for TowerAcc<A> {
    fn arrives(&mut self, id: usize, _: &RequestMeta, now: Timestamp, out: &mut Vec<Verdict>) {
        if self.running.len() < self.permits {
            self.running.insert(id, now);
            out.push(Verdict::Starts(id));
        } else {
            out.push(Verdict::Refused(id));
        }
    }

    fn ends(&mut self, id: usize, late: bool, now: Timestamp, _: &mut Vec<Verdict>) {
        let Some(began) = self.running.remove(&id) else {
            return;
        };
        let in_flight = self.running.len();
        self.algorithm
            .update(now.since(began), in_flight, late, false);
        let wanted = self.algorithm.max_concurrency();
        self.permits = wanted.max(self.permits.min(in_flight));
    }
}
