//! The monotonic clock in nanoseconds.

use std::sync::LazyLock;
use std::time::Instant;

use ninefold_core::policy::Now;
use ninefold_core::time::{Timestamp, nanos};

/// What all precise times of this process are measured from.
static START: LazyLock<Instant> = LazyLock::new(Instant::now);

/// [`Instant`] as a [`Timestamp`]: nanoseconds since the first use in this process.
#[derive(Clone, Copy, Debug, Default)]
pub struct PreciseClock;

impl Now for PreciseClock {
    #[inline]
    fn now(&self) -> Timestamp {
        at(Instant::now())
    }
}

/// An instant of this process on the same scale.
pub(super) fn at(instant: Instant) -> Timestamp {
    // One second ahead, so that instants shortly before the first use are not all zero.
    let since = instant.saturating_duration_since(*START);
    Timestamp::from_nanos(nanos(since).saturating_add(1_000_000_000))
}

/// The instant of a timestamp of this process.
#[cfg(feature = "tokio")]
pub(super) fn instant(at: Timestamp) -> Instant {
    *START + at.since(Timestamp::from_secs(1))
}
