//! The families, and what of them belongs to one policy.

use std::sync::atomic::AtomicU64;

use ninefold_core::policy::{Outcome, PolicyKind, Reason};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use super::labels::{
    CallLabels, LevelLabels, PolicyLabels, RejectionLabels, StateLabels, SubstitutionLabels,
};

/// The bounds of OpenTelemetry's HTTP durations, in seconds.
const BOUNDS: [f64; 14] = [
    0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0,
];

#[derive(Clone, Debug)]
pub(super) struct Families {
    calls: Family<CallLabels, Counter>,
    rejections: Family<RejectionLabels, Counter>,
    attempts: Family<PolicyLabels, Counter>,
    substitutions: Family<SubstitutionLabels, Counter>,
    states: Family<StateLabels, Gauge>,
    levels: Family<LevelLabels, Gauge<f64, AtomicU64>>,
    seconds: Family<PolicyLabels, Histogram, fn() -> Histogram>,
}

/// The counters of one policy, in the order of [`Outcome`] and of [`Reason::ALL`].
#[derive(Debug)]
pub(super) struct Counters {
    pub(super) outcomes: [Counter; 4],
    pub(super) cancelled: Counter,
    pub(super) rejections: Vec<Counter>,
    pub(super) attempts: Counter,
    pub(super) seconds: Histogram,
}

impl Families {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let families = Self {
            calls: Family::default(),
            rejections: Family::default(),
            attempts: Family::default(),
            substitutions: Family::default(),
            states: Family::default(),
            levels: Family::default(),
            seconds: Family::new_with_constructor(|| Histogram::new(BOUNDS)),
        };
        let registry = registry.sub_registry_with_prefix("ninefold_policy");
        registry.register("calls", "Calls that ended", families.calls.clone());
        let rejections = families.rejections.clone();
        registry.register("rejections", "Calls that were refused", rejections);
        let attempts = families.attempts.clone();
        registry.register(
            "attempts",
            "Retries and hedges that were scheduled",
            attempts,
        );
        let substitutions = families.substitutions.clone();
        registry.register(
            "substitutions",
            "Answers from somewhere else",
            substitutions,
        );
        let states = families.states.clone();
        registry.register("state", "1 for the state that a policy is in", states);
        let levels = families.levels.clone();
        registry.register("level", "Limits, shares and delays that move", levels);
        let seconds = families.seconds.clone();
        registry.register("call_seconds", "How long calls took", seconds);
        families
    }

    pub(super) fn counters(&self, policy: PolicyKind, name: &str) -> Counters {
        let policy = policy.as_str();
        let own = PolicyLabels {
            policy,
            name: name.to_owned(),
        };
        let call = |outcome| {
            self.calls.get_or_create_owned(&CallLabels {
                policy,
                name: name.to_owned(),
                outcome,
            })
        };
        let rejection = |reason: &Reason| {
            self.rejections.get_or_create_owned(&RejectionLabels {
                policy,
                name: name.to_owned(),
                reason: reason.as_str(),
            })
        };
        Counters {
            outcomes: [
                Outcome::Success,
                Outcome::Slow,
                Outcome::Failure,
                Outcome::Ignored,
            ]
            .map(|outcome| call(outcome.as_str())),
            cancelled: call("cancelled"),
            rejections: Reason::ALL.iter().map(rejection).collect(),
            attempts: self.attempts.get_or_create_owned(&own),
            seconds: self.seconds.get_or_create_owned(&own),
        }
    }

    pub(super) fn substituted(&self, policy: PolicyKind, name: &str, source: &'static str) {
        let labels = SubstitutionLabels {
            policy: policy.as_str(),
            name: name.to_owned(),
            source,
        };
        self.substitutions.get_or_create(&labels).inc();
    }

    pub(super) fn moved(&self, policy: PolicyKind, name: &str, states: [&'static str; 2]) {
        for (state, is_in) in states.into_iter().zip([0, 1]) {
            let labels = StateLabels {
                policy: policy.as_str(),
                name: name.to_owned(),
                state,
            };
            self.states.get_or_create(&labels).set(is_in);
        }
    }

    pub(super) fn level(&self, policy: PolicyKind, name: &str, what: &'static str, level: f64) {
        let labels = LevelLabels {
            policy: policy.as_str(),
            name: name.to_owned(),
            what,
        };
        self.levels.get_or_create(&labels).set(level);
    }
}
