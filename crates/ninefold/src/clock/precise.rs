//! The monotonic clock in nanoseconds.

use std::sync::LazyLock;
use std::time::Instant;

use ninefold_core::policy::Now;
use ninefold_core::time::{Timestamp, nanos};

/// One moment as an instant and on the scale of all clocks here.
static ANCHOR: LazyLock<(Instant, Timestamp)> = LazyLock::new(|| (Instant::now(), monotonic()));

/// [`Instant`] as a [`Timestamp`]. On Linux it is on the scale of
/// [`CoarseClock`](super::CoarseClock), so that a deadline means the same to both.
#[derive(Clone, Copy, Debug, Default)]
pub struct PreciseClock;

impl Now for PreciseClock {
    #[inline]
    fn now(&self) -> Timestamp {
        at(Instant::now())
    }
}

#[cfg(target_os = "linux")]
fn monotonic() -> Timestamp {
    super::coarse::read(rustix::time::ClockId::Monotonic)
}

#[cfg(not(target_os = "linux"))]
fn monotonic() -> Timestamp {
    Timestamp::from_secs(1)
}

/// An instant of this process on the scale of all clocks here.
pub(super) fn at(instant: Instant) -> Timestamp {
    let (anchor, base) = *ANCHOR;
    match instant.checked_duration_since(anchor) {
        Some(after) => Timestamp::from_nanos(base.as_nanos().saturating_add(nanos(after))),
        None => base - anchor.saturating_duration_since(instant),
    }
}

/// The instant of a timestamp.
#[cfg(feature = "tokio")]
pub(super) fn instant(at: Timestamp) -> Instant {
    let (anchor, base) = *ANCHOR;
    anchor.checked_add(at.since(base)).unwrap_or(anchor)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn instants_keep_their_distance() {
        let now = Instant::now();
        let later = now + Duration::from_millis(1_500);
        assert_eq!(at(later).since(at(now)), Duration::from_millis(1_500));
        let earlier = ANCHOR.0.checked_sub(Duration::from_millis(10));
        if let Some(earlier) = earlier {
            assert_eq!(ANCHOR.1.since(at(earlier)), Duration::from_millis(10));
        }
    }

    #[test]
    fn a_deadline_means_the_same_to_all_clocks() {
        let (coarse, precise) = (super::super::CoarseClock, PreciseClock);
        let between = [precise.now(), coarse.now(), precise.now()];
        let [before, coarse, after] = between;
        // It may be a tick behind, and a tick is 10 ms at the most.
        assert!(coarse <= after, "{between:?}");
        assert!(
            before.since(coarse) <= Duration::from_millis(20),
            "{between:?}"
        );
    }
}
