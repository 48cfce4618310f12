//! What was asked and what was accepted, of one criticality.

use super::AdaptiveThrottlerConfig;
use crate::policy::ring::Ring;
use crate::policy::sync::atomic::AtomicBool;
use crate::time::Timestamp;

/// Slots of a window.
pub(super) const SLOTS: usize = 30;
/// Seconds of a slot.
pub(super) const SLOT_SECS: u64 = 4;

/// What a window holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ThrottleState {
    /// Calls that were made, refused ones included.
    pub requests: u32,
    /// Calls that the server accepted.
    pub accepts: u32,
    /// Calls that the server refused or failed.
    pub failures: u32,
}

impl ThrottleState {
    /// The formula: with what probability the next call is held back.
    pub(super) fn rejection(self, config: &AdaptiveThrottlerConfig) -> f64 {
        // A server that refuses nothing is not overloaded; what looks like it is a burst.
        if self.failures == 0 || self.accepts.saturating_add(self.failures) < config.min_samples {
            return 0.0;
        }
        let requests = f64::from(self.requests);
        let excess = requests - config.multiplier * f64::from(self.accepts);
        (excess / (requests + 1.0)).clamp(0.0, config.max_rejection.as_f64())
    }
}

#[derive(Debug)]
pub(super) struct Windows {
    pub(super) requests: Ring<SLOTS>,
    pub(super) accepts: Ring<SLOTS>,
    pub(super) failures: Ring<SLOTS>,
    pub(super) throttling: AtomicBool,
}

impl Windows {
    pub(super) fn new() -> Self {
        Self {
            requests: Ring::new(),
            accepts: Ring::new(),
            failures: Ring::new(),
            throttling: AtomicBool::new(false),
        }
    }

    pub(super) fn state(&self, tick: u32, window: u32) -> ThrottleState {
        ThrottleState {
            requests: self.requests.sum(tick, window),
            accepts: self.accepts.sum(tick, window),
            failures: self.failures.sum(tick, window),
        }
    }
}

pub(super) fn tick(now: Timestamp) -> u32 {
    u32::try_from(now.as_secs() / SLOT_SECS).unwrap_or(u32::MAX)
}
