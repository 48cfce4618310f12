//! Readers that no public function reaches without a connection, for the targets in `fuzz`.

use crate::exchange::read_traceparent;
use crate::strict::is_authority;

/// Whether a client may name this host.
#[must_use]
pub fn authority(text: &[u8]) -> bool {
    is_authority(text)
}

/// The trace context that is taken over from a client's `traceparent`.
#[must_use]
pub fn traceparent(text: &[u8]) -> Option<[u8; 55]> {
    let mut read = [0; 55];
    read_traceparent(text, &mut read).then_some(read)
}
