//! What is held against one endpoint: in rotation, ejected, or tried by canaries.

use std::time::Duration;

use super::{EjectionRules, PoolState};
use crate::time::Timestamp;

/// How a failed attempt failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grade {
    /// The endpoint answered with an error of its own.
    Error,
    /// It could not be reached, broke off, did not answer in time, or said 502 to 504.
    Gateway,
}

/// What changes for an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// It is ejected, for so long.
    Ejected(Duration),
    /// It is back in rotation.
    Back,
}

/// What is held against one endpoint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EndpointHealth {
    pub(super) streak: u32,
    pub(super) gateway_streak: u32,
    pub(super) times: u32,
    pub(super) standing: Standing,
    pub(super) settled: Timestamp,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Standing {
    #[default]
    In,
    Out {
        since: Timestamp,
        until: Timestamp,
    },
    Canary {
        since: Timestamp,
        /// When its ejection is over: until then only those try it who lose nothing by it.
        over: Timestamp,
        good: u32,
    },
}

impl EndpointHealth {
    /// Consecutive failures so far, and how many of them in a row were of the gateway's kind.
    #[must_use]
    pub const fn streaks(&self) -> (u32, u32) {
        (self.streak, self.gateway_streak)
    }

    /// Whether nothing is held against the endpoint, so that a success changes nothing.
    #[must_use]
    pub const fn is_clear(&self) -> bool {
        self.streak == 0 && matches!(self.standing, Standing::In)
    }

    /// Until when it is ejected, if it is.
    #[must_use]
    pub const fn ejected_until(&self) -> Option<Timestamp> {
        match self.standing {
            Standing::Out { until, .. } => Some(until),
            Standing::In | Standing::Canary { .. } => None,
        }
    }

    /// Whether only canaries may try it.
    #[must_use]
    pub const fn is_canary(&self) -> bool {
        matches!(self.standing, Standing::Canary { .. })
    }

    /// From when on requests may try it that could come to harm by that. Those that could not may do so
    /// as soon as there are canaries.
    #[must_use]
    pub const fn over(&self) -> Timestamp {
        match self.standing {
            Standing::Canary { over, .. } => over,
            Standing::In | Standing::Out { .. } => Timestamp::ZERO,
        }
    }

    /// An attempt succeeded; `slow` says whether it took longer than its peers may.
    pub fn succeed(
        &mut self,
        now: Timestamp,
        slow: bool,
        rules: &EjectionRules,
        pool: PoolState,
    ) -> Option<Turn> {
        self.streak = 0;
        self.gateway_streak = 0;
        let Standing::Canary { good, .. } = &mut self.standing else {
            return None;
        };
        if slow {
            let again = rules.may_eject(pool);
            return again.then(|| Turn::Ejected(self.eject(now, rules)));
        }
        *good += 1;
        (*good >= EjectionRules::CANARIES).then(|| self.back(now))
    }

    /// An attempt failed.
    pub fn fail(
        &mut self,
        now: Timestamp,
        grade: Grade,
        rules: &EjectionRules,
        pool: PoolState,
    ) -> Option<Turn> {
        self.streak = self.streak.saturating_add(1);
        self.gateway_streak = match grade {
            Grade::Gateway => self.gateway_streak.saturating_add(1),
            Grade::Error => 0,
        };
        let gateway = rules.gateway_failures > 0 && self.gateway_streak >= rules.gateway_failures;
        let enough = match self.standing {
            Standing::In => gateway || self.streak >= rules.failures,
            Standing::Canary { .. } => true,
            Standing::Out { .. } => false,
        };
        (enough && rules.may_eject(pool)).then(|| Turn::Ejected(self.eject(now, rules)))
    }

    /// Its peers convict it.
    pub fn convict(
        &mut self,
        now: Timestamp,
        rules: &EjectionRules,
        pool: PoolState,
    ) -> Option<Turn> {
        let may = matches!(self.standing, Standing::In) && rules.may_eject(pool);
        may.then(|| Turn::Ejected(self.eject(now, rules)))
    }

