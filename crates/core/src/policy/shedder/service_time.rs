//! How long a call usually takes.

use std::time::Duration;

use super::super::sync::atomic::{AtomicU64, Ordering};
use crate::time::nanos;

/// By which part of itself the estimate moves with each call.
const STEP: u64 = 32;

/// A running median (Ma, Muthukrishnan and Sandler, "Frugal Streaming", 2013, with relative steps):
/// a step up for each call that took longer, a step down for each that did not. A few calls that
/// hang do not move it, unlike a mean.
///
/// Two threads at once may lose one of two steps, which does not matter.
#[derive(Debug, Default)]
pub(super) struct ServiceTime(AtomicU64);

impl ServiceTime {
    #[inline]
    pub(super) fn learn(&self, took: Duration) {
        let took = nanos(took);
        let median = self.0.load(Ordering::Relaxed);
        let step = (median / STEP).max(1);
        let moved = match median {
            0 => took,
            _ if took > median => (median + step).min(took),
            _ => median.saturating_sub(step).max(took),
        };
        self.0.store(moved, Ordering::Relaxed);
    }

    /// Zero while nothing is known.
    pub(super) fn get(&self) -> Duration {
        Duration::from_nanos(self.0.load(Ordering::Relaxed))
    }
}

#[cfg(test)]
#[cfg(not(loom))]
mod tests {
    use super::*;
    use crate::rng::Rng;

    #[test]
    fn finds_the_median_again_from_anywhere() {
        let (time, mut rng) = (ServiceTime::default(), Rng::new(1));
        time.learn(Duration::from_secs(10));
        for _ in 0..1_000 {
            let hangs = rng.below(10) == 0;
            let took = if hangs { 10_000 } else { 5 + rng.below(10) };
            time.learn(Duration::from_millis(took));
        }
        let median = time.get();
        assert!(
            (Duration::from_millis(8)..Duration::from_millis(13)).contains(&median),
            "{median:?}"
        );
    }
}
