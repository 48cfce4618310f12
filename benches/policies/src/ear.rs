//! Who listens where listeners are on: hears everything, and keeps nothing.

use std::hint::black_box;
use std::sync::Arc;

use ninefold::{Event, Listener, Source};

/// For listeners that are functions.
#[inline]
pub(crate) fn hear<T>(what: T) {
    black_box(&what);
}

/// For Ninefold's policies.
pub(crate) fn ear() -> Source {
    Source::new("bench", Arc::new(Ear))
}

struct Ear;

impl Listener for Ear {
    fn on_event(&self, event: &Event<'_>) {
        hear(event);
    }
}