    /// Nobody else is left: it takes traffic again, whatever is held against it.
    pub fn release(&mut self, now: Timestamp) -> Option<Turn> {
        if self.standing == Standing::In {
            return None;
        }
        self.streak = 0;
        self.gateway_streak = 0;
        Some(self.back(now))
    }

    /// Time passed: an ejection that has lasted for `base` gives way to canaries, or any if `hurried`,
    /// because the guard allows it no longer. Canaries end too, `max` after the ejection is over,
    /// without a complaint: without traffic nobody would ever acquit.
    pub fn pass(&mut self, now: Timestamp, hurried: bool, rules: &EjectionRules) -> Option<Turn> {
        match self.standing {
            Standing::Out { since, until } if hurried || now >= until.min(since + rules.base) => {
                self.streak = 0;
                self.gateway_streak = 0;
                self.standing = Standing::Canary {
                    since: now,
                    over: if hurried { now } else { until },
                    good: 0,
                };
                None
            }
            Standing::Canary { since, over, .. } if now.since(since.max(over)) >= rules.max => {
                Some(self.back(now))
            }
            Standing::Canary { over, .. } if hurried && now < over => {
                self.end_early(now);
                None
            }
            Standing::Canary { .. } | Standing::Out { .. } | Standing::In => None,
        }
    }

    /// It was not ready, and is again: what it was ejected for has probably ended with that, so anybody
    /// may try it once its ejection has lasted for `base`. What it did before is not forgotten: one
    /// that is still broken is ejected for twice as long as the last time.
    pub fn return_ready(&mut self, now: Timestamp, rules: &EjectionRules) -> Option<Turn> {
        if let Standing::Out { since, until } = &mut self.standing {
            *until = (*until).min(*since + rules.base);
        }
        self.end_early(now);
        self.pass(now, false, rules)
    }

    /// Anybody may try it from now on, if only some could.
    fn end_early(&mut self, now: Timestamp) {
        if let Standing::Canary { over, .. } = &mut self.standing {
            *over = (*over).min(now);
        }
    }

    fn back(&mut self, now: Timestamp) -> Turn {
        self.standing = Standing::In;
        self.settled = now;
        Turn::Back
    }

