//! What came, by rank, in windows that one thread closes.

use std::array;

use super::super::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use crate::time::{Timestamp, nanos};

/// No window has begun.
const NEVER: u64 = u64::MAX;

/// Counters that any thread counts in and one at a time empties. Nothing counted is lost or counted
/// in two windows.
#[derive(Debug)]
pub(crate) struct Tally<const N: usize> {
    counts: [AtomicU32; N],
    ends: AtomicU64,
    closing: AtomicBool,
}

impl<const N: usize> Default for Tally<N> {
    fn default() -> Self {
        Self {
            counts: array::from_fn(|_| AtomicU32::new(0)),
            ends: AtomicU64::new(NEVER),
            closing: AtomicBool::new(false),
        }
    }
}

impl<const N: usize> Tally<N> {
    #[inline]
    pub(crate) fn count(&self, rank: usize) {
        if let Some(count) = self.counts.get(rank) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Whether the window has lasted its time. The first call begins the first window.
    #[inline]
    pub(crate) fn is_over(&self, now: Timestamp, window: std::time::Duration) -> bool {
        let ends = self.ends.load(Ordering::Relaxed);
        if ends != NEVER {
            return now.as_nanos() >= ends;
        }
        let first = (now + window).as_nanos();
        // Somebody else began it: all the same.
        self.ends
            .compare_exchange(NEVER, first, Ordering::Relaxed, Ordering::Relaxed)
            .ok();
        false
    }

    /// Closes the window and begins the next, if it is over or `early` says so, unless another
    /// thread is doing that. `early` is asked when nobody else can close it any more. `run` gets what was counted, and is never run by two threads at once.
    pub(crate) fn close(
        &self,
        now: Timestamp,
        window: std::time::Duration,
        early: impl FnOnce() -> bool,
        run: impl FnOnce(&[u32; N]),
    ) {
        let begin =
            self.closing
                .compare_exchange(false, true, Ordering::Acquire, Ordering::Relaxed);
        if begin.is_err() {
            return;
        }
        // Another thread may have closed it just before.
        if self.is_over(now, window) || early() {
            self.ends.store(
                now.as_nanos().saturating_add(nanos(window)).min(NEVER - 1),
                Ordering::Relaxed,
            );
            let counted = array::from_fn(|rank| {
                self.counts
                    .get(rank)
                    .map_or(0, |count| count.swap(0, Ordering::Relaxed))
            });
            run(&counted);
        }
        self.closing.store(false, Ordering::Release);
    }
}
