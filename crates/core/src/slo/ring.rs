//! Counts in buckets of equal width, the newest few of them.

use std::collections::VecDeque;
use std::time::Duration;

use super::Count;
use crate::time::{Timestamp, nanos};

/// A bounded ring of buckets. Bucket `i` holds the events of `[i, i + 1)` widths since the epoch.
///
/// Clocks step. Forward by more than the ring is long, everything in it is forgotten, as it is old.
/// Back by up to one bucket, events go to the newest bucket; back by more, the ring keeps its
/// buckets and goes on from the new time, as if they had just been counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ring {
    width_ns: u64,
    slots: usize,
    /// Index of the last bucket in `buckets`.
    newest: u64,
    /// Oldest first, without gaps, never more than `slots`.
    buckets: VecDeque<Count>,
}

impl Ring {
    /// A ring that answers for windows of up to `span`: as many buckets of `width` as that needs,
    /// and one for the bucket that is still being filled.
    #[must_use]
    pub fn new(width: Duration, span: Duration) -> Self {
        let width_ns = nanos(width).max(1);
        let slots = nanos(span).div_ceil(width_ns).saturating_add(1);
        Self {
            width_ns,
            slots: usize::try_from(slots).unwrap_or(usize::MAX),
            newest: 0,
            buckets: VecDeque::new(),
        }
    }

    /// Counts events that ended at `now`.
    pub fn add(&mut self, now: Timestamp, count: Count) {
        if count.is_empty() {
            return;
        }
        self.advance(now.as_nanos() / self.width_ns);
        if let Some(newest) = self.buckets.back_mut() {
            *newest += count;
        }
    }

    /// Everything counted in the last `window`, to the precision of one bucket: never less than
    /// the window, and at most one bucket more.
    #[must_use]
    pub fn sum(&self, now: Timestamp, window: Duration) -> Count {
        let wanted = nanos(window).div_ceil(self.width_ns).saturating_add(1);
        let age = (now.as_nanos() / self.width_ns).saturating_sub(self.newest);
        let taken = usize::try_from(wanted.saturating_sub(age)).unwrap_or(usize::MAX);
        self.buckets
            .iter()
            .rev()
            .take(taken)
            .fold(Count::default(), |sum, bucket| sum + *bucket)
    }

    /// The buckets that hold something, oldest first: when each began, and what it holds.
    pub fn iter(&self) -> impl Iterator<Item = (Timestamp, Count)> + '_ {
        let behind = u64::try_from(self.buckets.len()).unwrap_or(u64::MAX);
        let first = self.newest.saturating_add(1).saturating_sub(behind);
        (first..)
            .zip(&self.buckets)
            .filter(|(_, count)| !count.is_empty())
            .map(|(index, count)| {
                let start = Timestamp::from_nanos(index.saturating_mul(self.width_ns));
                (start, *count)
            })
    }

    fn advance(&mut self, index: u64) {
        if self.buckets.is_empty() {
            self.newest = index;
            self.buckets.push_back(Count::default());
        } else if index < self.newest {
            if self.newest - index > 1 {
                self.newest = index;
            }
        } else {
            let steps = usize::try_from(index - self.newest).unwrap_or(usize::MAX);
            if steps >= self.slots {
                self.buckets.clear();
            }
            for _ in 0..steps.min(self.slots) {
                self.buckets.push_back(Count::default());
            }
            while self.buckets.len() > self.slots {
                self.buckets.pop_front();
            }
            self.newest = index;
        }
    }
}
