//! From events to metrics.

use std::sync::{Arc, OnceLock};

use ninefold_core::policy::{Change, Event, Listener, Outcome, PolicyKind, Source};
use prometheus_client::registry::Registry;

use super::families::{Counters, Families};

/// Metrics of policies. Cheap to clone.
#[derive(Clone, Debug)]
pub struct PolicyMetrics {
    families: Families,
}

impl PolicyMetrics {
    /// Registers the metrics in `registry`, once per registry.
    pub fn new(registry: &mut Registry) -> Self {
        Self {
            families: Families::register(registry),
        }
    }

    /// A source for the policies that guard the dependency `name`.
    #[must_use]
    pub fn source(&self, name: &str) -> Source {
        let listener = Named {
            families: self.families.clone(),
            counters: PolicyKind::ALL.iter().map(|_| OnceLock::new()).collect(),
        };
        Source::new(name, Arc::new(listener))
    }
}

/// The listener of one name: counters by policy, looked up when the policy first says something.
#[derive(Debug)]
struct Named {
    families: Families,
    counters: Box<[OnceLock<Counters>]>,
}

impl Named {
    fn counters(&self, event: &Event<'_>) -> Option<&Counters> {
        let counters = self.counters.get(event.policy as usize)?;
        Some(counters.get_or_init(|| self.families.counters(event.policy, event.name)))
    }

    fn count(&self, event: &Event<'_>, counters: &Counters) {
        let (policy, name) = (event.policy, event.name);
        match event.change {
            Change::Settled(outcome, took) => {
                let [success, slow, failure, ignored] = &counters.outcomes;
                match outcome {
                    Outcome::Success => success,
                    Outcome::Slow => slow,
                    Outcome::Failure => failure,
                    Outcome::Ignored => ignored,
                }
                .inc();
                if let Some(took) = took {
                    counters.seconds.observe(took.as_secs_f64());
                }
            }
            Change::TimedOut(after) => {
                let [.., failure, _] = &counters.outcomes;
                failure.inc();
                counters.seconds.observe(after.as_secs_f64());
            }
            Change::Cancelled => {
                counters.cancelled.inc();
            }
            Change::Rejected(rejected) => {
                if let Some(counter) = counters.rejections.get(rejected.reason as usize) {
                    counter.inc();
                }
            }
            Change::Attempt(_) => {
                counters.attempts.inc();
            }
            Change::Substituted(source) | Change::Injected(source) => {
                self.families.substituted(policy, name, source)
            }
            Change::State { from, to } => self.families.moved(policy, name, [from, to]),
            Change::Level { what, to, .. } => self.families.level(policy, name, what, to),
            // What this version does not know it does not count.
            _ => {}
        }
    }
}

impl Listener for Named {
    fn on_event(&self, event: &Event<'_>) {
        if let Some(counters) = self.counters(event) {
            self.count(event, counters);
        }
    }
}
