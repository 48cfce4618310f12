use std::collections::{BTreeMap, BTreeSet};

use crate::event::{EvidenceLine, Incident, IncidentState, RouteImpact, Verdict};
use crate::id::InstanceId;
use crate::taxonomy::FailureClass;
use crate::time::Timestamp;

/// Actions of an incident at most.
const ACTIONS_MAX: usize = 32;

/// Routes counted apart in an incident; further ones count as [`OTHER_ROUTES`].
const ROUTES_MAX: usize = 64;

const OTHER_ROUTES: &str = "other routes";

/// An incident and what only matters while it goes on.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) incident: Incident,
    /// Its instances that are not well yet.
    pub(super) out: BTreeSet<InstanceId>,
    isolated: BTreeMap<InstanceId, Timestamp>,
    /// Since when its counts differ from what was handed out.
    pub(super) unsaved: Option<Timestamp>,
    /// Instances that a former run of Ninefold left failed and this one has not judged.
    pub(super) inherited: BTreeSet<InstanceId>,
}

impl Entry {
    /// A new incident with one verdict.
    pub(super) fn open(id: u64, verdict: Verdict) -> Self {
        let incident = Incident {
            id: format!("inc-{id}"),
            class: verdict.class,
            state: IncidentState::Open,
            domain: String::new(),
            onset: verdict.onset,
            detected: verdict.detected,
            verdicts: Vec::new(),
            injected: None,
            injection: None,
            isolated: None,
            recovered: None,
            impact: Vec::new(),
            changes: Vec::new(),
            opinions: Vec::new(),
            actions: Vec::new(),
            merged_into: None,
        };
        let mut entry = Self {
            incident,
            out: BTreeSet::new(),
            isolated: BTreeMap::new(),
            unsaved: None,
            inherited: BTreeSet::new(),
        };
        entry.add(verdict);
        entry
    }

    /// One that the journal tells of.
    pub(super) fn restored(incident: Incident) -> Self {
        let out: BTreeSet<InstanceId> = match incident.state {
            IncidentState::Open => instances(&incident),
            IncidentState::Closed => BTreeSet::new(),
        };
        Self {
            incident,
            inherited: out.clone(),
            out,
            isolated: BTreeMap::new(),
            unsaved: None,
        }
    }

    pub(super) fn is_open(&self) -> bool {
        self.incident.state == IncidentState::Open
    }

    pub(super) fn has(&self, instance: &InstanceId) -> bool {
        let mut verdicts = self.incident.verdicts.iter();
        verdicts.any(|verdict| verdict.instance == *instance)
    }

    pub(super) fn instances(&self) -> BTreeSet<InstanceId> {
        instances(&self.incident)
    }

    /// Adds a verdict, or refines the one on the same instance. A closed incident opens again.
    pub(super) fn add(&mut self, verdict: Verdict) {
        let incident = &mut self.incident;
        incident.state = IncidentState::Open;
        incident.recovered = None;
        // The first exits of a loop have incidents of their own, unless they are in this one.
        let known = |known: &Verdict| known.instance == verdict.instance;
        if verdict.class != FailureClass::CrashRecovery || !incident.verdicts.iter().any(known) {
            incident.onset = incident.onset.min(verdict.onset);
        }
        incident.detected = incident.detected.min(verdict.detected);
        self.inherited.remove(&verdict.instance);
        self.out.insert(verdict.instance.clone());
        let mut known = incident.verdicts.iter_mut();
        match known.find(|known| known.instance == verdict.instance) {
            Some(known) => *known = verdict,
            None => {
                incident.verdicts.push(verdict);
                incident.isolated = None;
            }
        }
        incident.class = match incident.verdicts.as_slice() {
            [only] => only.class,
            _ => FailureClass::Correlated,
        };
    }

    /// Takes over all of an incident that has the same cause.
    pub(super) fn absorb(&mut self, other: &mut Self) {
        for verdict in &other.incident.verdicts {
            let well = !other.out.contains(&verdict.instance);
            self.add(verdict.clone());
            if well {
                self.out.remove(&verdict.instance);
            }
        }
        self.isolated.append(&mut other.isolated);
        for impact in std::mem::take(&mut other.incident.impact) {
            self.count(&impact);
        }
        for action in &other.incident.actions {
            act(&mut self.incident, action.clone());
        }
        other.out.clear();
        other.inherited.clear();
        other.unsaved = None;
        other.incident.state = IncidentState::Closed;
        other.incident.merged_into = Some(self.incident.id.clone());
        self.settle_isolation();
    }

    /// Whether that was the last of its instances to be out of routing.
    pub(super) fn isolate(&mut self, instance: &InstanceId, at: Timestamp) -> bool {
        if self.isolated.contains_key(instance) {
            return false;
        }
        self.isolated.insert(instance.clone(), at);
        self.settle_isolation()
    }

    fn settle_isolation(&mut self) -> bool {
        let mut last = Timestamp::ZERO;
        for verdict in &self.incident.verdicts {
            let Some(at) = self.isolated.get(&verdict.instance) else {
                return false;
            };
            last = last.max(*at);
        }
        self.incident.isolated = Some(last);
        true
    }

    /// An instance is well again; with the last one the incident closes.
    pub(super) fn recover(&mut self, instance: &InstanceId, at: Timestamp) {
        if !self.out.remove(instance) {
            return;
        }
        self.inherited.remove(instance);
        if self.out.is_empty() {
            self.incident.state = IncidentState::Closed;
            self.incident.recovered = Some(at.max(self.incident.onset));
        }
    }

    /// Ends it without a recovery: nobody watches any more.
    pub(super) fn abandon(&mut self) {
        self.out.clear();
        self.inherited.clear();
        self.incident.state = IncidentState::Closed;
    }

    /// An instance will never come back. Whether that ends the incident.
    pub(super) fn leave(&mut self, instance: &InstanceId) -> bool {
        let was_out = self.out.remove(instance);
        self.inherited.remove(instance);
        let ends = was_out && self.out.is_empty();
        if ends {
            self.abandon();
        }
        ends
    }

    /// Whether one of its instances is of this service.
    pub(super) fn concerns(&self, service: &str) -> bool {
        let mut verdicts = self.incident.verdicts.iter();
        verdicts.any(|verdict| *verdict.instance.service == *service)
    }

    /// Adds to the harm done to a route.
    pub(super) fn count(&mut self, harm: &RouteImpact) {
        let impact = &mut self.incident.impact;
        let known = impact.iter().any(|known| known.route == harm.route);
        let route = if known || impact.len() < ROUTES_MAX {
            &harm.route
        } else {
            OTHER_ROUTES
        };
        match impact.iter_mut().find(|known| known.route == route) {
            Some(known) => known.add(harm),
            None => impact.push(RouteImpact {
                route: route.to_owned(),
                ..harm.clone()
            }),
        }
    }
}

pub(super) fn instances(incident: &Incident) -> BTreeSet<InstanceId> {
    let verdicts = incident.verdicts.iter();
    verdicts.map(|verdict| verdict.instance.clone()).collect()
}

/// Adds an action once, in the order of time.
pub(super) fn act(incident: &mut Incident, action: EvidenceLine) {
    let full = incident.actions.len() >= ACTIONS_MAX;
    if full || incident.actions.contains(&action) {
        return;
    }
    let place = incident
        .actions
        .partition_point(|known| known.at <= action.at);
    incident.actions.insert(place, action);
}
