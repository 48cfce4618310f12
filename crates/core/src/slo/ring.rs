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
        for bucket in bucket - (stale - 1)..=bucket {
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::slo::{BURN_WINDOWS, Resolution, Windows};

    /// What happened, in a list: the slow and obvious way to count.
    fn naive(events: &[(u64, Counts)], now_secs: u64, window: Duration) -> Counts {
        let width = Resolution::for_window(window).width().as_secs();
        let buckets = window.as_secs().div_ceil(width);
        let newest = now_secs / width;
        let mut sum = Counts::default();
        let mut clock = 0;
        for (at, counts) in events {
            clock = clock.max(*at);
            let bucket = clock / width;
            if bucket <= newest && bucket + buckets > newest {
                sum += *counts;
            }
        }
        sum
    }

    proptest! {
        #[test]
        fn windows_agree_with_a_list(
            steps in prop::collection::vec((-20i64..40_000, 0u64..100, 0u64..5), 1..60),
            idle in 0u64..200_000,
        ) {
            let mut windows = Windows::default();
            let mut events = Vec::new();
            let mut now = 1_000_000u64;
            for (step, good, bad) in steps {
                now = now.saturating_add_signed(step);
                let counts = Counts { good, bad };
                windows.add(Timestamp::from_secs(now), counts);
                events.push((now, counts));
            }
            let newest = events.iter().map(|(at, _)| *at).max().unwrap_or(now);
            let now = newest + idle;
            let month = ("30d", Duration::from_secs(30 * 86_400));
            for (name, window) in BURN_WINDOWS.into_iter().chain([month]) {
                let counted = windows.sum(Timestamp::from_secs(now), window);
                prop_assert_eq!(counted, naive(&events, now, window), "{}", name);
            }
        }

        #[test]
        fn buckets_rebuild_the_ring(
            steps in prop::collection::vec((0u64..100, 0u64..9, 0u64..9), 0..40),
        ) {
            let mut ring = Ring::new(Duration::from_secs(10), 16);
            let mut now = 0;
            for (step, good, bad) in steps {
                now += step;
                ring.add(Timestamp::from_secs(now), Counts { good, bad });
            }
            let mut again = Ring::new(Duration::from_secs(10), 16);
            for (bucket, counts) in ring.buckets() {
                again.add_to(bucket, counts);
            }
            let at = Timestamp::from_secs(now);
            prop_assert_eq!(again.sum(at, 16), ring.sum(at, 16));
            prop_assert_eq!(again.sum(at, 3), ring.sum(at, 3));
        }
    }

    #[test]
    fn extreme_times_and_counts_are_bearable() {
        let mut ring = Ring::new(Duration::ZERO, 0);
        let last = Timestamp::from_nanos(u64::MAX);
        let counts = Counts {
            good: u64::MAX,
            bad: u64::MAX,
        };
        ring.add(last, counts);
        ring.add(Timestamp::ZERO, counts);
        assert_eq!(ring.sum(last, u64::MAX), counts);
        assert_eq!(counts.total(), u64::MAX);
    }
}
