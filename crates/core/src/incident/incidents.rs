use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use super::background::Background;
use super::domain::{TAGS, Tag, domain, most_of, node, whole_service};
use super::entry::{Entry, act};
use super::impact::HeldImpact;
use super::opinions::Opinions;
use crate::detect::{Facts, Finding};
use crate::event::{Event, EventKind, Incident, IncidentState, InjectionEnd, RouteImpact, Verdict};
use crate::id::InstanceId;
use crate::reliability::measure;
use crate::slo::Suspect;
use crate::status::ClassReliability;
use crate::taxonomy::FailureClass;
use crate::time::Timestamp;

/// Incidents remembered at most; the oldest closed one goes first.
const INCIDENTS_MAX: usize = 1_000;

/// Onsets this close together, in one domain, have one cause.
const JOIN_WITHIN: Duration = Duration::from_secs(2);

/// A closed incident may still be joined, and still be charged with harm, for this long.
const LINGER: Duration = Duration::from_secs(5);

/// A crash loop continues a crash incident that closed this recently.
const LOOP_REACH: Duration = Duration::from_secs(60);

/// How often the counts of an incident are handed out while they grow.
const SAVE_EVERY: Duration = Duration::from_secs(1);

/// All incidents that are remembered, newest 1,000.
#[derive(Clone, Debug, Default)]
pub struct Incidents {
    members: BTreeMap<InstanceId, Facts>,
    entries: BTreeMap<u64, Entry>,
    newest: u64,
    background: Background,
    held: HeldImpact,
    /// Instances that left routing, maybe before anybody knew why.
    isolated: BTreeMap<InstanceId, Timestamp>,
    /// Instances that traffic has ejected.
    ejected: BTreeSet<InstanceId>,
    opinions: Opinions,
}