    fn eject(&mut self, now: Timestamp, rules: &EjectionRules) -> Duration {
        if matches!(self.standing, Standing::In) {
            self.forget(now, rules);
        }
        self.times = self.times.saturating_add(1);
        let doublings = (self.times - 1).min(31);
        let lasts = rules.base.saturating_mul(1 << doublings).min(rules.max);
        self.standing = Standing::Out {
            since: now,
            until: now + lasts,
        };
        self.settled = now + lasts;
        lasts
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
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::ejection::Risk;

    pub(in crate::ejection) const RULES: EjectionRules = EjectionRules {
        failures: 3,
        gateway_failures: 0,
        latency: None,
        success: None,
        base: Duration::from_secs(1),
        max: Duration::from_secs(5),
        max_share: 0.5,
        canary: 0.1,
    };
    const PAIR: PoolState = PoolState {
        admitted: 2,
        ejected: 0,
    };
    const OUT: Option<Turn> = Some(Turn::Ejected(Duration::from_secs(1)));

    fn err(health: &mut EndpointHealth, now: Timestamp) -> Option<Turn> {
        health.fail(now, Grade::Error, &RULES, PAIR)
    }

    fn ok(health: &mut EndpointHealth, now: Timestamp, slow: bool) -> Option<Turn> {
        health.succeed(now, slow, &RULES, PAIR)
    }

    #[test]
    fn ejects_after_consecutive_failures_only() {
        let now = Timestamp::from_secs(1);
        let mut health = EndpointHealth::default();
        assert_eq!((err(&mut health, now), err(&mut health, now)), (None, None));
        assert_eq!(ok(&mut health, now, true), None);
        assert_eq!((err(&mut health, now), err(&mut health, now)), (None, None));
        assert_eq!(err(&mut health, now), OUT);
        assert_eq!(health.ejected_until(), Some(now + RULES.base));
    }

    #[test]
    fn failures_of_the_gateways_kind_eject_sooner() {
        let now = Timestamp::from_secs(1);
        let rules = EjectionRules {
            gateway_failures: 2,
            ..RULES
        };
        let mut health = EndpointHealth::default();
        let grades = [Grade::Gateway, Grade::Error, Grade::Gateway];
        let turns = grades.map(|grade| health.fail(now, grade, &RULES, PAIR));
        assert_eq!(turns, [None, None, OUT], "three in a row of any kind");
        let mut health = EndpointHealth::default();
        assert_eq!(health.fail(now, Grade::Gateway, &rules, PAIR), None);
        assert_eq!(health.fail(now, Grade::Gateway, &rules, PAIR), OUT);
    }

    #[test]
    fn canaries_readmit_after_some_good_answers() {
        let mut health = EndpointHealth::default();
        let now = Timestamp::from_secs(1);
        assert_eq!(health.convict(now, &RULES, PAIR), OUT);
        assert_eq!(health.pass(now + RULES.base / 2, false, &RULES), None);
        assert!(!health.is_canary(), "its time is not over");
        let now = now + RULES.base;
        assert_eq!(health.pass(now, false, &RULES), None);
        assert!(health.is_canary());
        for _ in 1..EjectionRules::CANARIES {
            assert_eq!(ok(&mut health, now, false), None);
        }
        assert_eq!(ok(&mut health, now, false), Some(Turn::Back));
        assert!(health.is_clear());
    }

    #[test]
    fn bad_canaries_eject_for_longer_each_time() {
        let mut now = Timestamp::from_secs(1);
        let mut health = EndpointHealth::default();
        health.convict(now, &RULES, PAIR).unwrap();
        let mut lasted = Vec::new();
        for round in 0..4 {
            now = health.ejected_until().unwrap();
            assert_eq!(health.pass(now, false, &RULES), None);
            let turn = if round % 2 == 0 {
                err(&mut health, now)
            } else {
                ok(&mut health, now, true)
            };
            let Some(Turn::Ejected(lasts)) = turn else {
                panic!("{turn:?}")
            };
            lasted.push(lasts.as_secs());
        }
        assert_eq!(lasted, [2, 4, 5, 5]);
        now = health.ejected_until().unwrap();
        health.pass(now, false, &RULES);
        for _ in 0..EjectionRules::CANARIES {
            ok(&mut health, now, false);
        }
        let later = now + 10 * RULES.max;
        assert_eq!(
            health.convict(later, &RULES, PAIR),
            OUT,
            "good behaviour is rewarded"
        );
    }

    #[test]
    fn canaries_that_risk_something_wait_until_the_ejection_is_over() {
        let mut now = Timestamp::from_secs(1);
        let mut health = EndpointHealth::default();
        health.convict(now, &RULES, PAIR).unwrap();
        for lasts in [1, 2, 4, 5] {
            let over = health.ejected_until().unwrap();
            assert_eq!(over, now + Duration::from_secs(lasts));
            now = now + RULES.base;
            health.pass(now, false, &RULES);
            assert!(health.is_canary());
            assert_eq!(health.over(), over);
            let since = EjectionRules::CANARY_EVERY;
            for (risk, may) in [
                (Risk::None, true),
                (Risk::Delay, lasts == 1),
                (Risk::Failure, lasts == 1),
            ] {
                assert_eq!(RULES.canary_due(1.0, (risk, now >= over), 0, since), may);
            }
            err(&mut health, now).unwrap();
        }
        now = now + RULES.base;
        health.pass(now, false, &RULES);
        assert!(health.over() > now);
        health.pass(now, true, &RULES);
        assert_eq!(health.over(), now, "too many are out");
    }

    #[test]
    fn who_was_not_ready_meanwhile_is_tried_sooner_and_forgiven_nothing() {
        let mut health = EndpointHealth::default();
        let mut now = Timestamp::from_secs(1);
        assert_eq!(health.return_ready(now, &RULES), None);
        assert!(health.is_clear());
        health.convict(now, &RULES, PAIR).unwrap();
        for lasts in [2, 4, 5] {
            now = health.ejected_until().unwrap();
            health.pass(now, false, &RULES);
            let again = Some(Turn::Ejected(Duration::from_secs(lasts)));
            assert_eq!(err(&mut health, now), again);
        }
        assert_eq!(health.return_ready(now + RULES.base / 2, &RULES), None);
        assert!(!health.is_canary(), "not at once");
        assert_eq!(health.ejected_until(), Some(now + RULES.base));
        now = now + RULES.base;
        assert_eq!(health.return_ready(now, &RULES), None);
        assert!(health.is_canary());
        assert_eq!(
            err(&mut health, now),
            Some(Turn::Ejected(Duration::from_secs(5)))
        );
    }

    #[test]
    fn an_endpoint_that_nobody_tries_comes_back_all_the_same() {
        let mut health = EndpointHealth::default();
        let now = Timestamp::from_secs(1);
        health.convict(now, &RULES, PAIR);
        health.pass(now + RULES.base, false, &RULES);
        let over = now + RULES.base + RULES.max;
        assert_eq!(health.pass(over, false, &RULES), Some(Turn::Back));
    }

    #[test]
    fn whoever_is_left_alone_serves_at_once_and_is_not_ejected_again() {
        let now = Timestamp::from_secs(1);
        let mut health = EndpointHealth::default();
        assert_eq!(health.release(now), None);
        health.convict(now, &RULES, PAIR);
        assert_eq!(health.release(now), Some(Turn::Back));
        let alone = PoolState {
            admitted: 1,
            ejected: 0,
        };
        for _ in 0..9 {
            assert_eq!(health.fail(now, Grade::Gateway, &RULES, alone), None);
        }
    }

    #[test]
    fn an_ejection_that_the_guard_forbids_ends_early() {
        let now = Timestamp::from_secs(1);
        let mut health = EndpointHealth::default();
        health.convict(now, &RULES, PAIR);
        assert_eq!(health.pass(now, true, &RULES), None);
        assert!(health.is_canary());
    }

    #[derive(Clone, Copy, Debug)]
    enum Step {
        Fail(Grade),
        Succeed { slow: bool },
        Convict,
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            Just(Step::Fail(Grade::Gateway)),
            Just(Step::Fail(Grade::Error)),
            any::<bool>().prop_map(|slow| Step::Succeed { slow }),
            Just(Step::Convict),
        ]
    }

