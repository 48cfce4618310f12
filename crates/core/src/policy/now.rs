//! The time, asked for only where it matters.

use crate::time::Timestamp;

/// Something that can say what time it is: a [`Timestamp`] itself, or a clock of the caller's.
///
/// Reading a clock costs as much as the rest of an admitted call, so policies take `impl Now` and
/// ask only if the answer changes what they do. All calls of one policy must use one clock, and it
/// should be monotonic; a policy survives steps back, and counts them as no time at all.
pub trait Now {
    /// The current time.
    fn now(&self) -> Timestamp;
}

impl Now for Timestamp {
    #[inline]
    fn now(&self) -> Timestamp {
        *self
    }
}

impl<T: Now + ?Sized> Now for &T {
    #[inline]
    fn now(&self) -> Timestamp {
        (**self).now()
    }
}
