//! A clock that is read at most once a call.

use crate::policy::Now;
use crate::time::Timestamp;

/// Asks its source when first needed, and then says the same.
#[derive(Debug)]
pub(super) struct Clock<N> {
    source: N,
    read: Option<Timestamp>,
}

impl<N: Now> Clock<N> {
    #[inline]
    pub(super) const fn new(source: N) -> Self {
        Self { source, read: None }
    }

    #[inline]
    pub(super) fn now(&mut self) -> Timestamp {
        *self.read.get_or_insert_with(|| self.source.now())
    }
}
