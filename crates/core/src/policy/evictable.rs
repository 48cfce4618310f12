//! Whether a policy may be forgotten.

use super::prioritizer::PeerLevel;
use super::{AdaptiveThrottler, Criticality, Level, RateLimiter, RetryBudget};
use crate::time::Timestamp;

/// A policy that is kept for one of many keys, and may have to make room for another key's.
///
/// What is forgotten starts anew when its key comes back. So only what is both idle and healthy may
/// go: a breaker that is open, a rate that is used up or a limit in use is what policies are kept
/// for, and forgetting it would let a key escape by asking under many others.
pub trait Evictable {
    /// Whether nothing is under way or waits, and nothing is remembered that would be missed.
    fn is_idle(&self, now: Timestamp) -> bool;

    /// Whether it admits calls as a fresh instance would: not open, not forced, not limited further
    /// than it was told.
    fn is_healthy(&self, now: Timestamp) -> bool;
}

/// Idle once all its burst is there again, since a fresh limiter has it too.
impl Evictable for RateLimiter {
    fn is_idle(&self, now: Timestamp) -> bool {
        self.available(now) >= u64::from(self.config().burst)
    }

    fn is_healthy(&self, _now: Timestamp) -> bool {
        true
    }
}

/// Idle once its window is empty.
impl Evictable for AdaptiveThrottler {
    fn is_idle(&self, now: Timestamp) -> bool {
        let requests = |level| self.state(level, now).requests;
        Criticality::ALL
            .into_iter()
            .all(|level| requests(level) == 0)
    }

    fn is_healthy(&self, now: Timestamp) -> bool {
        let rejects = |level| self.rejection(level, now) > 0.0;
        !Criticality::ALL.into_iter().any(rejects)
    }
}

/// Idle once its window is empty; not healthy while it is suspended.
impl Evictable for RetryBudget {
    fn is_idle(&self, now: Timestamp) -> bool {
        let state = self.state(now);
        state.deposits == 0 && state.withdrawals == 0
    }

    fn is_healthy(&self, _now: Timestamp) -> bool {
        !self.is_suspended()
    }
}

/// Stays while it keeps calls from a service that is known to refuse them.
impl Evictable for PeerLevel {
    fn is_idle(&self, _now: Timestamp) -> bool {
        true
    }

    fn is_healthy(&self, now: Timestamp) -> bool {
        self.level(now) == Level::ALL
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::time::Duration;

    use super::super::{AdaptiveLimiter, Bulkhead, Outcome, Permit, RequestMeta};
    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_000);

    fn may_go(policy: &impl Evictable, now: Timestamp) -> bool {
        policy.is_idle(now) && policy.is_healthy(now)
    }

    #[test]
    fn a_bulkhead_in_use_stays() {
        let bulkhead = Bulkhead::default();
        assert!(may_go(&bulkhead, NOW));
        let permit = Permit::acquire(&bulkhead, &RequestMeta::default(), NOW).unwrap();
        assert!(!may_go(&bulkhead, NOW));
        drop(permit);
        assert!(may_go(&bulkhead, NOW));
    }

    #[test]
    fn a_rate_that_was_used_stays_until_a_fresh_one_would_give_no_more() {
        let limiter = RateLimiter::default();
        assert!(may_go(&limiter, NOW));
        let permit = Permit::acquire(&limiter, &RequestMeta::default(), NOW).unwrap();
        permit.settle(Outcome::Success, NOW);
        assert!(!may_go(&limiter, NOW));
        let mut later = NOW;
        while !may_go(&limiter, later) {
            later = later + Duration::from_millis(1);
            assert!(later < NOW + Duration::from_secs(1));
        }
        let available = u64::from(limiter.config().burst);
        assert_eq!(limiter.available(later), available);
    }

    #[test]
    fn a_window_that_is_not_empty_stays() {
        let (throttler, budget) = (AdaptiveThrottler::default(), RetryBudget::default());
        assert!(may_go(&throttler, NOW) && may_go(&budget, NOW));
        let permit = Permit::acquire(&throttler, &RequestMeta::default(), NOW).unwrap();
        permit.settle(Outcome::Success, NOW);
        budget.deposit(NOW);
        assert!(!may_go(&throttler, NOW) && !may_go(&budget, NOW));
        let later = NOW + Duration::from_secs(3_600);
        assert!(may_go(&throttler, later) && may_go(&budget, later));
        budget.suspend(true);
        assert!(!may_go(&budget, later));
    }

    #[test]
    fn a_throttler_that_throttles_is_not_healthy() {
        let throttler = AdaptiveThrottler::default();
        for _ in 0..50 {
            let permit = Permit::acquire(&throttler, &RequestMeta::default(), NOW);
            if let Ok(permit) = permit {
                permit.settle(Outcome::Failure, NOW);
            }
        }
        assert!(!throttler.is_healthy(NOW));
    }

    #[test]
    fn what_a_service_said_of_itself_is_kept_while_it_holds() {
        let peer = PeerLevel::default();
        assert!(may_go(&peer, NOW));
        peer.learn(Level::of_bits(Level::ALL.bits() + 1), NOW);
        assert!(!may_go(&peer, NOW));
        assert!(may_go(&peer, NOW + Duration::from_secs(3_600)));
    }

    #[test]
    fn a_limit_that_was_lowered_stays_while_calls_come() {
        let limiter = AdaptiveLimiter::default();
        let initial = limiter.config().initial_limit;
        let mut now = NOW;
        while limiter.limit() >= initial {
            now = now + Duration::from_millis(10);
            assert!(now < NOW + Duration::from_secs(60), "failures lower it");
            let permit = Permit::acquire(&limiter, &RequestMeta::default(), now).unwrap();
            assert!(!limiter.is_idle(now));
            permit.settle(Outcome::Failure, now);
        }
        assert!(limiter.is_idle(now) && !limiter.is_healthy(now));
        assert!(
            limiter.is_healthy(now + Duration::from_secs(31)),
            "nobody called"
        );
    }
}
