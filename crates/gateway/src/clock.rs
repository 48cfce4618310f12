//! The gateway's monotonic clock.

use std::time::Instant;

use ninefold_core::time::Timestamp;

/// Timestamps begin here, so that moments before the gateway's start have one too.
const ORIGIN: Timestamp = Timestamp::from_secs(1 << 31);

/// Turns instants into the timestamps that the core works with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    start: Instant,
}

impl Clock {
    /// A clock that starts now.
    pub(crate) fn new() -> Self {
        Self {
            start: Instant::now(),
        }
    }

    /// Now.
    pub(crate) fn now(&self) -> Timestamp {
        self.at(Instant::now())
    }

    /// The timestamp of an instant.
    pub(crate) fn at(&self, instant: Instant) -> Timestamp {
        match instant.checked_duration_since(self.start) {
            Some(after) => ORIGIN + after,
            None => ORIGIN - self.start.duration_since(instant),
        }
    }
}
