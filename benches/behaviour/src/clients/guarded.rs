//! Ninefold's guard around callers of any kind.

use std::collections::BTreeSet;
use std::time::Duration;

use ninefold_core::policy::{Admission, MetastabilityGuard, RequestMeta};
use ninefold_core::time::Timestamp;

use super::{Client, End};

/// The guard outside of whatever repeats calls.
#[derive(Debug)]
pub(crate) struct Guarded<C> {
    guard: MetastabilityGuard,
    inner: C,
    running: BTreeSet<usize>,
}

impl<C> Guarded<C> {
    /// By default.
    pub(crate) fn new(inner: C) -> Self {
        Self {
            guard: MetastabilityGuard::default(),
            inner,
            running: BTreeSet::new(),
        }
    }
}

impl<C: Client> Client for Guarded<C> {
    fn sends(&mut self, id: usize, call: &RequestMeta, now: Timestamp) -> bool {
        let admitted = self.guard.try_acquire(call, now).is_ok();
        if admitted {
            self.running.insert(id);
        }
        admitted && self.inner.sends(id, call, now)
    }

    fn ended(&mut self, id: usize, end: End, now: Timestamp) {
        if self.running.remove(&id) {
            match end {
                End::HeldBack => self.guard.cancel(()),
                End::Answered | End::Refused | End::TimedOut => {
                    self.guard.settle((), end.outcome(), now);
                }
            }
        }
        self.inner.ended(id, end, now);
    }

    fn again(&mut self, call: &RequestMeta, end: End, now: Timestamp) -> Option<Duration> {
        if self.guard.repeats_allowed() {
            self.inner.again(call, end, now)
        } else {
            None
        }
    }
}
