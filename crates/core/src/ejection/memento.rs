//! What is held against an endpoint, for whoever judges it next.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::health::Standing;
use super::{EjectionRules, EndpointHealth};
use crate::time::Timestamp;

/// What is held against an endpoint, without a clock: times are those that passed and those that are
/// left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HealthMemento {
    /// Consecutive failures, and how many of them in a row were of the gateway's kind.
    streak: u32,
    gateway_streak: u32,
    /// Ejections that are not forgotten yet.
    times: u32,
    standing: StandingMemento,
    /// When its last ejection ended, or will have.
    settled: Moment,
}

/// A time as others know it: so long ago, or in so long.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Moment {
    ago: Duration,
    ahead: Duration,
}

impl Moment {
    const fn of(at: Timestamp, now: Timestamp) -> Self {
        Self {
            ago: now.since(at),
            ahead: at.since(now),
        }
    }

    /// On another clock; no later than `max` from now on.
    fn at(self, now: Timestamp, max: Duration) -> Timestamp {
        now - self.ago + self.ahead.min(max)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum StandingMemento {
    In,
    Ejected {
        lasted: Duration,
        left: Duration,
    },
    Canary {
        lasted: Duration,
        over: Moment,
        good: u32,
    },
}

impl HealthMemento {
    /// Whether it says nothing at all.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        self.streak == 0 && self.times == 0 && self.standing == StandingMemento::In
    }

    /// Whether it is of an endpoint out of rotation: ejected, or tried by canaries only.
    #[must_use]
    pub fn is_out(&self) -> bool {
        self.standing != StandingMemento::In
    }
}

impl EndpointHealth {
    /// All of it, for another process.
    #[must_use]
    pub fn memento(&self, now: Timestamp) -> HealthMemento {
        HealthMemento {
            streak: self.streak,
            gateway_streak: self.gateway_streak,
            times: self.times,
            standing: match self.standing {
                Standing::In => StandingMemento::In,
                Standing::Out { since, until } => StandingMemento::Ejected {
                    lasted: now.since(since),
                    left: until.since(now),
                },
                Standing::Canary { since, over, good } => StandingMemento::Canary {
                    lasted: now.since(since),
                    over: Moment::of(over, now),
                    good,
                },
            },
            settled: Moment::of(self.settled, now),
        }
    }

    /// What a memento says, from `now` on. No ejection lasts longer than `rules` allow, and where they
    /// eject nobody nothing is held against it.
    #[must_use]
    pub fn restore(memento: &HealthMemento, now: Timestamp, rules: &EjectionRules) -> Self {
        if !rules.is_on() {
            return Self::default();
        }
        let standing = match memento.standing {
            StandingMemento::In => Standing::In,
            StandingMemento::Ejected { lasted, left } => Standing::Out {
                since: now - lasted,
                until: now + left.min(rules.max),
            },
            StandingMemento::Canary { lasted, over, good } => Standing::Canary {
                since: now - lasted,
                over: over.at(now, rules.max),
                good: good.min(EjectionRules::CANARIES - 1),
            },
        };
        Self {
            streak: memento.streak,
            gateway_streak: memento.gateway_streak,
            times: memento.times,
            standing,
            settled: memento.settled.at(now, rules.max),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::health::tests::RULES;
    use super::super::{Grade, PoolState};
    use super::*;

    /// What happens to an endpoint, as a number.
    fn step(health: &mut EndpointHealth, what: u8, now: Timestamp) -> String {
        let pool = PoolState {
            admitted: 3,
            ejected: usize::from(what >= 24),
        };
        let turn = match what % 8 {
            0 => health.fail(now, Grade::Gateway, &RULES, pool),
            1 | 2 => health.fail(now, Grade::Error, &RULES, pool),
            3 => health.succeed(now, false, &RULES, pool),
            4 => health.succeed(now, true, &RULES, pool),
            5 => health.convict(now, &RULES, pool),
            6 => health.return_ready(now, &RULES),
            _ => health.pass(now, what >= 16, &RULES),
        };
        let out = health.ejected_until().map(|until| until.since(now));
        let over = health.over().since(now);
        format!("{turn:?} {out:?} {} {over:?}", health.is_canary())
    }

    fn carried(memento: &HealthMemento) -> HealthMemento {
        let text = serde_json::to_string(memento).unwrap();
        serde_json::from_str(&text).unwrap()
    }

    proptest! {
        /// Whatever happened before and happens after, on whatever clock: nobody could tell the two
        /// apart, so the one lets nothing through that the other would not.
        #[test]
        fn it_goes_on_as_if_nothing_had_been(
            before in prop::collection::vec((0_u8..32, 0_u64..3_000), 0..60),
            after in prop::collection::vec((0_u8..32, 0_u64..3_000), 1..60),
            origin in 100_000_u64..1_000_000,
        ) {
            let mut one = EndpointHealth::default();
            let mut now = Timestamp::from_secs(500_000);
            for (what, ms) in before {
                now = now + Duration::from_millis(ms);
                step(&mut one, what, now);
            }
            let mut elsewhere = Timestamp::from_secs(origin);
            let memento = carried(&one.memento(now));
            prop_assert_eq!(memento.is_out(), one.ejected_until().is_some() || one.is_canary());
            let mut other = EndpointHealth::restore(&memento, elsewhere, &RULES);
            for (what, ms) in after {
                let passes = Duration::from_millis(ms);
                (now, elsewhere) = (now + passes, elsewhere + passes);
                prop_assert_eq!(step(&mut one, what, now), step(&mut other, what, elsewhere));
            }
        }

        /// A memento that nobody wrote ejects nobody for longer than the rules, or for ever.
        #[test]
        fn nothing_that_it_says_lasts(
            numbers: [u32; 4],
            times in prop::array::uniform6((any::<u64>(), 0_u32..1_000_000_000)),
            standing in 0..3,
        ) {
            let [lasted, left, ago, ahead, since, over] =
                times.map(|(s, ns)| Duration::new(s, ns));
            let [streak, gateway_streak, ejected, good] = numbers;
            let memento = HealthMemento {
                streak,
                gateway_streak,
                times: ejected,
                standing: match standing {
                    0 => StandingMemento::In,
                    1 => StandingMemento::Ejected { lasted, left },
                    _ => StandingMemento::Canary {
                        lasted,
                        over: Moment { ago: since, ahead: over },
                        good,
                    },
                },
                settled: Moment { ago, ahead },
            };
            let now = Timestamp::from_secs(1_000_000);
            let mut health = EndpointHealth::restore(&carried(&memento), now, &RULES);
            health.pass(now + RULES.max, false, &RULES);
            health.pass(now + RULES.max * 2, false, &RULES);
            prop_assert!(health.ejected_until().is_none() && !health.is_canary());
        }
    }

    #[test]
    fn blank_is_what_nothing_is_held_against() {
        let now = Timestamp::from_secs(9);
        let mut health = EndpointHealth::default();
        assert!(health.memento(now).is_blank());
        let pool = PoolState {
            admitted: 2,
            ejected: 0,
        };
        health.convict(now, &RULES, pool);
        let memento = health.memento(now);
        assert!(!memento.is_blank() && memento.is_out());
        let off = EjectionRules {
            failures: 0,
            ..RULES
        };
        let restored = EndpointHealth::restore(&memento, now, &off);
        assert!(restored.is_clear());
    }
}
