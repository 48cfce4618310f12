//! A clock that costs little and steps in milliseconds.

use ninefold_core::policy::Now;
use ninefold_core::time::Timestamp;

/// The kernel's coarse monotonic clock: a quarter of the cost of a precise one, in steps of one
/// scheduler tick (1 to 10 ms, mostly 4). Right for windows and waits of 100 ms and more, wrong for
/// latencies. Other systems than Linux give a [`PreciseClock`](super::PreciseClock)'s time.
#[derive(Clone, Copy, Debug, Default)]
pub struct CoarseClock;

impl Now for CoarseClock {
    #[cfg(target_os = "linux")]
    #[inline]
    fn now(&self) -> Timestamp {
        read(rustix::time::ClockId::MonotonicCoarse)
    }

    #[cfg(not(target_os = "linux"))]
    #[inline]
    fn now(&self) -> Timestamp {
        super::PreciseClock.now()
    }
}

/// A clock of the kernel.
#[cfg(target_os = "linux")]
#[inline]
pub(super) fn read(clock: rustix::time::ClockId) -> Timestamp {
    let time = rustix::time::clock_gettime(clock);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    let nanos = u64::try_from(time.tv_nsec).unwrap_or(0);
    Timestamp::from_nanos(seconds.wrapping_mul(1_000_000_000).wrapping_add(nanos))
}
