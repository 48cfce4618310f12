//! From what was seen to verdicts, incidents and spent budgets.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use ninefold_config::model;
use ninefold_core::detect::{Detector, Facts, Finding, Settings};
use ninefold_core::event::{EventKind, Incident};
use ninefold_core::id::InstanceId;
use ninefold_core::incident::Incidents;
use ninefold_core::observation::{EjectionGround, Observation, Seen};
use ninefold_core::slo::{Indicator, Objective, Suspect, share_out};
use ninefold_core::status::InstanceState;
use ninefold_core::taxonomy::FailureClass;
use ninefold_core::time::Timestamp;
use ninefold_gateway::Counters;
use ninefold_supervise::Place;

use super::core::{Control, now};
use super::deltas::RouteDelta;
use super::traces::Traces;
use crate::cluster::About;

/// Events that are learnt from at once; what is left is learnt at the next tick.
const EVENTS_AT_ONCE: usize = 1_000;

impl Control {
    /// One observation: judged, and what follows recorded.
    pub(super) fn observed(&mut self, observation: &Observation) {
        self.note_start(observation);
        let findings = self.parts.detector.observe(observation);
        self.found(findings);
        self.weigh(observation);
    }

    /// Everything the gateway counted since the last tick.
    pub(super) fn account(&mut self) {
        self.book(self.parts.gateway.counters());
    }

    /// Everything that is counted so far, as far as it is not booked yet.
    pub(super) fn book(&mut self, counted: Counters) {
        let at = now();
        let mut hurts: BTreeMap<String, Vec<(InstanceId, u64)>> = BTreeMap::new();
        let traces = Traces::new(Arc::clone(&self.parts.gateway), at);
        let (endpoints, routes) = self.deltas.advance(counted, &traces);
        for delta in endpoints {
            let seen = Seen::Callers(delta.report);
            self.observed(&Observation {
                instance: delta.instance.clone(),
                at,
                seen,
            });
            let suspect = Suspect::Instance(delta.instance.clone());
            for harm in delta.impact {
                let hurt = (delta.instance.clone(), harm.hurt);
                hurts.entry(harm.route.clone()).or_default().push(hurt);
                self.parts.incidents.impact(at, &suspect, harm);
            }
        }
        for mut delta in routes {
            if let Some(harm) = delta.unserved.take() {
                let suspect = Suspect::Service(Arc::clone(&delta.service));
                self.parts.incidents.impact(at, &suspect, harm);
            }
            self.parts.ledger.add_route(at, &delta.route, delta.totals);
            let hurt = hurts.get(&*delta.route).map_or(&[][..], Vec::as_slice);
            self.spend(at, &delta, hurt);
        }
        self.ledger_problem = self
            .parts
            .ledger
            .flush(at)
            .err()
            .map(|error| error.to_string());
        for alert in self.parts.ledger.alerts(at) {
            self.record(EventKind::Burn {
                slo: alert.slo,
                alert: alert.alert,
                firing: alert.firing,
            });
        }
        let findings = self.parts.detector.tick(at);
        self.found(findings);
        let settled = self.parts.incidents.tick(at);
        self.record_incidents(settled);
        let incidents = &self.parts.incidents;
        for bad in self.bad.values_mut() {
            bad.settle(at, |suspect| match suspect {
                Suspect::Instance(instance) => incidents.class_of(instance, at),
                Suspect::Service(service) => incidents.class_of_service(service, at),
            });
        }
    }

    /// Books one route's requests on the objectives about it. `hurt`: failed requests by instances
    /// where an attempt failed.
    fn spend(&mut self, at: Timestamp, delta: &RouteDelta, hurt: &[(InstanceId, u64)]) {
        for (name, slo) in &self.parts.file.slos {
            if *slo.route != *delta.route {
                continue;
            }
            if slo.availability.is_some() {
                // What was injected has an account of its own: that of the route.
                let failed = delta.totals.failed.saturating_sub(delta.injected_failed);
                let key = availability_key(name);
                self.parts.ledger.add(at, &key, delta.totals.ok, failed);
                let bad = self.bad.entry(key).or_default();
                for (suspect, events) in share_out(failed, hurt, &delta.service) {
                    bad.suspect(at, suspect, events);
                }
            }
            if let Some(latency) = slo.latency {
                let under = ninefold_core::time::nanos(latency.under.0);
                let count = |fast: bool| -> u64 {
                    delta
                        .latency
                        .iter()
                        .filter(|(to, _)| (*to <= under) == fast)
                        .map(|(_, n)| n)
                        .sum()
                };
                let (key, slow) = (latency_key(name), count(false));
                self.parts.ledger.add(at, &key, count(true), slow);
                // Who was slow is not counted, and a guess would be worse than none.
                let bad = self.bad.entry(key).or_default();
                bad.count(FailureClass::Unknown, slow);
            }
        }
    }

