//! What a choice depends on.

use ninefold_core::ejection::Risk;
use ninefold_core::time::Timestamp;
use tokio::time::Instant;

/// What a choice depends on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ask {
    /// Now, by the gateway's clock and by the runtime's.
    pub(crate) now: Timestamp,
    pub(crate) at: Instant,
    /// What may happen to the request if it tries an endpoint that is not well.
    pub(crate) risk: Risk,
    /// By what it is placed, if its service places requests by a key and it has one.
    pub(crate) key: Option<u64>,
}
