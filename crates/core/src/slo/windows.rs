use std::time::Duration;

use super::ring::{Counts, Ring};
use crate::time::{Timestamp, nanos};

/// An objective's window is at most 90 d.
pub const WINDOW_MAX: Duration = Duration::from_secs(90 * 86_400);

/// The windows of burn rates, with their names.
pub const BURN_WINDOWS: [(&str, Duration); 7] = [
    ("5m", Duration::from_secs(300)),
    ("30m", Duration::from_secs(1_800)),
    ("1h", Duration::from_secs(3_600)),
    ("2h", Duration::from_secs(7_200)),
    ("6h", Duration::from_secs(21_600)),
    ("1d", Duration::from_secs(86_400)),
    ("3d", Duration::from_secs(259_200)),
];

/// The three rings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Resolution {
    /// 10 s buckets for 6 h.
    Fine,
    /// 5 min buckets for 3 d.
    Middle,
    /// 1 h buckets for 90 d.
    Coarse,
}

impl Resolution {
    /// All three, finest first.
    pub const ALL: [Self; 3] = [Self::Fine, Self::Middle, Self::Coarse];

    /// The width of a bucket.
    #[must_use]
    pub const fn width(self) -> Duration {
        match self {
            Self::Fine => Duration::from_secs(10),
            Self::Middle => Duration::from_secs(300),
            Self::Coarse => Duration::from_secs(3_600),
        }
    }

    /// How many buckets there are.
    #[must_use]
    pub const fn buckets(self) -> usize {
        match self {
            Self::Fine => 6 * 360,
            Self::Middle => 3 * 288,
            Self::Coarse => 90 * 24,
        }
    }

    /// The finest ring that covers `window`.
    #[must_use]
    pub fn for_window(window: Duration) -> Self {
        let covers = |resolution: &Self| {
            nanos(window).div_ceil(nanos(resolution.width())) <= resolution.buckets() as u64
        };
        Self::ALL.into_iter().find(covers).unwrap_or(Self::Coarse)
    }
}

/// The events of one objective over the last 90 d, in three resolutions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Windows {
    fine: Ring,
    middle: Ring,
    coarse: Ring,
}

impl Default for Windows {
    fn default() -> Self {
        let ring = |resolution: Resolution| Ring::new(resolution.width(), resolution.buckets());
        Self {
            fine: ring(Resolution::Fine),
            middle: ring(Resolution::Middle),
            coarse: ring(Resolution::Coarse),
        }
    }
}

impl Windows {
    /// Counts events.
    pub fn add(&mut self, now: Timestamp, counts: Counts) {
        self.fine.add(now, counts);
        self.middle.add(now, counts);
        self.coarse.add(now, counts);
    }

    /// The events within `window` before `now`: exact to one bucket of the finest ring that covers
    /// it, the bucket under way included.
    #[must_use]
    pub fn sum(&self, now: Timestamp, window: Duration) -> Counts {
        let resolution = Resolution::for_window(window);
        let buckets = nanos(window).div_ceil(nanos(resolution.width()));
        self.ring(resolution).sum(now, buckets)
    }

    /// One of the rings.
    #[must_use]
    pub const fn ring(&self, resolution: Resolution) -> &Ring {
        match resolution {
            Resolution::Fine => &self.fine,
            Resolution::Middle => &self.middle,
            Resolution::Coarse => &self.coarse,
        }
    }

    /// One of the rings, to be filled from disk.
    pub const fn ring_mut(&mut self, resolution: Resolution) -> &mut Ring {
        match resolution {
            Resolution::Fine => &mut self.fine,
            Resolution::Middle => &mut self.middle,
            Resolution::Coarse => &mut self.coarse,
        }
    }
}