    /// Lets incidents learn what the journal says since the last time.
    pub(super) fn learn_events(&mut self) {
        for event in self
            .parts
            .journal
            .since(self.parts.events_seen, EVENTS_AT_ONCE)
        {
            self.parts.events_seen = event.seq;
            let changed = self.parts.incidents.event(&event);
            self.record_incidents(changed);
        }
    }

    pub(super) fn ejected(
        &mut self,
        instance: InstanceId,
        (reason, ground): (String, EjectionGround),
        duration: Duration,
    ) {
        let at = now();
        let seen = Seen::Ejected {
            reason,
            ground,
            until: at + duration,
        };
        self.observed(&Observation {
            instance: instance.clone(),
            at,
            seen,
        });
        self.isolated(&instance, at);
    }

    pub(super) fn readmitted(&mut self, instance: InstanceId) {
        let at = now();
        self.is_back(&instance, at);
        self.observed(&Observation {
            instance,
            at,
            seen: Seen::Readmitted,
        });
    }

    /// An instance is out of routing.
    pub(super) fn isolated(&mut self, instance: &InstanceId, at: Timestamp) {
        let changed = self.parts.incidents.isolated(instance, at);
        self.record_incidents(changed);
    }

    /// An instance is back in routing, or there for the first time: incidents that an earlier
    /// Ninefold left open about it are over.
    pub(super) fn ready(&mut self, instance: &InstanceId, at: Timestamp) {
        let changed = self.parts.incidents.ready(instance, at);
        self.record_incidents(changed);
    }

    fn found(&mut self, findings: Vec<Finding>) {
        for finding in findings {
            // What led here (exits, announced faults) must be known before it is joined.
            self.learn_events();
            if let Finding::Verdict(verdict) = &finding {
                self.record(EventKind::Verdict(verdict.clone()));
            }
            let changed = self.parts.incidents.finding(&finding);
            self.record_incidents(changed);
            if let Finding::Verdict(verdict) = &finding {
                self.convicted(verdict);
            }
            if let Finding::Verdict(verdict) = &finding
                && let Some(at) = self.routing.out_since(&verdict.instance)
            {
                self.isolated(&verdict.instance, at);
            }
        }
    }

    fn record_incidents(&self, incidents: Vec<Incident>) {
        for incident in incidents {
            self.parts.metrics.incident(&incident);
            self.record(EventKind::Incident(Box::new(incident)));
        }
    }
}

fn availability_key(slo: &str) -> String {
    format!("{slo}/availability")
}

fn latency_key(slo: &str) -> String {
    format!("{slo}/latency")
}

/// The objectives of a file, under the keys that [`Control`] books on.
pub(crate) fn objectives(file: &model::File) -> Vec<Objective> {
    let mut objectives = Vec::new();
    for (name, slo) in &file.slos {
        let objective = |indicator, objective| Objective {
            name: name.to_string(),
            route: slo.route.to_string(),
            indicator,
            objective,
            window: slo.window.0,
        };
        if let Some(share) = slo.availability {
            objectives.push(objective(Indicator::Availability, share.as_f64()));
        }
        if let Some(latency) = slo.latency {
            let indicator = Indicator::Latency {
                under: latency.under.0,
            };
            objectives.push(objective(indicator, latency.share.as_f64()));
        }
    }
    objectives
}

/// Makes a detector, and tells it and the incidents about every instance of a file.
pub(crate) fn judges(
    file: &model::File,
    place: Option<&Place>,
    incidents: &mut Incidents,
) -> Detector {
    let mut detector = Detector::new(Settings::default());
    for (instance, facts) in members(file, place) {
        incidents.register(instance.clone(), facts.clone());
        detector.register(instance, facts);
    }
    detector
}

