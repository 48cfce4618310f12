use std::ops::AddAssign;
use std::time::Duration;

use crate::time::{Timestamp, nanos};

/// Events, good and bad.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Events as they should be.
    pub good: u64,
    /// Events that spend the budget.
    pub bad: u64,
}

impl Counts {
    /// All events.
    #[must_use]
    pub const fn total(self) -> u64 {
        self.good.saturating_add(self.bad)
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.good == 0 && self.bad == 0
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.good = self.good.saturating_add(other.good);
        self.bad = self.bad.saturating_add(other.bad);
    }
}

/// Counts in the newest `n` buckets of equal width. Buckets are numbered from the epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ring {
    width_ns: u64,
    slots: Vec<Counts>,
    /// The number of the newest bucket.
    head: u64,
}

impl Ring {
    /// An empty ring of `len` buckets (at least one) of `width` (at least 1 ns).
    #[must_use]
    pub fn new(width: Duration, len: usize) -> Self {
        Self {
            width_ns: nanos(width).max(1),
            slots: vec![Counts::default(); len.max(1)],
            head: 0,
        }
    }

    /// The number of the bucket that `at` falls into.
    #[must_use]
    pub const fn bucket(&self, at: Timestamp) -> u64 {
        at.as_nanos() / self.width_ns
    }

    /// The number of the newest bucket.
    #[must_use]
    pub const fn head(&self) -> u64 {
        self.head
    }

    /// Counts events at `at`. Where the clock went back they count to the newest bucket.
    pub fn add(&mut self, at: Timestamp, counts: Counts) {
        self.add_to(self.bucket(at).max(self.head), counts);
    }

    /// Counts events to the bucket of that number; dropped if the ring does not reach so far back.
    pub fn add_to(&mut self, bucket: u64, counts: Counts) {
        self.advance(bucket);
        if self.head - bucket < self.len() {
            let slot = self.slot(bucket);
            if let Some(slot) = self.slots.get_mut(slot) {
                *slot += counts;
            }
        }
    }

    /// The sum of the newest `buckets` buckets at `now`, the one under way included.
    #[must_use]
    pub fn sum(&self, now: Timestamp, buckets: u64) -> Counts {
        let newest = self.bucket(now).max(self.head);
        let oldest = newest.saturating_sub(buckets.saturating_sub(1));
        let mut sum = Counts::default();
        for bucket in oldest.max(self.oldest())..=self.head {
            sum += self.at(bucket);
        }
        sum
    }

    /// The buckets that have events, with their numbers, oldest first.
    pub fn buckets(&self) -> impl Iterator<Item = (u64, Counts)> + '_ {
        (self.oldest()..=self.head)
            .map(|bucket| (bucket, self.at(bucket)))
            .filter(|(_, counts)| !counts.is_empty())
    }

    fn at(&self, bucket: u64) -> Counts {
        let slot = self.slots.get(self.slot(bucket));
        slot.copied().unwrap_or_default()
    }

    const fn oldest(&self) -> u64 {
        self.head.saturating_add(1).saturating_sub(self.len())
    }

    fn advance(&mut self, bucket: u64) {
        if bucket <= self.head {
            return;
        }
        let stale = (bucket - self.head).min(self.len());
        for bucket in bucket + 1 - stale..=bucket {
            let slot = self.slot(bucket);
            if let Some(slot) = self.slots.get_mut(slot) {
                *slot = Counts::default();
            }
        }
        self.head = bucket;
    }

    const fn len(&self) -> u64 {
        self.slots.len() as u64
    }

    fn slot(&self, bucket: u64) -> usize {
        usize::try_from(bucket % self.len()).unwrap_or(0)
    }
}
