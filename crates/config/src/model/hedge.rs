//! When a route asks a second instance.

use super::{Ratio, Span};

/// `hedge` of a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hedge {
    /// `quantile`: requests that are slower than this share of all are hedged. Default 95 %.
    pub quantile: Ratio,
    /// `min_delay`: no hedge sooner. Default 1 ms.
    pub min_delay: Span,
    /// `max_delay`: no hedge later. Default 10 s.
    pub max_delay: Span,
    /// `samples`: answers within 10 s before anything is hedged. Default 100.
    pub samples: u32,
}

impl Default for Hedge {
    fn default() -> Self {
        Self {
            quantile: Ratio::percent(95),
            min_delay: Span::millis(1),
            max_delay: Span::secs(10),
            samples: 100,
        }
    }
}
