//! The results of the last while, in buckets.
//!
//! Time is cut into steps of `span / buckets`; step `e` is counted in bucket `e mod 64`, and the
//! window is the current step and those before it, `buckets` in all. So a result is forgotten when
//! it is between `span - step` and `span` old.
//!
//! A bucket is three words (calls, failed, slow), each a count with the tag of the step it belongs
//! to. The tag runs on with every step *and leaps with every generation by more than any window is
//! long*, so one comparison tells what is too old, what is of an older generation, and who comes
//! too late. Above that it says which layout the step is of. A word is taken over by the first who
//! counts in it: nothing is swept, and a clock that steps back finds the latest step that anybody
//! saw.

use super::config::BUCKETS_MAX;
use super::counts::{Counts, Tally};
use super::padded::Padded;
use super::tag::{Age, age, mask};
use crate::policy::sync::atomic::AtomicU64;
use crate::policy::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed};
use crate::time::Timestamp;

const BUCKETS: usize = BUCKETS_MAX as usize;

/// How far the tags leap from one generation to the next.
const LEAP: u64 = 1_024;

const _: () = assert!(LEAP > 4 * BUCKETS_MAX as u64);

/// Bits of a step in `latest`: 8,900 years of milliseconds.
const STEP_BITS: u32 = 48;

/// No step is calm: tags are never this large.
const NEVER: u64 = u64::MAX;

/// How a window by time is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    pub(super) step_ns: u64,
    pub(super) buckets: u64,
}

impl Layout {
    pub(super) const fn new(span_ns: u64, buckets: u32) -> Self {
        let buckets = if buckets == 0 { 1 } else { buckets as u64 };
        let step_ns = span_ns / buckets;
        Self {
            step_ns: if step_ns == 0 { 1 } else { step_ns },
            buckets,
        }
    }
}

/// See the [module](self).
#[derive(Debug)]
pub(super) struct TimeWindow {
    steps: Padded<Steps>,
    calls: Words,
    failed: Words,
    slow: Words,
}

/// How time becomes steps. Hardly ever written but for `latest`, once a step.
#[derive(Debug)]
struct Steps {
    /// The latest step that anybody saw, and above it in 16 bits how often the layout changed: so
    /// a call that still counts in steps of another length moves nothing.
    latest: AtomicU64,
    step_ns: AtomicU64,
    buckets: AtomicU64,
    /// The tag of the latest bad call.
    latest_bad: AtomicU64,
    /// The tag of a step in which good calls need not be judged.
    calm: AtomicU64,
}

/// Where a call is counted: the step, its tag, and how many steps the window has.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spot {
    step: u64,
    tag: u64,
    buckets: u64,
}

impl TimeWindow {
    pub(super) fn new(layout: Layout) -> Self {
        Self {
            steps: Padded(Steps {
                latest: AtomicU64::new(0),
                step_ns: AtomicU64::new(layout.step_ns),
                buckets: AtomicU64::new(layout.buckets),
                latest_bad: AtomicU64::new(NEVER),
                calm: AtomicU64::new(NEVER),
            }),
            calls: Words::new(),
            failed: Words::new(),
            slow: Words::new(),
        }
    }

    /// Where a call of `generation` that ends `now` is counted.
    ///
    /// While the layout is changed a late call may see a mixture of both. Its tag is then of the
    /// old layout or the old generation, and counts in neither.
    #[inline]
    pub(super) fn spot(&self, generation: u64, now: Timestamp) -> Spot {
        let latest = self.steps.at(now.as_nanos());
        let buckets = self.steps.buckets.load(Relaxed);
        Spot::new(latest, generation, buckets)
    }

