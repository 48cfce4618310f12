//! Instants on the scale of all clocks here.

use std::sync::LazyLock;
use std::time::Instant;

use ninefold_core::time::{Timestamp, nanos};

/// One moment as an instant and on the scale of all clocks here.
static ANCHOR: LazyLock<(Instant, Timestamp)> = LazyLock::new(anchor);

/// An instant right after a reading of the clock of the scale. A thread may be stopped between them,
/// so the closest pair of a few counts.
fn anchor() -> (Instant, Timestamp) {
    let read = || {
        let (before, instant) = (scale(), Instant::now());
        (scale().since(before), instant, before)
    };
    let (_, instant, base) = [(); 3].iter().fold(read(), |best, ()| {
        let next = read();
        if next.0 < best.0 { next } else { best }
    });
    (instant, base)
}

#[cfg(target_os = "linux")]
fn scale() -> Timestamp {
    ninefold_core::policy::Now::now(&super::PreciseClock)
}

#[cfg(not(target_os = "linux"))]
fn scale() -> Timestamp {
    Timestamp::from_secs(1)
}

/// An instant of this process on the scale of all clocks here.
#[inline]
pub(super) fn at(instant: Instant) -> Timestamp {
    let (anchor, base) = *ANCHOR;
    match instant.checked_duration_since(anchor) {
        Some(after) => Timestamp::from_nanos(base.as_nanos().saturating_add(nanos(after))),
        None => before(instant),
    }
}

#[cold]
fn before(instant: Instant) -> Timestamp {
    let (anchor, base) = *ANCHOR;
    base - anchor.saturating_duration_since(instant)
}

/// The instant of a timestamp.
#[cfg(feature = "tokio")]
pub(super) fn of(at: Timestamp) -> Instant {
    let (anchor, base) = *ANCHOR;
    anchor.checked_add(at.since(base)).unwrap_or(anchor)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use ninefold_core::policy::Now;

    use super::*;
    use crate::clock::PreciseClock;

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
    fn an_instant_lies_between_the_times_before_and_after_it() {
        at(Instant::now());
        let (before, between, after) = (PreciseClock.now(), Instant::now(), PreciseClock.now());
        // The anchor is off by what it takes to read a clock.
        let off = Duration::from_millis(1);
        assert!(before <= at(between) + off && at(between) <= after + off);
    }
}