impl Incidents {
    /// From the journal, oldest event first. Open incidents stay open; such an instance counts as
    /// recovered when it is ready, unless the detector judges it again before.
    pub fn restore<'a>(events: impl IntoIterator<Item = &'a Event>) -> Self {
        let mut incidents = Self::default();
        for event in events {
            if let EventKind::Incident(incident) = &event.kind {
                incidents.load(incident);
            } else {
                incidents.event(event);
            }
        }
        incidents
    }

    fn load(&mut self, incident: &Incident) {
        if let Some(number) = number(&incident.id) {
            self.newest = self.newest.max(number);
            let entry = Entry::restored(incident.clone());
            self.entries.insert(number, entry);
            self.bound();
        }
    }

    /// Makes an instance known, so that domains can be told: zones, and all of a service.
    pub fn register(&mut self, instance: InstanceId, facts: Facts) {
        self.members.insert(instance, facts);
    }

    /// Learns a finding. Returns the incidents that opened, changed or closed.
    pub fn finding(&mut self, finding: &Finding) -> Vec<Incident> {
        match finding {
            Finding::Verdict(verdict) => self.verdict(verdict),
            Finding::Isolated { instance, at } => self.isolated(instance, *at),
            Finding::Recovered { instance, at } => {
                self.isolated.remove(instance);
                self.recover(instance, *at)
            }
        }
    }

    /// Learns what changed, what is done, and which faults are injected. Returns incidents of a
    /// former run that the event closes, and those of a fault in the gateway that has ended.
    pub fn event(&mut self, event: &Event) -> Vec<Incident> {
        let line = self.background.learn(event);
        for entry in self.entries.values_mut().filter(|entry| entry.is_open()) {
            let line = line.as_ref().filter(|line| !line.is_fault());
            if let Some(line) = line.filter(|line| line.concerns(&entry.incident)) {
                act(&mut entry.incident, line.evidence.clone());
            }
            if entry.incident.injected.is_none() {
                self.background.blame(&mut entry.incident);
            }
        }
        match &event.kind {
            EventKind::InstanceReady { instance, .. } => self.ready(instance, event.at),
            EventKind::FaultEnded { id, how, hits } => self.fault_ended(
                id,
                &InjectionEnd {
                    at: event.at,
                    how: how.clone(),
                    hits: *hits,
                },
            ),
            EventKind::EndpointEjected { instance, .. } => {
                if self.ejected.len() < INCIDENTS_MAX {
                    self.ejected.insert(instance.clone());
                }
                Vec::new()
            }
            EventKind::EndpointReadmitted { instance } => {
                self.readmitted(instance);
                Vec::new()
            }
            EventKind::Opinion(opinion) => {
                self.opinions.learn(opinion);
                let open = self.entries.values_mut().filter(|entry| entry.is_open());
                let changed = open.filter_map(|Entry { incident, .. }| {
                    let changed = self.opinions.attach(incident, &self.members);
                    changed.then(|| incident.clone())
                });
                changed.collect()
            }
            EventKind::NodeStarted { .. } => {
                self.opinions = Opinions::default();
                Vec::new()
            }
            // The time until the next start is nobody's time to recover.
            EventKind::NodeStopping { .. } => self.abandon(|_| true),
            _ => Vec::new(),
        }
    }

    /// What a fault in the gateway hit is known when it ends, whether its incidents go on or not.
    fn fault_ended(&mut self, id: &str, end: &InjectionEnd) -> Vec<Incident> {
        let mut learnt = Vec::new();
        for Entry { incident, .. } in self.entries.values_mut() {
            let of = incident.injected.as_deref() == Some(id);
            if let Some(injection) = incident.injection.as_mut()
                && of
                && injection.in_gateway
            {
                injection.ended = Some(end.clone());
                learnt.push(incident.clone());
            }
        }
        learnt
    }

    /// Ends incidents of a former run whose instances are not in the file any more: they can never
    /// be ready. Call it once all instances are registered; returns those incidents.
    pub fn forget_unregistered(&mut self) -> Vec<Incident> {
        let members = std::mem::take(&mut self.members);
        let gone = self.abandon(|entry| entry.inherited.iter().any(|id| !members.contains_key(id)));
        self.members = members;
        gone
    }

    /// Forgets an instance that is not in the file any more. Returns the incidents that end because
    /// nobody else was in them.
    pub fn unregister(&mut self, instance: &InstanceId) -> Vec<Incident> {
        self.members.remove(instance);
        self.isolated.remove(instance);
        self.ejected.remove(instance);
        let open = self.entries.values_mut().filter(|entry| entry.is_open());
        open.filter_map(|entry| entry.leave(instance).then(|| entry.incident.clone()))
            .collect()
    }

    fn abandon(&mut self, which: impl Fn(&Entry) -> bool) -> Vec<Incident> {
        let open = self.entries.values_mut().filter(|entry| entry.is_open());
        open.filter(|entry| which(entry))
            .map(|entry| {
                entry.abandon();
                entry.incident.clone()
            })
            .collect()
    }

    /// Whom traffic still ejects of those that it ejected in the former run, as whoever goes on with
    /// its gateway knows: probes that pass close nothing of theirs.
    pub fn still_ejected(&mut self, instances: impl IntoIterator<Item = InstanceId>) {
        self.ejected = instances.into_iter().take(INCIDENTS_MAX).collect();
    }

    /// Learns that traffic holds nothing against an instance any more.
    pub fn readmitted(&mut self, instance: &InstanceId) {
        self.ejected.remove(instance);
    }

    /// Learns that an instance is ready, or an endpoint answers its probes, where no event says so.
    /// Returns the incidents of a former run that this closes; those of this run end by the
    /// detector's finding only.
    pub fn ready(&mut self, instance: &InstanceId, at: Timestamp) -> Vec<Incident> {
        let mut closed = Vec::new();
        if self.ejected.contains(instance) {
            return closed;
        }
        for entry in self.entries.values_mut() {
            if entry.inherited.contains(instance) {
                entry.recover(instance, at);
                closed.push(entry.incident.clone());
            }
        }
        closed
    }

    /// Learns that an instance is out of routing. Returns the incident if its last one is.
    pub fn isolated(&mut self, instance: &InstanceId, at: Timestamp) -> Vec<Incident> {
        self.isolated.insert(instance.clone(), at);
        while self.isolated.len() > INCIDENTS_MAX {
            self.isolated.pop_first();
        }
        let mut entries = self.entries.values_mut().rev();
        entries
            .find(|entry| entry.is_open() && entry.has(instance))
            .and_then(|entry| entry.isolate(instance, at).then(|| entry.incident.clone()))
            .into_iter()
            .collect()
    }

    /// Counts harm since the last call that callers met at an instance, or because they found none
    /// of a service to ask: requests that failed for their client, and such that a retry saved.
    /// Returns the incident it counts to, which is the newest one there; without one it waits for one
    /// to open. The counts are handed out by [`Self::tick`].
    pub fn impact(
        &mut self,
        now: Timestamp,
        suspect: &Suspect,
        harm: RouteImpact,
    ) -> Option<String> {
        if harm.hurt == 0 && harm.masked == 0 {
            return None;
        }
        let suspected = |entry: &&mut Entry| match suspect {
            Suspect::Instance(instance) => entry.has(instance),
            // One that was taken over goes on elsewhere.
            Suspect::Service(service) => {
                entry.incident.merged_into.is_none() && entry.concerns(service)
            }
        };
        let mut entries = self.entries.values_mut().rev();
        let found = entries.find(|entry| suspected(entry) && lingers(&entry.incident, now));
        let Some(entry) = found else {
            self.held.hold(now, suspect, harm);
            return None;
        };
        entry.count(&harm);
        entry.unsaved.get_or_insert(now);
        Some(entry.incident.id.clone())
    }

    /// The class of the newest incident of an instance that is open, or closed a moment ago.
    #[must_use]
    pub fn class_of(&self, instance: &InstanceId, now: Timestamp) -> Option<FailureClass> {
        let mut entries = self.entries.values().rev();
        let entry = entries.find(|entry| entry.has(instance) && lingers(&entry.incident, now));
        entry.map(|entry| entry.incident.class)
    }

    /// The class of all incidents of a service that are open, or closed a moment ago; nothing where
    /// they do not agree.
    #[must_use]
    pub fn class_of_service(&self, service: &str, now: Timestamp) -> Option<FailureClass> {
        let of = |entry: &&Entry| entry.concerns(service);
        let recent =
            |entry: &&Entry| entry.incident.merged_into.is_none() && lingers(&entry.incident, now);
        let entries = self.entries.values().filter(recent).filter(of);
        let mut classes = entries.map(|entry| entry.incident.class);
        let first = classes.next()?;
        classes.all(|class| class == first).then_some(first)
    }

    /// Lets time pass. Returns incidents whose counts grew: at most once a second each.
    pub fn tick(&mut self, now: Timestamp) -> Vec<Incident> {
        self.held.expire(now);
        let mut grown = Vec::new();
        for entry in self.entries.values_mut() {
            if entry
                .unsaved
                .is_some_and(|since| now.since(since) >= SAVE_EVERY)
            {
                entry.unsaved = None;
                grown.push(entry.incident.clone());
            }
        }
        grown
    }

    /// The incident with this id.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&Incident> {
        Some(&self.entries.get(&number(id)?)?.incident)
    }

    /// All incidents, newest first.
    pub fn list(&self) -> impl Iterator<Item = &Incident> {
        self.entries.values().rev().map(|entry| &entry.incident)
    }

    /// Those that go on, newest first.
    pub fn open(&self) -> impl Iterator<Item = &Incident> {
        self.list()
            .filter(|incident| incident.state == IncidentState::Open)
    }

    /// MTTD, MTTR and MTBF by class; injected and real ones apart.
    #[must_use]
    pub fn reliability(&self) -> Vec<ClassReliability> {
        measure(self.entries.values().map(|entry| &entry.incident))
    }

    fn verdict(&mut self, verdict: &Verdict) -> Vec<Incident> {
        let number = match self.home(verdict) {
            Some(number) => number,
            None => self.newest.saturating_add(1),
        };
        match self.entries.get_mut(&number) {
            Some(entry) => entry.add(verdict.clone()),
            None => {
                self.newest = number;
                let entry = Entry::open(number, verdict.clone());
                self.entries.insert(number, entry);
            }
        }
        let mut changed = self.merge(number, verdict);
        let home = self.first_of(verdict).unwrap_or(number);
        let held = self
            .held
            .take(verdict.detected, &verdict.instance, verdict.onset);
        if let Some(entry) = self.entries.get_mut(&home) {
            for held in held {
                entry.count(&held);
            }
            let left = self.isolated.get(&verdict.instance);
            if let Some(at) = left.filter(|at| **at >= verdict.onset) {
                entry.isolate(&verdict.instance, *at);
            }
            entry.unsaved = None;
            let incident = &mut entry.incident;
            let failed = super::entry::instances(incident);
            incident.domain = domain(&failed, &self.members);
            // A node that fails is one failure, seen on all that it runs.
            let mut classes = incident.verdicts.iter().map(|verdict| verdict.class);
            if node(&failed, &self.members).is_some()
                && let Some(class) = classes.next()
                && classes.all(|other| other == class)
            {
                incident.class = class;
            }
            self.background.blame(incident);
            self.background.explain(incident);
            self.opinions.attach(incident, &self.members);
            changed.push(incident.clone());
        }
        self.bound();
        changed
    }

    /// The open incident that has a verdict on the same instance.
    fn first_of(&self, verdict: &Verdict) -> Option<u64> {
        self.entries
            .iter()
            .rev()
            .find(|(_, entry)| entry.is_open() && entry.has(&verdict.instance))
            .map(|(number, _)| *number)
    }

    /// The incident that a verdict belongs to, if there is one.
    fn home(&self, verdict: &Verdict) -> Option<u64> {
        let known = self.first_of(verdict);
        known
            .or_else(|| self.continued(verdict))
            .or_else(|| self.neighbour(verdict))
    }

    fn continued(&self, verdict: &Verdict) -> Option<u64> {
        if verdict.class != FailureClass::CrashRecovery {
            return None;
        }
        let (number, entry) = self
            .entries
            .iter()
            .rev()
            .find(|(_, entry)| entry.has(&verdict.instance))?;
        let incident = &entry.incident;
        let recent = verdict.detected.since(incident.recovered?) <= LOOP_REACH;
        (recent && incident.injected.is_none() && incident.merged_into.is_none()).then_some(*number)
    }

    /// An incident in the verdict's node or zone, if so much of that failed together that it is the
    /// likely cause.
    fn neighbour(&self, verdict: &Verdict) -> Option<u64> {
        let facts = self.members.get(&verdict.instance)?;
        let domains = TAGS.iter().filter_map(|tag| Some((*tag, tag(facts)?)));
        domains
            .into_iter()
            .find_map(|domain| self.neighbour_in(domain, verdict))
    }

    fn neighbour_in(&self, domain: (Tag, &Arc<str>), verdict: &Verdict) -> Option<u64> {
        let close = |entry: &Entry| !self.inside(entry, verdict, domain).is_empty();
        let near: Vec<(u64, &Entry)> = self
            .entries
            .iter()
            .filter(|(_, entry)| lingers(&entry.incident, verdict.detected) && close(entry))
            .map(|(number, entry)| (*number, entry))
            .collect();
        let mut failed: BTreeSet<InstanceId> = near
            .iter()
            .flat_map(|(_, entry)| self.inside(entry, verdict, domain))
            .collect();
        failed.insert(verdict.instance.clone());
        if !most_of(domain, &failed, &self.members) {
            return None;
        }
        let mut newest = near.iter().rev();
        newest
            .find(|(_, entry)| !entry.has(&verdict.instance))
            .map(|(number, _)| *number)
    }

    /// The instances of a domain whose onsets in `entry` are close to the verdict's.
    fn inside(
        &self,
        entry: &Entry,
        verdict: &Verdict,
        (tag, name): (Tag, &Arc<str>),
    ) -> BTreeSet<InstanceId> {
        close_to(entry, verdict, |known| {
            self.members.get(known).and_then(tag) == Some(name)
        })
    }

    /// Merges open incidents that turn out to have one cause into the oldest: all instances of a
    /// service failed together, or most of a node or a zone. Returns the ones that were taken over.
    fn merge(&mut self, number: u64, verdict: &Verdict) -> Vec<Incident> {
        let together = |close: &dyn Fn(&Entry) -> BTreeSet<InstanceId>| {
            self.entries
                .iter()
                .filter(|(_, entry)| entry.is_open())
                .map(|(number, entry)| (*number, close(entry)))
                .filter(|(_, failed)| !failed.is_empty())
                .collect::<BTreeMap<_, _>>()
        };
        let all = |together: &BTreeMap<u64, BTreeSet<InstanceId>>| {
            together.values().flatten().cloned().collect()
        };
        let service = &verdict.instance.service;
        let of_service =
            together(&|entry| close_to(entry, verdict, |known| known.service == *service));
        if of_service.len() > 1 && whole_service(service, &all(&of_service), &self.members) {
            return self.join(number, of_service.into_keys().collect());
        }
        for tag in TAGS {
            let facts = self.members.get(&verdict.instance);
            let Some(name) = facts.and_then(|facts| tag(facts).cloned()) else {
                continue;
            };
            // An incident that reaches beyond the domain is not explained by it.
            let of_domain = together(&|entry| {
                let inside = self.inside(entry, verdict, (tag, &name));
                if inside == entry.instances() {
                    inside
                } else {
                    BTreeSet::new()
                }
            });
            if of_domain.len() > 1 && most_of((tag, &name), &all(&of_domain), &self.members) {
                return self.join(number, of_domain.into_keys().collect());
            }
        }
        Vec::new()
    }

    /// Lets the oldest of these incidents take over the others, and returns those.
    fn join(&mut self, number: u64, together: BTreeSet<u64>) -> Vec<Incident> {
        let oldest = together.first().copied().unwrap_or(number);
        let Some(mut home) = self.entries.remove(&oldest) else {
            return Vec::new();
        };
        let mut merged = Vec::new();
        for other in together.iter().filter(|other| **other != oldest) {
            if let Some(other) = self.entries.get_mut(other) {
                home.absorb(other);
                let facts = &self.members;
                other.incident.domain = domain(&other.instances(), facts);
                merged.push(other.incident.clone());
            }
        }
        self.entries.insert(oldest, home);
        merged
    }

    fn recover(&mut self, instance: &InstanceId, at: Timestamp) -> Vec<Incident> {
        let mut changed = Vec::new();
        for entry in self.entries.values_mut() {
            if entry.out.contains(instance) {
                entry.recover(instance, at);
                entry.unsaved = None;
                changed.push(entry.incident.clone());
            }
        }
        changed
    }

    fn bound(&mut self) {
        while self.entries.len() > INCIDENTS_MAX {
            let closed = self.entries.iter().find(|(_, entry)| !entry.is_open());
            let victim = closed.or_else(|| self.entries.iter().next());
            let Some(number) = victim.map(|(number, _)| *number) else {
                return;
            };
            self.entries.remove(&number);
        }
    }
}

/// The instances that are `such` and whose onsets in `entry` are close to the verdict's.
fn close_to(
    entry: &Entry,
    verdict: &Verdict,
    such: impl Fn(&InstanceId) -> bool,
) -> BTreeSet<InstanceId> {
    let verdicts = entry.incident.verdicts.iter();
    verdicts
        .filter(|known| such(&known.instance))
        .filter(|known| apart(known.onset, verdict.onset) <= JOIN_WITHIN)
        .map(|known| known.instance.clone())
        .collect()
}

/// Whether an incident is open or closed a moment ago.
fn lingers(incident: &Incident, now: Timestamp) -> bool {
    match incident.state {
        IncidentState::Open => true,
        IncidentState::Closed => {
            let recovered = incident.recovered;
            recovered.is_some_and(|at| now.since(at) <= LINGER)
        }
    }
}

fn apart(a: Timestamp, b: Timestamp) -> Duration {
    a.since(b).max(b.since(a))
}

fn number(id: &str) -> Option<u64> {
    id.strip_prefix("inc-")?.parse().ok()
}