    /// Counts a call. Says what the window holds now if somebody has to judge it: not if all of it
    /// is good, nor if another good call cannot make it worse.
    #[inline]
    pub(super) fn record(&self, spot: Spot, new: Tally) -> Option<Counts> {
        if !self.calls.add(spot) {
            return None;
        }
        if new.is_good() {
            if !spot.reaches(self.steps.latest_bad.load(Relaxed))
                || self.steps.calm.load(Relaxed) == spot.tag
            {
                return None;
            }
        } else {
            if new.failed {
                self.failed.add(spot);
            }
            if new.slow {
                self.slow.add(spot);
            }
            if self.steps.latest_bad.load(Relaxed) != spot.tag {
                self.steps.latest_bad.store(spot.tag, Relaxed);
            }
        }
        Some(self.counts(spot))
    }

    /// What the window holds was judged and found good enough. Until its oldest step is forgotten
    /// or another bad call ends, good calls only make it better.
    pub(super) fn calm_down(&self, spot: Spot) {
        self.steps.calm.store(spot.tag, Relaxed);
    }

    /// The rules have changed, so the next call is judged.
    pub(super) fn look_again(&self) {
        self.steps.calm.store(NEVER, Relaxed);
    }

    /// What the window that ends at `spot` holds. The bad ones are read first: whoever counted one
    /// had counted its call before.
    pub(super) fn counts(&self, spot: Spot) -> Counts {
        let failed = self.failed.sum(spot);
        let slow = self.slow.sum(spot);
        Counts {
            calls: self.calls.sum(spot),
            failed,
            slow,
        }
    }

    /// Lays the window of the generation `old` out anew for the generation `new`, which is
    /// published after this. A step goes into the new step in which it ended; a layout that reaches
    /// less far drops the oldest.
    pub(super) fn relay(&self, layout: Layout, old: u64, new: u64) {
        let latest = self.steps.latest.load(Relaxed);
        let old_step_ns = self.steps.step_ns.load(Relaxed);
        let spot = Spot::new(latest, old, self.steps.buckets.load(Relaxed));
        let step = spot.step.saturating_mul(old_step_ns) / layout.step_ns;
        let mut kept = [[0u64; 3]; BUCKETS];
        for back in 0..spot.buckets.min(spot.step + 1) {
            let end = (spot.step - back + 1).saturating_mul(old_step_ns) - 1;
            let behind = step.saturating_sub(end / layout.step_ns);
            if let Some(sums) = kept
                .get_mut(index(behind))
                .filter(|_| behind < layout.buckets)
            {
                for (sum, words) in sums.iter_mut().zip([&self.calls, &self.failed, &self.slow]) {
                    *sum += words.one(spot, back);
                }
            }
        }
        let layouts = (latest >> STEP_BITS).wrapping_add(1) << STEP_BITS;
        self.steps.step_ns.store(layout.step_ns, Relaxed);
        self.steps.buckets.store(layout.buckets, Relaxed);
        // Whoever sees it sees the length of a step that belongs to it.
        self.steps.latest.swap(layouts | step, AcqRel);
        let spot = Spot::new(layouts | step, new, layout.buckets);
        self.steps.latest_bad.store(spot.tag, Relaxed);
        // Every bucket, those that hold nothing too: a tag from eight layouts ago looks like one that
        // is still to come.
        for (behind, [calls, failed, slow]) in (0..).zip(kept) {
            self.calls.put(spot, behind, calls);
            self.failed.put(spot, behind, failed);
            self.slow.put(spot, behind, slow);
        }
    }
}

impl Steps {
    /// `latest` after somebody looked `now`: where the clock stepped back it stays.
    #[inline]
    fn at(&self, now_ns: u64) -> u64 {
        let latest = self.latest.load(Acquire);
        let step_ns = self.step_ns.load(Relaxed);
        // Multiplying is cheaper than dividing, and most calls end in the latest step.
        if now_ns < ((latest & mask(STEP_BITS)) + 1).saturating_mul(step_ns) {
            return latest;
        }
        let step = now_ns.checked_div(step_ns).unwrap_or(0) & mask(STEP_BITS);
        let next = latest & !mask(STEP_BITS) | step;
        self.latest.fetch_max(next, AcqRel).max(next)
    }
}

