//! Passive health: when live traffic takes an endpoint out of rotation, and for how long.
//!
//! Consecutive failures eject. The n-th ejection lasts n times the base, and the count falls again
//! while the endpoint behaves. After an ejection the endpoint is on probation: the first failure
//! ejects again, the first success ends it. Guards: the last endpoint is never ejected, one of two
//! or more always may be, and never more than a share of the service at once.

use std::time::Duration;

use crate::time::Timestamp;

/// The rules of one service.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EjectionRules {
    /// Consecutive failures that eject; 0 turns ejection off.
    pub failures: u32,
    /// The first ejection lasts so long, the n-th n times as long.
    pub base: Duration,
    /// No ejection lasts longer. So long without an ejection takes one off the count.
    pub max: Duration,
    /// The share of a service's endpoints that may be ejected at once, 0 to 1.
    pub max_share: f64,
}

/// What an answer says about the endpoint that gave it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Testimony {
    /// It works.
    For,
    /// It fails.
    Against,
    /// It refused something that the request asked for: whoever sends such requests could
    /// otherwise eject every endpoint. Nor does that answer excuse other failures, or count as a
    /// fast one.
    Neither,
}

impl Testimony {
    /// That of a status (RFC 9110, section 15): 501 is about the method, 505 about the version of
    /// the request.
    #[must_use]
    pub const fn of(status: u16) -> Self {
        match status {
            501 | 505 => Self::Neither,
            500.. => Self::Against,
            _ => Self::For,
        }
    }
}

/// The endpoints of the service at the moment of a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolState {
    /// Endpoints that may take traffic but for ejections, this one included.
    pub admitted: usize,
    /// Of these: ejected now.
    pub ejected: usize,
}

/// What is held against one endpoint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EndpointHealth {
    streak: u32,
    times: u32,
    until: Option<Timestamp>,
    probation: bool,
    settled: Timestamp,
}

impl EjectionRules {
    /// Whether one more endpoint of the pool may be ejected.
    #[must_use]
    pub fn may_eject(&self, pool: PoolState) -> bool {
        if self.failures == 0 || pool.admitted < 2 || pool.ejected + 1 >= pool.admitted {
            return false;
        }
        pool.ejected < self.allowed(pool.admitted)
    }

    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share between 0 and 1 of a number of endpoints far below 2^53"
    )]
    fn allowed(&self, admitted: usize) -> usize {
        ((admitted as f64 * self.max_share.clamp(0.0, 1.0)) as usize).max(1)
    }
}

impl EndpointHealth {
    /// Consecutive failures so far.
    #[must_use]
    pub const fn streak(&self) -> u32 {
        self.streak
    }

    /// Whether nothing is held against the endpoint, so that a success changes nothing.
    #[must_use]
    pub const fn is_clear(&self) -> bool {
        self.streak == 0 && !self.probation
    }

    /// Until when it is ejected, if it is.
    #[must_use]
    pub fn ejected_until(&self, now: Timestamp) -> Option<Timestamp> {
        self.until.filter(|until| now < *until)
    }

    /// An attempt succeeded.
    pub const fn succeed(&mut self) {
        self.streak = 0;
        self.probation = false;
    }

    /// An attempt failed. Returns how long the endpoint is ejected, if it is from now on.
    pub fn fail(
        &mut self,
        now: Timestamp,
        rules: &EjectionRules,
        pool: PoolState,
    ) -> Option<Duration> {
        self.streak = self.streak.saturating_add(1);
        if self.ejected_until(now).is_some() || !rules.may_eject(pool) {
            return None;
        }
        if self.streak < rules.failures && !self.probation {
            return None;
        }
        self.forget(now, rules);
        self.times = self.times.saturating_add(1);
        let lasts = rules.base.saturating_mul(self.times).min(rules.max);
        self.until = Some(now + lasts);
        self.settled = now + lasts;
        Some(lasts)
    }

    /// Ends an ejection that is over by `now`, or any if `forced` (no other endpoint is left).
    /// Returns whether one ended.
    pub fn readmit(&mut self, now: Timestamp, forced: bool) -> bool {
        match self.until {
            Some(until) if forced || now >= until => {
                self.until = None;
                self.streak = 0;
                self.probation = true;
                self.settled = now;
                true
            }
            _ => false,
        }
    }

