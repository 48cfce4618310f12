//! Ninefold's adaptive limiter alone: it finds how much, and does not ask whom it refuses.

use std::collections::BTreeMap;

use ninefold_core::policy::{
    AdaptiveLimiter, AdaptiveLimiterConfig, Admission, LimiterToken, Outcome, RequestMeta,
};
use ninefold_core::time::Timestamp;

use super::{Gate, Verdict};

/// The limiter and the tokens of those inside.
#[derive(Debug)]
pub(crate) struct Limited {
    limiter: AdaptiveLimiter,
    running: BTreeMap<usize, LimiterToken>,
}

impl Limited {
    /// As configured.
    pub(crate) fn new(config: AdaptiveLimiterConfig) -> Self {
        Self {
            limiter: AdaptiveLimiter::new(config).expect("a valid limiter"),
            running: BTreeMap::new(),
        }
    }
}

impl Gate for Limited {
    fn arrives(&mut self, id: usize, call: &RequestMeta, now: Timestamp, out: &mut Vec<Verdict>) {
        match self.limiter.try_acquire(call, now) {
            Ok(token) => {
                self.running.insert(id, token);
                out.push(Verdict::Starts(id));
            }
            Err(_) => out.push(Verdict::Refused(id)),
        }
    }

    fn ends(&mut self, id: usize, late: bool, now: Timestamp, _: &mut Vec<Verdict>) {
        let outcome = if late {
            Outcome::Failure
        } else {
            Outcome::Success
        };
        if let Some(token) = self.running.remove(&id) {
            self.limiter.settle(token, outcome, now);
        }
    }
}
