//! The monotonic clock in nanoseconds.

use ninefold_core::policy::Now;
use ninefold_core::time::Timestamp;

/// The monotonic clock, that of [`Instant`](std::time::Instant), as a [`Timestamp`]. On Linux it is
/// on the scale of [`CoarseClock`](super::CoarseClock), so that a deadline means the same to both.
#[derive(Clone, Copy, Debug, Default)]
pub struct PreciseClock;

impl Now for PreciseClock {
    // By way of an instant it would cost four times as much.
    #[cfg(target_os = "linux")]
    #[inline]
    fn now(&self) -> Timestamp {
        super::coarse::read(rustix::time::ClockId::Monotonic)
    }

    #[cfg(not(target_os = "linux"))]
    #[inline]
    fn now(&self) -> Timestamp {
        super::instant::at(std::time::Instant::now())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

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
