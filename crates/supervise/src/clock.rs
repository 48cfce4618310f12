//! The clocks that the drivers read and the decisions receive.

use std::sync::OnceLock;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use ninefold_core::time::{Timestamp, nanos};

/// The wall clock.
pub(crate) fn wall() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    Timestamp::from_nanos(since.map(nanos).unwrap_or_default())
}

/// The monotonic clock, from an arbitrary origin after zero.
pub(crate) fn monotonic() -> Timestamp {
    static ORIGIN: OnceLock<Instant> = OnceLock::new();
    let origin = *ORIGIN.get_or_init(Instant::now);
    Timestamp::from_secs(1) + origin.elapsed()
}
