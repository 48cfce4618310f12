//! The waiting room in front of a policy of ours, driven as its documentation says.

use std::collections::BTreeMap;

use ninefold_core::policy::queue::{Queue, WaiterId, Waiting};
use ninefold_core::policy::{Outcome, RequestMeta};
use ninefold_core::time::Timestamp;

use super::Verdict;

/// A policy, those who wait for a place in it, and those who have one.
#[derive(Debug)]
pub(super) struct Room<P: Waiting> {
    pub(super) policy: P,
    queue: Queue,
    waiting: BTreeMap<WaiterId, usize>,
    running: BTreeMap<usize, P::Token>,
}

impl<P: Waiting> Room<P> {
    pub(super) fn new(policy: P) -> Self {
        Self {
            queue: policy.room(),
            policy,
            waiting: BTreeMap::new(),
            running: BTreeMap::new(),
        }
    }

    pub(super) fn arrives(
        &mut self,
        id: usize,
        call: &RequestMeta,
        now: Timestamp,
        out: &mut Vec<Verdict>,
    ) {
        match self.policy.try_place(call, now) {
            Ok(Some(place)) => self.starts(id, place, out),
            Ok(None) => {
                match self.policy.enter(&mut self.queue, call, now) {
                    Ok(waiter) => drop(self.waiting.insert(waiter, id)),
                    Err(_) => out.push(Verdict::Refused(id)),
                }
                self.turn(now, out);
            }
            Err(_) => out.push(Verdict::Refused(id)),
        }
    }

    /// Gives a place back. Whoever changes the limit does so before the [turn](Self::turn).
    pub(super) fn settle(&mut self, id: usize, now: Timestamp) {
        if let Some(place) = self.running.remove(&id) {
            self.policy.settle(place, Outcome::Success, now);
        }
    }

    /// Hands out free places and refuses who has waited too long.
    pub(super) fn turn(&mut self, now: Timestamp, out: &mut Vec<Verdict>) {
        while let Some((waiter, place)) = self.policy.next(&mut self.queue, now) {
            if let Some(id) = self.waiting.remove(&waiter) {
                self.starts(id, place, out);
            }
        }
        while let Some((waiter, _)) = self.policy.expire(&mut self.queue, now) {
            out.extend(self.waiting.remove(&waiter).map(Verdict::Refused));
        }
    }

    pub(super) fn poll_at(&self) -> Option<Timestamp> {
        self.queue.poll_at()
    }

    fn starts(&mut self, id: usize, place: P::Token, out: &mut Vec<Verdict>) {
        self.running.insert(id, place);
        out.push(Verdict::Starts(id));
    }
}
