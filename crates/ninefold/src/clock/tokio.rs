//! The timers of tokio.

use ninefold_core::policy::Now;
use ninefold_core::time::Timestamp;
use tokio::task::coop::{Unconstrained, unconstrained};

use super::{Time, instant};

/// tokio's clock and timers, on the scale of [`PreciseClock`](super::PreciseClock). Follows
/// `tokio::time::pause` where a test uses that. Sleeping needs a runtime with timers.
#[derive(Clone, Copy, Debug, Default)]
pub struct TokioTime;

impl TokioTime {
    /// A moment of the runtime on the scale of all clocks here.
    #[inline]
    #[must_use]
    pub fn at(instant: tokio::time::Instant) -> Timestamp {
        instant::at(instant.into_std())
    }
}

impl Now for TokioTime {
    #[inline]
    fn now(&self) -> Timestamp {
        Self::at(tokio::time::Instant::now())
    }
}

impl Time for TokioTime {
    // A call that uses up its task's share of the runtime on every poll would otherwise leave none
    // for the timer beside it, and its time limit would never come.
    type Sleep = Unconstrained<tokio::time::Sleep>;

    fn sleep_until(&self, deadline: Timestamp) -> Self::Sleep {
        unconstrained(tokio::time::sleep_until(instant::of(deadline).into()))
    }
}
