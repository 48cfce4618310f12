//! The wall clock, for certificates, tokens and seals.

use std::time::SystemTime;

use ninefold_core::time::{Timestamp, nanos};

/// What the wall clock says.
#[must_use]
pub fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    Timestamp::from_nanos(since.map_or(0, nanos))
}
