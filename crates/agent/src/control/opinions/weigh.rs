//! What is taken together once a second: what callers met at instances, how fast these answered, and what their probes
//! say. What callers fail with is taken at once as well.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ninefold_cluster::evidence::matrix::Known;
use ninefold_cluster::evidence::{Channel, Said, Sign, Subject};
use ninefold_cluster::membership::Status;
use ninefold_core::id::InstanceId;
use ninefold_core::status::InstanceState;
use ninefold_core::time::Timestamp;

use super::said;
use crate::cluster::{View, is_way_well};
use crate::control::core::Control;

impl Control {
    /// What callers met at each instance that they met anything at.
    pub(super) fn weigh_callers(&mut self, beyond: &BTreeSet<Arc<str>>, at: Timestamp) {
        let instances: Vec<InstanceId> = self.parts.detector.instances().cloned().collect();
        for instance in instances {
            self.weigh_callers_of(&instance, beyond, at);
        }
    }

    /// What callers met at an instance.
    pub(super) fn weigh_callers_of(
        &mut self,
        instance: &InstanceId,
        beyond: &BTreeSet<Arc<str>>,
        at: Timestamp,
    ) {
        let reached = !self.is_on(instance, beyond);
        let word = self.parts.detector.callers(instance, at);
        let word = word.filter(|_| reached);
        let said = word.map_or(Said::Nothing(Channel::Callers), said::of_callers);
        if reached && self.opinions.still_holds(instance, said, at) {
            return;
        }
        let subject = Subject::Instance(instance.clone());
        let spoken_of = self.opinions.ledger.knows(&subject);
        if spoken_of || word.is_some() {
            self.opinions.see(instance, "callers", said, at);
        }
        if !reached && self.opinions.accusers.speak_of(instance) {
            let nothing = Said::Nothing(Channel::Callers);
            self.opinions.see(instance, said::GATEWAY, nothing, at);
        }
    }

    /// The nodes that this one does not reach as it should: what its callers meet at their instances, and whom its gateway
    /// ejects there, the way explains.
    pub(super) fn beyond(&self) -> BTreeSet<Arc<str>> {
        let cluster = self.cluster.as_ref();
        let view = cluster.map(|cluster| cluster.gossip.shared().view());
        view.as_deref().map(beyond_bad_ways).unwrap_or_default()
    }

    pub(super) fn is_on(&self, instance: &InstanceId, nodes: &BTreeSet<Arc<str>>) -> bool {
        let facts = self.parts.detector.facts(instance);
        let node = facts.and_then(|facts| facts.node.as_ref());
        node.is_some_and(|node| nodes.contains(node))
    }

    /// How fast instances answer callers, beside their peers.
    pub(super) fn weigh_ranks(&mut self, beyond: &BTreeSet<Arc<str>>, at: Timestamp) {
        let ranks: BTreeMap<InstanceId, bool> = self.parts.detector.ranks(at).into_iter().collect();
        let instances: Vec<InstanceId> = self.parts.detector.instances().cloned().collect();
        for instance in instances {
            let reached = !self.is_on(&instance, beyond);
            let rank = ranks.get(&instance).filter(|_| reached);
            let said = match rank {
                Some(true) => Said::Sign(Sign::Slow),
                Some(false) => Said::Sign(Sign::Usual),
                None => Said::Nothing(Channel::Rank),
            };
            let spoken_of = self
                .opinions
                .ledger
                .knows(&Subject::Instance(instance.clone()));
            if spoken_of || rank.is_some() {
                self.opinions.see(&instance, "times", said, at);
            }
            if !reached && self.opinions.accusers.speak_of(&instance) {
                let nothing = Said::Nothing(Channel::Rank);
                self.opinions.see(&instance, said::GATEWAY, nothing, at);
            }
        }
    }

    /// What the probes of other nodes say of instances that somebody speaks ill of: those who run an instance ask it.
    pub(super) fn weigh_probes(&mut self, at: Timestamp) {
        for status in self.peers_instances() {
            let subject = Subject::Instance(status.instance);
            if !self.opinions.ledger.knows(&subject) {
                continue;
            }
            let said = if status.state == InstanceState::Ready {
                Said::Sign(Sign::Answers)
            } else {
                Said::Nothing(Channel::Edge)
            };
            let probe = format!("probe of {}", status.node.unwrap_or_default());
            self.opinions.sign(subject, &probe, said, at);
        }
    }
}

fn beyond_bad_ways(view: &View) -> BTreeSet<Arc<str>> {
    let others = view.members.iter().filter(|member| member.id != view.me);
    let beyond = others.filter(|member| !is_way_well(member));
    beyond.map(|member| Arc::clone(&member.name)).collect()
}

/// The members, for the ledger.
pub(super) fn known(view: &View) -> Vec<Known> {
    let members = view.members.iter();
    let members = members.filter(|member| member.status != Status::Left);
    let known = members.map(|member| Known {
        name: Arc::clone(&member.name),
        zone: (!member.zone.is_empty()).then(|| Arc::clone(&member.zone)),
        process: member.process(),
        alive: member.status == Status::Alive,
        host: member.host,
    });
    known.collect()
}