    proptest! {
        #[test]
        fn someone_always_serves_and_everybody_comes_back(
            count in 1usize..8,
            share in 0.0f64..1.5,
            steps in prop::collection::vec((0usize..8, step(), 0u64..2_000), 1..300),
        ) {
            let rules = EjectionRules { max_share: share, gateway_failures: 2, ..RULES };
            let mut all = vec![EndpointHealth::default(); count];
            let mut now = Timestamp::ZERO;
            let out = |health: &EndpointHealth| {
                health.ejected_until().is_some() || health.is_canary()
            };
            for (who, step, ms) in steps {
                now = now + Duration::from_millis(ms);
                for health in &mut all {
                    health.pass(now, false, &rules);
                }
                let who = who % count;
                let others = all.iter().enumerate().filter(|(index, _)| *index != who);
                let ejected = others.filter(|(_, health)| out(health)).count();
                let pool = PoolState { admitted: count, ejected };
                let turn = match step {
                    Step::Fail(grade) => all[who].fail(now, grade, &rules, pool),
                    Step::Succeed { slow } => all[who].succeed(now, slow, &rules, pool),
                    Step::Convict => all[who].convict(now, &rules, pool),
                };
                if let Some(Turn::Ejected(lasts)) = turn {
                    prop_assert!(lasts >= rules.base && lasts <= rules.max);
                }
                prop_assert!(all.iter().filter(|health| out(health)).count() < count);
            }
            // No ejection outlives its time, and that of the canaries after it.
            now = now + rules.max;
            for health in &mut all {
                health.pass(now, false, &rules);
                health.pass(now + rules.max, false, &rules);
                prop_assert!(!out(health));
            }
        }
    }
}
