//! What a window holds, as numbers.

use crate::policy::Outcome;

/// The calls of a window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// All of them.
    pub calls: u64,
    /// Those that failed.
    pub failed: u64,
    /// Those that were slow; a call can be both.
    pub slow: u64,
}

impl Counts {
    /// The share that failed; 0 of no calls.
    #[must_use]
    pub fn failure_rate(&self) -> f64 {
        share(self.failed, self.calls)
    }

    /// The share that was slow; 0 of no calls.
    #[must_use]
    pub fn slow_call_rate(&self) -> f64 {
        share(self.slow, self.calls)
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts of a window stay far below 2^53"
)]
fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 {
        0.0
    } else {
        part as f64 / whole as f64
    }
}

/// What one call adds to a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) failed: bool,
    pub(super) slow: bool,
}

impl Tally {
    #[cfg(test)]
    pub(super) const GOOD: Self = Self {
        failed: false,
        slow: false,
    };

    /// Of an outcome, where `late` says that it was measured to be slow; `None` if it says nothing
    /// about who was called.
    #[inline]
    pub(super) const fn of(outcome: Outcome, late: bool) -> Option<Self> {
        match outcome {
            Outcome::Success => Some(Self {
                failed: false,
                slow: late,
            }),
            Outcome::Slow => Some(Self {
                failed: false,
                slow: true,
            }),
            Outcome::Failure => Some(Self {
                failed: true,
                slow: late,
            }),
            Outcome::Ignored => None,
        }
    }

    #[inline]
    pub(super) const fn is_good(self) -> bool {
        !self.failed && !self.slow
    }

    pub(super) const fn bits(self) -> u32 {
        (self.failed as u32) | (self.slow as u32) << 1
    }

    pub(super) const fn from_bits(bits: u32) -> Self {
        Self {
            failed: bits & 1 != 0,
            slow: bits & 2 != 0,
        }
    }
}