/// Every instance of a file.
fn members(file: &model::File, place: Option<&Place>) -> BTreeMap<InstanceId, Facts> {
    let mut members = BTreeMap::new();
    for (name, service) in &file.services {
        let probed = service.health.ready.is_some() || service.health.live.is_some();
        let mut member =
            |ordinal: usize, zone: Option<&model::Name>, supervised: Option<&model::Supervised>| {
                let ordinal = u32::try_from(ordinal).unwrap_or(u32::MAX);
                let instance = InstanceId::new(name.shared(), ordinal);
                let home = place
                    .zip(supervised)
                    .map(|(place, of)| place.home(&instance, of));
                let facts = Facts {
                    node: home.map(|home| format!("n{}", home + 1).into()),
                    zone: zone.map(model::Name::shared),
                    supervised: supervised.is_some(),
                    probed,
                };
                members.insert(instance, facts);
            };
        match &service.kind {
            model::ServiceKind::Supervised(supervised) => {
                let zones = &file.cluster.zones;
                for ordinal in 0..usize::try_from(supervised.replicas).unwrap_or(0) {
                    let spread = supervised.spread == model::Spread::Zone && !zones.is_empty();
                    let zone = spread
                        .then(|| zones.get(ordinal % zones.len().max(1)))
                        .flatten();
                    member(ordinal, zone, Some(supervised));
                }
            }
            model::ServiceKind::External(external) => {
                for (ordinal, endpoint) in external.endpoints.iter().enumerate() {
                    member(ordinal, endpoint.zone.as_ref(), None);
                }
            }
        }
    }
    members
}

impl Control {
    /// Judges the instances of `file` from now on, and no others. Of those that stay, what is known
    /// of them stays.
    pub(crate) fn judge(&mut self, file: &Arc<model::File>) {
        let place = self.parts.place.as_ref();
        let fresh = members(file, place);
        let fresh_members: BTreeSet<InstanceId> = fresh.keys().cloned().collect();
        for (gone, _) in members(&self.judged, place) {
            if !fresh.contains_key(&gone) {
                self.parts.detector.forget(&gone);
                self.forget_opinion(&gone);
                let ended = self.parts.incidents.unregister(&gone);
                self.record_incidents(ended);
            }
        }
        for (instance, facts) in fresh {
            self.parts
                .incidents
                .register(instance.clone(), facts.clone());
            self.parts.detector.register(instance, facts);
        }
        self.judged = Arc::clone(file);
        // Nobody would tell of the end of one that is leaving just now.
        let instances = self.parts.supervisor.instances().into_iter();
        let leaving = instances.filter(|one| one.state == InstanceState::Stopping);
        let leaving: BTreeSet<InstanceId> = leaving.map(|one| one.instance).collect();
        let gone = |found: &&InstanceId| !sourced(file, &found.service) || leaving.contains(*found);
        let gone: Vec<InstanceId> = self.found.iter().filter(gone).cloned().collect();
        for instance in gone {
            // One that the file names now goes on.
            if !fresh_members.contains(&instance) {
                self.left(&instance);
            }
            self.found.remove(&instance);
        }
    }

    /// Judges an endpoint that was found.
    pub(super) fn joined(&mut self, instance: InstanceId, zone: Option<Arc<str>>) {
        let Some(service) = self.judged.services.get(&*instance.service) else {
            return;
        };
        let facts = Facts {
            node: None,
            zone,
            supervised: false,
            probed: service.health.ready.is_some() || service.health.live.is_some(),
        };
        let incidents = &mut self.parts.incidents;
        incidents.register(instance.clone(), facts.clone());
        self.parts.detector.register(instance.clone(), facts);
        self.found.insert(instance);
    }

    /// Judges an endpoint no more that was found and is gone.
    pub(super) fn left(&mut self, instance: &InstanceId) {
        if self.found.remove(instance) {
            self.parts.detector.forget(instance);
            self.forget_opinion(instance);
            let ended = self.parts.incidents.unregister(instance);
            self.record_incidents(ended);
        }
    }

    /// Goes on by another file: its objectives and routes are booked from now on.
    pub(crate) fn declare(&mut self, file: Arc<model::File>, config: String) {
        // What was counted until now is booked by the objectives it was counted under.
        self.account();
        let declared = objectives(&file);
        let keys: BTreeSet<String> = declared.iter().map(Objective::key).collect();
        match self.parts.ledger.redeclare(declared, routes(&file)) {
            Ok(notices) => {
                for text in notices {
                    self.notice(text);
                }
            }
            Err(error) => self.notice(error.to_string()),
        }
        self.bad.retain(|key, _| keys.contains(key));
        self.about = About::of(&file);
        self.parts.file = file;
        self.parts.config = config;
    }
}

/// Whether endpoints of a service come and go.
fn sourced(file: &model::File, service: &str) -> bool {
    let service = file.services.get(service);
    service.is_some_and(|service| match &service.kind {
        model::ServiceKind::Supervised(_) => false,
        model::ServiceKind::External(external) => external.source.is_some(),
    })
}

/// The names of a file's routes.
pub(crate) fn routes(file: &model::File) -> Vec<String> {
    let listeners = file.listeners.iter();
    let routes = listeners.flat_map(|listener| &listener.routes);
    routes.map(|route| route.name.to_string()).collect()
}
