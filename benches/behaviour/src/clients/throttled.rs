//! Ninefold's adaptive throttler inside of retries of any kind.

use std::collections::BTreeMap;
use std::time::Duration;

use ninefold_core::policy::{AdaptiveThrottler, Admission, RequestMeta, ThrottleToken};
use ninefold_core::time::Timestamp;

use super::{Client, End};

/// The throttler by default: what it holds back counts as an attempt of the retries.
#[derive(Debug)]
pub(crate) struct Throttled<C> {
    throttler: AdaptiveThrottler,
    inner: C,
    running: BTreeMap<usize, ThrottleToken>,
}

impl<C> Throttled<C> {
    /// By default.
    pub(crate) fn new(inner: C, seed: u64) -> Self {
        Self {
            throttler: AdaptiveThrottler::default().with_seed(seed),
            inner,
            running: BTreeMap::new(),
        }
    }
}

impl<C: Client> Client for Throttled<C> {
    fn sends(&mut self, id: usize, call: &RequestMeta, now: Timestamp) -> bool {
        let inner = self.inner.sends(id, call, now);
        match self.throttler.try_acquire(call, now) {
            Ok(token) => {
                self.running.insert(id, token);
                inner
            }
            Err(_) => false,
        }
    }

    fn ended(&mut self, id: usize, end: End, now: Timestamp) {
        if let Some(token) = self.running.remove(&id) {
            match end {
                End::HeldBack => self.throttler.cancel(token),
                End::Answered | End::Refused | End::TimedOut => {
                    self.throttler.settle(token, end.outcome(), now);
                }
            }
        }
        self.inner.ended(id, end, now);
    }

    fn again(&mut self, call: &RequestMeta, end: End, now: Timestamp) -> Option<Duration> {
        self.inner.again(call, end, now)
    }
}
