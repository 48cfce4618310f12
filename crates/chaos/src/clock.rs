//! The two clocks: wall time for what people read, boot time for what must expire.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ninefold_core::time::{Timestamp, nanos};

/// The wall clock; the epoch if it stands before 1970.
pub(crate) fn wall() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    Timestamp::from_nanos(nanos(since.unwrap_or(Duration::ZERO)))
}

/// Nanoseconds since this host booted, suspension included (`CLOCK_BOOTTIME`): the same for every
/// process of the host and deaf to changes of the wall clock.
pub(crate) fn boot_ns() -> u64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    let secs = u64::try_from(now.tv_sec).unwrap_or(0);
    let rest = u64::try_from(now.tv_nsec).unwrap_or(0);
    secs.saturating_mul(1_000_000_000).saturating_add(rest)
}

/// The kernel's id of this boot; empty where it cannot be read.
pub(crate) fn boot_id() -> String {
    std::fs::read_to_string("/proc/sys/kernel/random/boot_id")
        .map(|text| text.trim().to_owned())
        .unwrap_or_default()
}
