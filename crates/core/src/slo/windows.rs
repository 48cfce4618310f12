//! All windows of one objective.

use std::time::Duration;

use super::{Count, Ring};
use crate::time::Timestamp;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(86_400);

const FINE_SPAN: Duration = Duration::from_secs(6 * 3_600);
const MIDDLE_SPAN: Duration = Duration::from_secs(3 * 86_400);

/// The longest window of an objective: 90 days.
pub const WINDOW_MAX: Duration = Duration::from_secs(90 * 86_400);

/// The counts of one objective over every window up to [`WINDOW_MAX`].
///
/// Three rings hold the same events with different precision: 10 s over 6 hours, 5 minutes over
/// 3 days, 1 hour over 90 days; about 83 kB when full. A window is answered by the finest ring that
/// is long enough for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Windows {
    fine: Ring,
    middle: Ring,
    coarse: Ring,
}

impl Default for Windows {
    fn default() -> Self {
        Self {
            fine: Ring::new(Self::FINE_WIDTH, FINE_SPAN),
            middle: Ring::new(5 * MINUTE, MIDDLE_SPAN),
            coarse: Ring::new(HOUR, 90 * DAY),
        }
    }
}

impl Windows {
    /// The width of the finest buckets.
    pub const FINE_WIDTH: Duration = Duration::from_secs(10);

    /// Counts events that ended at `now` (wall clock).
    pub fn add(&mut self, now: Timestamp, count: Count) {
        for ring in self.rings_mut() {
            ring.add(now, count);
        }
    }

    /// Everything counted in the last `window`.
    #[must_use]
    pub fn sum(&self, now: Timestamp, window: Duration) -> Count {
        let ring = if window <= FINE_SPAN {
            &self.fine
        } else if window <= MIDDLE_SPAN {
            &self.middle
        } else {
            &self.coarse
        };
        ring.sum(now, window)
    }

    /// The rings, finest first: to be stored.
    #[must_use]
    pub const fn rings(&self) -> [&Ring; 3] {
        [&self.fine, &self.middle, &self.coarse]
    }

    /// The rings, finest first: to be filled from storage, each bucket at the time it began.
    pub const fn rings_mut(&mut self) -> [&mut Ring; 3] {
        [&mut self.fine, &mut self.middle, &mut self.coarse]
    }
}
