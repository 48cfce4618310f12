//! What goes from the counters to the control and back.

use std::time::Duration;

use crate::time::nanos;

/// What was seen in a window.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen {
    /// The latency of the window in nanoseconds, if any call ended well.
    pub(super) rtt: Option<f64>,
    /// Calls that ended well.
    pub(super) samples: u32,
    /// Calls that failed.
    pub(super) drops: u32,
    /// The most calls that were under way at once.
    pub(super) peak: u32,
}

/// What to do until the next window ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Orders {
    /// The limit.
    pub(super) limit: u32,
    /// When the window ends at the earliest,
    pub(super) window: Duration,
    /// and how many calls must have ended for it to end,
    pub(super) needed: u32,
    /// unless it lasted so long.
    pub(super) patience: Duration,
    /// Which calls count.
    pub(super) count: Count,
}

/// Which calls count in a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Count {
    /// All that end.
    All,
    /// None.
    Nobody,
    /// Those that begin in the window.
    Beginners,
    /// Still those that began in the window before, and its counts go on.
    Stragglers,
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a limit is between 1 and a million"
)]
pub(super) fn whole(limit: f64) -> u32 {
    limit as u32
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "latencies are not negative, and far below 584 years"
)]
pub(super) fn whole_nanos(nanos: f64) -> u64 {
    nanos as u64
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a latency needs no more than 53 bits"
)]
pub(super) fn as_f64(duration: Duration) -> f64 {
    nanos(duration) as f64
}
