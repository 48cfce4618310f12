//! When a heartbeat is expected.

use std::time::Duration;

use ninefold_core::time::{Timestamp, nanos};

use super::latest::{narrow, whole};
use super::window::Window;

/// Chen's estimate of an arrival (section 5.2, NFD-E): the mean, over the newest heartbeats, of how late each
/// was beside a schedule of one every η, added to that schedule:
/// `EA(k) = 1/n · Σ (Aᵢ − η·i) + η·k`.
///
/// Times are kept beside the first heartbeat's, so that they stay small and sums of them exact.
#[derive(Clone, Debug)]
pub(super) struct Estimate {
    interval: i128,
    origin: Option<(u64, Timestamp)>,
    offsets: Window,
}

impl Estimate {
    /// For a heartbeat every `interval`, over the newest `window`.
    pub(super) fn new(interval: Duration, window: usize) -> Self {
        Self {
            interval: i128::from(nanos(interval)),
            origin: None,
            offsets: Window::new(window),
        }
    }

    /// A heartbeat arrived.
    pub(super) fn push(&mut self, seq: u64, arrived: Timestamp) {
        let (_, start) = *self.origin.get_or_insert((seq, arrived));
        let since = i128::from(arrived.as_nanos()) - i128::from(start.as_nanos());
        self.offsets.push(narrow(since - self.scheduled(seq)));
    }

    /// When a heartbeat is expected; nothing before the first one.
    pub(super) fn expected(&self, seq: u64) -> Option<Timestamp> {
        let (_, start) = self.origin?;
        let offset = i128::from(whole(self.offsets.mean()?));
        let at = i128::from(start.as_nanos()) + self.scheduled(seq) + offset;
        Some(Timestamp::from_nanos(
            u64::try_from(at.max(0)).unwrap_or(u64::MAX),
        ))
    }

    /// Forgets everything.
    pub(super) const fn clear(&mut self) {
        self.origin = None;
        self.offsets.clear();
    }

    /// The schedule, beside the first heartbeat.
    fn scheduled(&self, seq: u64) -> i128 {
        let origin = self.origin.map_or(seq, |(seq, _)| seq);
        (i128::from(seq) - i128::from(origin)).saturating_mul(self.interval)
    }
}
