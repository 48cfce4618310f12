//! Which breakers may be forgotten.

use super::circuit_breaker::CircuitBreaker;
use super::state::{Phase, State};
use crate::policy::Evictable;
use crate::time::Timestamp;

/// Forgotten may be a closed breaker whose window holds no bad call: a fresh one would do the same.
/// Of calls under way it knows nothing, because counting them would cost every call a write that
/// all threads share; where it is forgotten meanwhile, only their results are lost.
impl Evictable for CircuitBreaker {
    fn is_idle(&self, _now: Timestamp) -> bool {
        let word = self.hot.word();
        let calls = self.hot.window_calls();
        let counts = self.window.latest_counts(word.generation(), calls);
        word.is_closed() && counts.failed == 0 && counts.slow == 0
    }

    fn is_healthy(&self, _now: Timestamp) -> bool {
        self.hot.word().phase() == Phase::In(State::Closed)
    }
}
