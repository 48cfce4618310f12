use std::collections::BTreeSet;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ninefold_core::event::{Disturbance, Incident, IncidentState, Opinion};
use ninefold_core::status::{
    GossipStatus, InstanceState, InstanceStatus, MemberState, MemberStatus, SloStatus,
};
use ninefold_core::taxonomy::FailureClass;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

use super::gossip::GossipFamilies;

/// Seconds from onset to verdict.
const DETECTION_BOUNDS: [f64; 14] = [
    0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0,
];

/// Seconds from onset to recovery.
const RECOVERY_BOUNDS: [f64; 12] = [
    0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 1_800.0,
];

/// Incidents whose records are remembered, so that none counts twice.
const COUNTED_MAX: usize = 2_000;

type Ratio = Gauge<f64, AtomicU64>;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct FaultLabels {
    class: String,
    effect: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ClassLabels {
    class: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StateLabels {
    state: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct InstanceLabels {
    service: String,
    state: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct SloLabels {
    slo: String,
    route: String,
    indicator: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct BadLabels {
    slo: String,
    route: String,
    indicator: String,
    class: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct BurnLabels {
    slo: String,
    route: String,
    indicator: String,
    window: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct AlertLabels {
    slo: String,
    route: String,
    indicator: String,
    alert: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OpinionLabels {
    kind: String,
    class: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct WhatLabels {
    what: &'static str,
}

/// The metrics of this crate. Clones share them.
#[derive(Clone, Debug)]
pub struct Metrics {
    faults: Family<FaultLabels, Counter>,
    detection: Family<ClassLabels, Histogram, fn() -> Histogram>,
    recovery: Family<ClassLabels, Histogram, fn() -> Histogram>,
    open: Gauge,
    instances: Family<InstanceLabels, Gauge>,
    journal: Gauge,
    objective: Family<SloLabels, Ratio>,
    budget: Family<SloLabels, Ratio>,
    burn: Family<BurnLabels, Ratio>,
    alerts: Family<AlertLabels, Gauge>,
    bad: Family<BadLabels, Counter>,
    opinions: Family<OpinionLabels, Gauge>,
    disturbances: Family<WhatLabels, Counter>,
    state_write: Ratio,
    members: Family<StateLabels, Gauge>,
    gossip: GossipFamilies,
    counted: Arc<Mutex<Counted>>,
}

#[derive(Debug, Default)]
struct Counted {
    detected: BTreeSet<u64>,
    closed: BTreeSet<u64>,
}

impl Metrics {
    /// Registers all families, with zeroes where the labels are known beforehand.
    #[must_use]
    pub fn register(registry: &mut Registry, version: &str) -> Self {
        let metrics = Self {
            faults: Family::default(),
            detection: Family::new_with_constructor(|| Histogram::new(DETECTION_BOUNDS)),
            recovery: Family::new_with_constructor(|| Histogram::new(RECOVERY_BOUNDS)),
            open: Gauge::default(),
            instances: Family::default(),
            journal: Gauge::default(),
            objective: Family::default(),
            budget: Family::default(),
            burn: Family::default(),
            alerts: Family::default(),
            bad: Family::default(),
            opinions: Family::default(),
            disturbances: Family::default(),
            state_write: Gauge::default(),
            members: Family::default(),
            gossip: GossipFamilies::default(),
            counted: Arc::default(),
        };
        metrics.journal.set(1);
        for name in Disturbance::NAMES {
            drop(
                metrics
                    .disturbances
                    .get_or_create(&WhatLabels { what: name }),
            );
        }
        for class in FailureClass::ALL {
            for effect in ["masked", "surfaced"] {
                drop(metrics.faults.get_or_create(&FaultLabels {
                    class: class.name().to_owned(),
                    effect: effect.to_owned(),
                }));
            }
            drop(metrics.detection.get_or_create(&class_labels(class)));
            drop(metrics.recovery.get_or_create(&class_labels(class)));
        }
        let build = Info::new(vec![("version".to_owned(), version.to_owned())]);
        registry.register("ninefold_build", "The version of this Ninefold", build);
        metrics.register_incidents(registry);
        metrics.register_slos(registry);
        metrics
    }

    fn register_incidents(&self, registry: &mut Registry) {
        registry.register(
            "ninefold_faults",
            "Incidents that closed, by class and by whether a client saw them",
            self.faults.clone(),
        );
        registry.register(
            "ninefold_detection_seconds",
            "Time from the onset of an incident to its first verdict",
            self.detection.clone(),
        );
        registry.register(
            "ninefold_recovery_seconds",
            "Time from the onset of an incident to its recovery",
            self.recovery.clone(),
        );
        registry.register(
            "ninefold_incidents_open",
            "Incidents that go on",
            self.open.clone(),
        );
        registry.register(
            "ninefold_instances",
            "Instances by service and state",
            self.instances.clone(),
        );
        registry.register(
            "ninefold_not_well",
            "Nodes, links, zones and instances that are not well by all observers' evidence, by class",
            self.opinions.clone(),
        );
        registry.register(
            "ninefold_disturbances",
            "What happened to this node itself: it stood still, its clock was set, its state folder was slow or failed",
            self.disturbances.clone(),
        );
        registry.register(
            "ninefold_state_write_seconds",
            "How long the last small write to the state folder took, down to the disk; tried every 5 s",
            self.state_write.clone(),
        );
        registry.register(
            "ninefold_journal_healthy",
            "1 if the journal is written to disk, 0 if it waits in memory",
            self.journal.clone(),
        );
    }

    /// Registers what only a node of a cluster has.
    pub fn register_cluster(&self, registry: &mut Registry) {
        self.gossip.register(registry);
        registry.register(
            "ninefold_members",
            "Nodes of the cluster by state, as this one knows them",
            self.members.clone(),
        );
    }

    /// Sets how many are not well, by what they are and how they fail.
    pub fn set_opinions(&self, opinions: &[Opinion]) {
        for kind in ["node", "link", "zone", "instance"] {
            for class in FailureClass::ALL {
                let is_one = |opinion: &&Opinion| {
                    opinion.class == Some(class) && opinion.subject.split(' ').next() == Some(kind)
                };
                let count = opinions.iter().filter(is_one).count();
                let (kind, class) = (kind.to_owned(), class.name().to_owned());
                let gauge = self.opinions.get_or_create(&OpinionLabels { kind, class });
                gauge.set(i64::try_from(count).unwrap_or(i64::MAX));
            }
        }
    }

    /// Sets the nodes of the cluster by state, and what this one has gossiped.
    pub fn set_cluster(&self, members: &[MemberStatus], gossip: &GossipStatus) {
        for state in [MemberState::Alive, MemberState::Left, MemberState::Down] {
            let count = members
                .iter()
                .filter(|member| member.state == state)
                .count();
            let state = state.name().to_owned();
            let gauge = self.members.get_or_create(&StateLabels { state });
            gauge.set(i64::try_from(count).unwrap_or(i64::MAX));
        }
        self.gossip.set(gossip);
    }

    fn register_slos(&self, registry: &mut Registry) {
        registry.register(
            "ninefold_slo_objective_ratio",
            "The share of good events that is promised",
            self.objective.clone(),
        );
        registry.register(
            "ninefold_slo_error_budget_remaining_ratio",
            "The share of the error budget that is left; below 0 it is overspent",
            self.budget.clone(),
        );
        registry.register(
            "ninefold_slo_burn_rate",
            "How fast the error budget burns; 1 spends it in the window of the objective",
            self.burn.clone(),
        );
        registry.register(
            "ninefold_slo_alert_firing",
            "1 while the burn alert fires",
            self.alerts.clone(),
        );
        registry.register(
            "ninefold_slo_bad_events",
            "Events that spent the error budget, by the failure class behind them; classed after 2 s",
            self.bad.clone(),
        );
    }

    /// Counts an incident as it is journalled: once when it was detected, once when it closed.
    /// Those that were merged into another count with that one.
    pub fn incident(&self, incident: &Incident) {
        let number = incident.id.strip_prefix("inc-");
        let Some(number) = number.and_then(|number| number.parse().ok()) else {
            return;
        };
        let counted = self.counted.lock();
        let mut counted = counted.unwrap_or_else(PoisonError::into_inner);
        if incident.merged_into.is_some() {
            return;
        }
        let labels = class_labels(incident.class);
        if first(&mut counted.detected, number) {
            let time = incident.time_to_detect().as_secs_f64();
            self.detection.get_or_create(&labels).observe(time);
        }
        if incident.state == IncidentState::Open || !first(&mut counted.closed, number) {
            return;
        }
        let effect = if incident.hurt() > 0 {
            "surfaced"
        } else {
            "masked"
        };
        let fault = FaultLabels {
            class: labels.class.clone(),
            effect: effect.to_owned(),
        };
        self.faults.get_or_create(&fault).inc();
        if let Some(time) = incident.time_to_recover() {
            let time = time.as_secs_f64();
            self.recovery.get_or_create(&labels).observe(time);
        }
    }

    /// Sets how many incidents go on.
    pub fn set_open_incidents(&self, open: usize) {
        self.open.set(i64::try_from(open).unwrap_or(i64::MAX));
    }

    /// Counts what happened to this node.
    pub fn disturbed(&self, disturbance: &Disturbance) {
        let what = disturbance.name();
        self.disturbances.get_or_create(&WhatLabels { what }).inc();
    }

    /// Sets how long the last write to the state folder took, if there was one.
    pub fn set_state_write(&self, took: Option<Duration>) {
        if let Some(took) = took {
            self.state_write.set(took.as_secs_f64());
        }
    }

    /// Sets whether the journal is written to disk.
    pub fn set_journal_healthy(&self, healthy: bool) {
        self.journal.set(healthy.into());
    }

    /// Sets the instances by service and state; states without one stand at 0.
    pub fn set_instances(&self, instances: &[InstanceStatus]) {
        let services: BTreeSet<&str> = instances.iter().map(|one| one.service.as_str()).collect();
        for service in services {
            for state in STATES {
                let count = instances
                    .iter()
                    .filter(|one| one.service == service && one.state == state)
                    .count();
                let labels = InstanceLabels {
                    service: service.to_owned(),
                    state: state.name().to_owned(),
                };
                self.instances
                    .get_or_create(&labels)
                    .set(i64::try_from(count).unwrap_or(i64::MAX));
            }
        }
    }

    /// Sets everything about the objectives.
    pub fn set_slos(&self, slos: &[SloStatus]) {
        for status in slos {
            let labels = SloLabels {
                slo: status.slo.clone(),
                route: status.route.clone(),
                indicator: status.indicator.clone(),
            };
            self.objective.get_or_create(&labels).set(status.objective);
            self.budget
                .get_or_create(&labels)
                .set(status.budget_remaining);
            self.set_burn(status);
            self.set_alerts(status);
            self.set_bad(status);
        }
    }

    /// The counts never fall: they begin with this process, as these counters do.
    fn set_bad(&self, status: &SloStatus) {
        for class in FailureClass::ALL {
            let labels = BadLabels {
                slo: status.slo.clone(),
                route: status.route.clone(),
                indicator: status.indicator.clone(),
                class: class.name().to_owned(),
            };
            let mut counts = status.bad_by_class.iter();
            let events = counts
                .find(|count| count.class == class)
                .map_or(0, |count| count.events);
            let counter = self.bad.get_or_create(&labels);
            counter.inc_by(events.saturating_sub(counter.get()));
        }
    }

    fn set_burn(&self, status: &SloStatus) {
        for burn in &status.burn {
            let labels = BurnLabels {
                slo: status.slo.clone(),
                route: status.route.clone(),
                indicator: status.indicator.clone(),
                window: burn.window.clone(),
            };
            match burn.rate {
                Some(rate) => {
                    self.burn.get_or_create(&labels).set(rate);
                }
                None => {
                    self.burn.remove(&labels);
                }
            }
        }
    }

    fn set_alerts(&self, status: &SloStatus) {
        for alert in ninefold_core::slo::ALERTS {
            let labels = AlertLabels {
                slo: status.slo.clone(),
                route: status.route.clone(),
                indicator: status.indicator.clone(),
                alert: alert.name.to_owned(),
            };
            let firing = status.alerts.iter().any(|firing| firing == alert.name);
            self.alerts.get_or_create(&labels).set(firing.into());
        }
    }
}

const STATES: [InstanceState; 7] = [
    InstanceState::Starting,
    InstanceState::Ready,
    InstanceState::NotReady,
    InstanceState::Stopping,
    InstanceState::BackingOff,
    InstanceState::CrashLoop,
    InstanceState::Stopped,
];

fn class_labels(class: FailureClass) -> ClassLabels {
    ClassLabels {
        class: class.name().to_owned(),
    }
}

/// Whether this number comes for the first time, among the newest ones.
fn first(numbers: &mut BTreeSet<u64>, number: u64) -> bool {
    let oldest = numbers.first().copied().unwrap_or(0);
    if numbers.len() >= COUNTED_MAX && number < oldest {
        return false;
    }
    let first = numbers.insert(number);
    if numbers.len() > COUNTED_MAX {
        numbers.pop_first();
    }
    first
}