    /// Takes one off the count for each `max` of good behaviour since the last ejection ended.
    fn forget(&mut self, now: Timestamp, rules: &EjectionRules) {
        let step = rules.max.max(Duration::from_millis(1)).as_nanos();
        let steps = now.since(self.settled).as_nanos() / step;
        self.times = self
            .times
            .saturating_sub(u32::try_from(steps).unwrap_or(u32::MAX));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const RULES: EjectionRules = EjectionRules {
        failures: 3,
        base: Duration::from_secs(1),
        max: Duration::from_secs(3),
        max_share: 0.5,
    };
    const PAIR: PoolState = PoolState {
        admitted: 2,
        ejected: 0,
    };

    #[test]
    fn statuses_about_the_request_say_nothing() {
        let of = |status| Testimony::of(status);
        for works in [200, 304, 404, 429, 499] {
            assert_eq!(of(works), Testimony::For, "{works}");
        }
        for fails in [500, 502, 503, 504, 507, 599] {
            assert_eq!(of(fails), Testimony::Against, "{fails}");
        }
        assert_eq!((of(501), of(505)), (Testimony::Neither, Testimony::Neither));
    }

    #[test]
    fn ejects_after_consecutive_failures_only() {
        let now = Timestamp::from_secs(1);
        let mut health = EndpointHealth::default();
        assert_eq!(health.fail(now, &RULES, PAIR), None);
        assert_eq!(health.fail(now, &RULES, PAIR), None);
        health.succeed();
        assert_eq!(health.fail(now, &RULES, PAIR), None);
        assert_eq!(health.fail(now, &RULES, PAIR), None);
        assert_eq!(health.fail(now, &RULES, PAIR), Some(RULES.base));
        assert_eq!(health.ejected_until(now), Some(now + RULES.base));
    }

    #[test]
    fn probation_ejects_at_once_and_longer_each_time() {
        let mut now = Timestamp::from_secs(1);
        let mut health = EndpointHealth::default();
        let mut lasted = Vec::new();
        for _ in 0..5 {
            let lasts = loop {
                if let Some(lasts) = health.fail(now, &RULES, PAIR) {
                    break lasts;
                }
            };
            lasted.push(lasts.as_secs());
            now = now + lasts;
            assert!(health.readmit(now, false));
        }
        assert_eq!(lasted, [1, 2, 3, 3, 3]);
        health.succeed();
        assert_eq!(
            health.fail(now, &RULES, PAIR),
            None,
            "a success ends probation"
        );
        let later = now + 10 * RULES.max;
        health.fail(later, &RULES, PAIR);
        assert_eq!(
            health.fail(later, &RULES, PAIR),
            Some(RULES.base),
            "good behaviour is rewarded"
        );
    }

    #[test]
    fn guards() {
        let state = |admitted, ejected| PoolState { admitted, ejected };
        assert!(!RULES.may_eject(state(1, 0)), "the last one never");
        assert!(RULES.may_eject(state(2, 0)), "one of two always");
        assert!(RULES.may_eject(state(3, 0)));
        assert!(!RULES.may_eject(state(3, 1)), "half of three is one");
        assert!(RULES.may_eject(state(4, 1)));
        let small = EjectionRules {
            max_share: 0.1,
            ..RULES
        };
        assert!(
            small.may_eject(state(3, 0)),
            "a small share does not protect one of three"
        );
        let off = EjectionRules {
            failures: 0,
            ..RULES
        };
        assert!(!off.may_eject(state(9, 0)));
    }

    #[test]
    fn forced_readmission() {
        let now = Timestamp::from_secs(1);
        let mut health = EndpointHealth::default();
        while health.fail(now, &RULES, PAIR).is_none() {}
        assert!(!health.readmit(now, false));
        assert!(health.readmit(now, true));
        assert_eq!(health.ejected_until(now), None);
    }

    proptest! {
        #[test]
        fn someone_always_serves(
            count in 1usize..8,
            share in 0.0f64..1.5,
            steps in prop::collection::vec((0usize..8, any::<bool>(), 0u64..2_000), 1..300),
        ) {
            let rules = EjectionRules { max_share: share, ..RULES };
            let mut all = vec![EndpointHealth::default(); count];
            let mut now = Timestamp::ZERO;
            for (who, fails, ms) in steps {
                now = now + Duration::from_millis(ms);
                for health in &mut all {
                    health.readmit(now, false);
                }
                let ejected = all.iter().filter(|h| h.ejected_until(now).is_some()).count();
                let who = &mut all[who % count];
                if fails {
                    if let Some(lasts) = who.fail(now, &rules, PoolState { admitted: count, ejected }) {
                        prop_assert!(lasts >= rules.base && lasts <= rules.max);
                    }
                } else {
                    who.succeed();
                }
                let ejected = all.iter().filter(|h| h.ejected_until(now).is_some()).count();
                prop_assert!(ejected < count);
            }
        }
    }
}
