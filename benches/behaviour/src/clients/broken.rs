//! Ninefold's circuit breaker inside of retries of any kind.

use std::collections::BTreeMap;
use std::time::Duration;

use ninefold_core::policy::breaker::Token;
use ninefold_core::policy::{Admission, CircuitBreaker, RequestMeta, RetryConfig};
use ninefold_core::time::Timestamp;

use super::{Client, End};

/// The breaker by default: what it refuses counts as an attempt of the retries, and is not sent.
#[derive(Debug)]
pub(crate) struct Broken<C> {
    breaker: CircuitBreaker,
    inner: C,
    running: BTreeMap<usize, Token>,
    last_wait: Option<Duration>,
}

impl<C> Broken<C> {
    /// By default.
    pub(crate) fn new(inner: C, seed: u64) -> Self {
        Self {
            breaker: CircuitBreaker::default().with_seed(seed),
            inner,
            running: BTreeMap::new(),
            last_wait: None,
        }
    }
}

impl<C: Client> Client for Broken<C> {
    fn sends(&mut self, id: usize, call: &RequestMeta, now: Timestamp) -> bool {
        // The retry is outside, so its budget sees the call whatever the breaker says.
        let inner = self.inner.sends(id, call, now);
        match self.breaker.try_acquire(call, now) {
            Ok(token) => {
                self.running.insert(id, token);
                inner
            }
            Err(rejected) => {
                self.last_wait = rejected.retry_after;
                false
            }
        }
    }

    fn ended(&mut self, id: usize, end: End, now: Timestamp) {
        if let Some(token) = self.running.remove(&id) {
            match end {
                End::HeldBack => self.breaker.cancel(token),
                End::Answered | End::Refused | End::TimedOut => {
                    self.breaker.settle(token, end.outcome(), now);
                }
            }
        }
        self.inner.ended(id, end, now);
    }

    /// A refusal is repeated no sooner than the breaker said, and not at all if that is too late.
    fn again(&mut self, call: &RequestMeta, end: End, now: Timestamp) -> Option<Duration> {
        let least = self.last_wait.take().filter(|_| end == End::HeldBack);
        let least = least.unwrap_or_default();
        if least > RetryConfig::default().pushback_max.0 {
            return None;
        }
        Some(self.inner.again(call, end, now)?.max(least))
    }
}
