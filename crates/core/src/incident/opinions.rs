use std::collections::{BTreeMap, BTreeSet};

use crate::detect::Facts;
use crate::event::{Incident, Opinion};
use crate::id::InstanceId;

/// Opinions of an incident at most, the first ones: those of its domain and of the first of its instances.
const INCIDENT_OPINIONS_MAX: usize = 8;

/// Subjects that are not well, of which opinions are kept at most.
const OPINIONS_MAX: usize = 256;

/// What is thought of those that are not well now.
#[derive(Clone, Debug, Default)]
pub(super) struct Opinions(BTreeMap<String, Opinion>);

impl Opinions {
    pub(super) fn learn(&mut self, opinion: &Opinion) {
        if opinion.class.is_none() {
            self.0.remove(&opinion.subject);
        } else if self.0.len() < OPINIONS_MAX || self.0.contains_key(&opinion.subject) {
            self.0.insert(opinion.subject.clone(), opinion.clone());
        }
    }

    /// Adds what is thought of an incident's domain and instances; whether that changed it. What was thought stays
    /// with it when the subject is well again.
    pub(super) fn attach(
        &self,
        incident: &mut Incident,
        members: &BTreeMap<InstanceId, Facts>,
    ) -> bool {
        let mut changed = false;
        for subject in subjects(incident, members) {
            let Some(opinion) = self.0.get(&subject) else {
                continue;
            };
            let room = incident.opinions.len() < INCIDENT_OPINIONS_MAX;
            let mut known = incident.opinions.iter_mut();
            match known.find(|known| known.subject == subject) {
                Some(known) if known == opinion => {}
                Some(known) => {
                    known.clone_from(opinion);
                    changed = true;
                }
                None if room => {
                    incident.opinions.push(opinion.clone());
                    changed = true;
                }
                None => {}
            }
        }
        changed
    }
}

fn subjects(incident: &Incident, members: &BTreeMap<InstanceId, Facts>) -> Vec<String> {
    let mut subjects = vec![incident.domain.clone()];
    let mut beyond = BTreeSet::new();
    for verdict in &incident.verdicts {
        subjects.push(format!("instance {}", verdict.instance));
        if let Some(facts) = members.get(&verdict.instance) {
            beyond.extend(facts.node.as_ref().map(|node| format!("node {node}")));
            beyond.extend(facts.zone.as_ref().map(|zone| format!("zone {zone}")));
        }
    }
    subjects.extend(beyond);
    let mut seen = BTreeSet::new();
    subjects.retain(|subject| seen.insert(subject.clone()));
    subjects
}
