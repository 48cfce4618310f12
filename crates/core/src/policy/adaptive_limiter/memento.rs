//! What a limiter has learnt, for the one that takes its place.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::baseline::Baseline;
use super::control::Control;
use super::limiter::AdaptiveLimiter;
use super::window::{as_f64, whole_nanos};
use crate::policy::Now;
use crate::time::Timestamp;

/// What a limiter has learnt, without a clock. A measurement under way is not part of it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct LimiterMemento {
    /// The limit that it found.
    limit: f64,
    /// The latency of an idle service.
    baseline: Option<BaselineMemento>,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct BaselineMemento {
    rtt: Duration,
    /// Whether it was measured with fewer calls, not only seen.
    verified: bool,
    /// Below this it began to rise, so long ago.
    floor: Duration,
    floor_age: Duration,
}

impl AdaptiveLimiter {
    /// What another one has to know to go on in its place.
    #[must_use]
    pub fn memento(&self, now: impl Now) -> LimiterMemento {
        self.control().memento(now.now())
    }

    /// Goes on from what another one has learnt. The limit is one that its own configuration allows;
    /// the next windows judge it as any other, and a baseline that is too high sinks with them.
    pub fn restore(&self, memento: &LimiterMemento, now: impl Now) {
        let mut control = self.control();
        let orders = control.restore(memento, now.now());
        self.adopt(orders);
    }
}

impl Control {
    fn memento(&self, now: Timestamp) -> LimiterMemento {
        LimiterMemento {
            limit: self.limit,
            baseline: self.baseline.memento(now),
        }
    }
}

impl Baseline {
    fn memento(&self, now: Timestamp) -> Option<BaselineMemento> {
        let rtt = self.rtt?;
        Some(BaselineMemento {
            rtt: Duration::from_nanos(whole_nanos(rtt)),
            verified: self.verified,
            floor: Duration::from_nanos(whole_nanos(self.floor)),
            floor_age: now.since(self.floor_since),
        })
    }

    pub(super) fn restored(memento: &LimiterMemento, now: Timestamp) -> Self {
        let mut baseline = Self::new();
        if let Some(known) = &memento.baseline {
            let rtt = as_f64(known.rtt).max(1.0);
            baseline.rtt = Some(rtt);
            baseline.verified = known.verified;
            baseline.floor = as_f64(known.floor).min(rtt);
            baseline.floor_since = now - known.floor_age;
        }
        baseline
    }
}

impl LimiterMemento {
    /// Whether anything was measured.
    #[must_use]
    pub const fn is_learnt(&self) -> bool {
        self.baseline.is_some()
    }

    pub(super) fn limit(&self) -> Option<f64> {
        Some(self.limit).filter(|limit| limit.is_finite())
    }
}

#[cfg(test)]
#[cfg(not(loom))]
mod tests {
    use super::super::AdaptiveLimiterConfig;
    use super::super::simulation::World;
    use super::super::tests::{IDLE_MS, WEATHER, baseline_ms, limit, with};
    use super::*;

    fn carried(memento: &LimiterMemento) -> LimiterMemento {
        let text = serde_json::to_string(memento).unwrap();
        serde_json::from_str(&text).unwrap()
    }

    #[test]
    fn what_was_learnt_in_overload_goes_on_at_once() {
        for seed in 0..8 {
            let one = with(AdaptiveLimiterConfig::default());
            let weather = WEATHER.at_load(10.0);
            let learnt = World::new(&one, seed).run(60, weather);
            let next = with(AdaptiveLimiterConfig::default());
            let now = Timestamp::from_secs(60);
            next.restore(&carried(&one.memento(now)), Timestamp::from_secs(1));
            let steady = one.memento(now).limit().unwrap();
            assert!(f64::from(next.limit()) <= steady, "seed {seed}");
            assert_eq!(next.baseline(), one.baseline());
            // It neither floods the service nor begins to search again.
            let seconds = World::new(&next, seed + 100).run(5, weather);
            let (was, is) = (limit(&learnt[30..]), limit(&seconds));
            assert!(is <= was * 1.5, "seed {seed}: {is} after {was}");
            assert!(is >= was * 0.5, "seed {seed}: {is} after {was}");
        }
    }

    #[test]
    fn a_limit_is_bounded_by_the_settings_and_a_wrong_baseline_sinks() {
        let config = AdaptiveLimiterConfig {
            min_limit: 4,
            initial_limit: 10,
            max_limit: 40,
            ..AdaptiveLimiterConfig::default()
        };
        let memento = |limit, rtt| LimiterMemento {
            limit,
            baseline: Some(BaselineMemento {
                rtt,
                verified: true,
                floor: Duration::MAX,
                floor_age: Duration::MAX,
            }),
        };
        let now = Timestamp::from_secs(1);
        for (said, becomes) in [(0.0, 4), (7.5, 7), (1e300, 40), (-5.0, 4), (f64::NAN, 10)] {
            let limiter = with(config);
            limiter.restore(&memento(said, Duration::ZERO), now);
            assert_eq!(limiter.limit(), becomes, "{said}");
        }
        let fooled = with(AdaptiveLimiterConfig::default());
        fooled.restore(&carried(&memento(100.0, Duration::from_secs(3_600))), now);
        World::new(&fooled, 3).run(30, WEATHER.at_load(0.5));
        assert!(
            baseline_ms(&fooled) < IDLE_MS * 2,
            "{:?}",
            fooled.baseline()
        );
    }

    #[test]
    fn who_knows_nothing_passes_nothing_on() {
        let limiter = with(AdaptiveLimiterConfig::default());
        let memento = limiter.memento(Timestamp::from_secs(1));
        assert!(!memento.is_learnt());
        limiter.restore(&memento, Timestamp::from_secs(2));
        assert_eq!((limiter.limit(), limiter.baseline()), (20, None));
    }
}
