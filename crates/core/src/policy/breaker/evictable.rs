//! Which breakers may be forgotten.

use super::circuit_breaker::CircuitBreaker;
use super::state::State;
use crate::policy::Evictable;
use crate::time::Timestamp;

/// What a closed breaker has counted is no reason to keep it: a fresh one counts as much anew, and
/// bad calls in a window by count never leave it by themselves, so hosts that nobody calls any more
/// would take all room for ever. For the same reason one that tripped stays only until nobody has
/// asked it for as long again as it waits; there is no caller then whom it protects. What somebody
/// said by a lever stays.
impl Evictable for CircuitBreaker {
    /// Of calls under way it knows nothing, because counting them would cost every call a write that
    /// all threads share. Where it is forgotten meanwhile, only their results are lost.
    fn is_idle(&self, _now: Timestamp) -> bool {
        true
    }

    fn is_healthy(&self, now: Timestamp) -> bool {
        match self.state() {
            State::Closed => true,
            State::Open => self.hot.open_is_stale(now),
            State::HalfOpen => self.hot.half_open_is_stale(now),
            State::ForcedOpen | State::Disabled | State::MetricsOnly => false,
        }
    }
}
