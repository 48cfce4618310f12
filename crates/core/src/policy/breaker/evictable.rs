//! Which breakers may be forgotten.

use std::sync::PoisonError;

use super::circuit_breaker::CircuitBreaker;
use super::counts::Counts;
use super::rules::Rules;
use super::state::State;
use crate::policy::Evictable;
use crate::policy::sync::Mutex;
use crate::time::Timestamp;

/// A closed breaker stays while it is at least half way to open: forgotten, it would begin to count
/// the failures of its key anew, and never open where keys come and go. One with the odd failure that
/// every service has may go. Bad calls in a window by count never leave it by themselves, and hosts
/// that nobody calls any more would take all room for ever; so one whose window has not moved for
/// twice as long as an open one waits, from look to look, may go too. For the same reason one that
/// tripped stays only until nobody has asked it for as long again as it waits; there is no caller then
/// whom it protects. What somebody said by a lever stays.
impl Evictable for CircuitBreaker {
    /// Of calls under way it knows nothing, because counting them would cost every call a write that
    /// all threads share. Where it is forgotten meanwhile, only their results are lost.
    fn is_idle(&self, _now: Timestamp) -> bool {
        true
    }

    fn is_healthy(&self, now: Timestamp) -> bool {
        match self.state() {
            State::Closed => {
                let counts = self.counts(now);
                let stale = || {
                    let wait_ns = self.config().open_wait.as_nanos();
                    let stood_ns = self.seen.since(self.window.position(counts), now);
                    stood_ns >= wait_ns.saturating_mul(2)
                };
                !is_half_way(counts, self.hot.rules()) || stale()
            }
            State::Open => self.hot.open_is_stale(now),
            State::HalfOpen => self.hot.half_open_is_stale(now),
            State::ForcedOpen | State::Disabled | State::MetricsOnly => false,
        }
    }
}

/// Whether the share of bad calls is at least half of what opens it.
const fn is_half_way(counts: Counts, rules: Rules) -> bool {
    const fn reaches(bad: u64, calls: u64, threshold: u64) -> bool {
        bad > 0 && bad * 2 * 1_000_000_000 >= threshold * calls
    }
    reaches(counts.failed, counts.calls, rules.failure_rate)
        || reaches(counts.slow, counts.calls, rules.slow_call_rate)
}

/// Where the window stood when somebody last looked for a breaker to forget, and since when. Calls
/// themselves write no time down: it would cost them a clock.
#[derive(Debug, Default)]
pub(super) struct Seen(Mutex<Option<(u64, Timestamp)>>);

impl Seen {
    /// For how many nanoseconds the window is known to have stood at `position`.
    fn since(&self, position: u64, now: Timestamp) -> u64 {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match *seen {
            Some((at, since)) if at == position => now.as_nanos().saturating_sub(since.as_nanos()),
            _ => {
                *seen = Some((position, now));
                0
            }
        }
    }
}