impl Spot {
    /// At a step with the number of layouts above it, as in `latest`.
    #[inline]
    const fn new(latest: u64, generation: u64, buckets: u64) -> Self {
        let step = latest & mask(STEP_BITS);
        Self {
            step,
            tag: tag::of(latest >> STEP_BITS, step, generation),
            buckets,
        }
    }

    /// Whether the window that ends here holds the step of `tag`.
    #[inline]
    const fn reaches(self, tag: u64) -> bool {
        let back = self.tag.wrapping_sub(tag) & mask(32);
        back < self.buckets && tag::back(self.tag, back) == tag
    }
}

/// Tags of 36 bits: four of the number of layouts, and 32 that run on with steps and generations.
mod tag {
    use super::{Age, LEAP, age, mask};

    /// What is left of a word for its count: 268 million calls a step.
    pub(super) const COUNT_BITS: u32 = 28;

    #[inline]
    pub(super) const fn of(layouts: u64, step: u64, generation: u64) -> u64 {
        let runs = step.wrapping_add(generation.wrapping_mul(LEAP)) & mask(32);
        (layouts & mask(4)) << 32 | runs
    }

    /// The tag so many steps ago.
    #[inline]
    pub(super) const fn back(tag: u64, steps: u64) -> u64 {
        tag & !mask(32) | tag.wrapping_sub(steps) & mask(32)
    }

    #[inline]
    pub(super) const fn age_of(tag: u64, mine: u64) -> Age {
        match age::<4>(tag >> 32, mine >> 32) {
            Age::Same => age::<32>(tag, mine),
            other => other,
        }
    }
}

/// One count for each bucket: the tag above, the count in the lowest bits.
#[derive(Debug)]
struct Words(Padded<[AtomicU64; BUCKETS]>);

#[expect(clippy::cast_possible_truncation, reason = "the remainder is below 64")]
const fn index(step: u64) -> usize {
    (step % BUCKETS as u64) as usize
}

impl Words {
    fn new() -> Self {
        Self(Padded(std::array::from_fn(|_| AtomicU64::new(0))))
    }

    /// Adds one, unless the bucket has gone on to something newer.
    #[inline]
    fn add(&self, spot: Spot) -> bool {
        let Some(word) = self.0.get(index(spot.step)) else {
            return false;
        };
        let mut seen = word.load(Relaxed);
        loop {
            let next = match tag::age_of(seen >> tag::COUNT_BITS, spot.tag) {
                // A count that is full stays full.
                Age::Same => {
                    seen + u64::from(seen & mask(tag::COUNT_BITS) != mask(tag::COUNT_BITS))
                }
                Age::Older => (spot.tag << tag::COUNT_BITS) | 1,
                Age::Newer => return false,
            };
            match word.compare_exchange_weak(seen, next, AcqRel, Relaxed) {
                Ok(_) => return true,
                Err(current) => seen = current,
            }
        }
    }

    fn sum(&self, spot: Spot) -> u64 {
        (0..spot.buckets).map(|back| self.one(spot, back)).sum()
    }

    /// The count `back` steps before `spot`.
    #[inline]
    fn one(&self, spot: Spot, back: u64) -> u64 {
        let at = index(spot.step.wrapping_sub(back));
        let word = self.0.get(at).map_or(0, |word| word.load(Acquire));
        if word >> tag::COUNT_BITS == tag::back(spot.tag, back) {
            word & mask(tag::COUNT_BITS)
        } else {
            0
        }
    }

    fn put(&self, spot: Spot, back: u64, count: u64) {
        let at = index(spot.step.wrapping_sub(back));
        if let Some(word) = self.0.get(at) {
            let count = count.min(mask(tag::COUNT_BITS));
            let tag = tag::back(spot.tag, back) << tag::COUNT_BITS;
            word.swap(tag | count, Relaxed);
        }
    }
}

#[cfg(test)]
#[cfg(not(loom))]
mod tests;
