//! Time in which the observer itself stood still.

use ninefold_core::time::{Timestamp, nanos};

/// What was lost of the present silence, and when the observer last woke.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Stalls {
    /// Nanoseconds of the present silence in which nobody could have listened.
    lost: u64,
    woke: Timestamp,
}

impl Stalls {
    /// A stall, told after it ended. What was counted already does not count again.
    pub(super) fn add(&mut self, from: Timestamp, to: Timestamp, silent_since: Timestamp) {
        let from = from.max(self.woke).max(silent_since);
        self.lost = self.lost.saturating_add(nanos(to.since(from)));
        self.woke = self.woke.max(to);
    }

    /// Nanoseconds of the present silence that do not count.
    pub(super) const fn lost(&self) -> u64 {
        self.lost
    }

    /// A heartbeat that was expected at some time arrives and ends the silence. Whether its arrival says
    /// something about the path: not if the silence contains a stall, and not if it may have waited for the
    /// observer to wake. Who sees something arrive is awake, whatever was said of a stall.
    pub(super) fn end_silence(&mut self, arrived: Timestamp, expected: Option<Timestamp>) -> bool {
        self.woke = self.woke.min(arrived);
        let whole = self.lost == 0 && expected.is_none_or(|expected| expected > self.woke);
        self.lost = 0;
        whole
    }
}
