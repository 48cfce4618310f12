//! Words that would slow each other down are kept apart.

use std::ops::Deref;

/// A value on a cache line of its own. 128 bytes, because x86 prefetches lines in pairs and some
/// ARM cores have lines of that size.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(super) struct Padded<T>(pub(super) T);

impl<T> Deref for Padded<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        &self.0
    }
}
