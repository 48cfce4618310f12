//! What gateways of several nodes hold against an endpoint counts everywhere.
//!
//! One gateway that ejects an endpoint keeps its own traffic away, and tells the others. From [`QUORUM`] of them on
//! the endpoint is out at those as well which have seen nothing. They do not try it: those who ejected it do, by
//! canaries, and take back what they said.
//!
//! Two rules against one sick node that condemns all: a gateway to which more than half of all endpoints are bad takes
//! itself for the cause and tells nothing, and the word of others never leaves a service less than half of what is
//! ready.

use std::collections::BTreeMap;
use std::sync::Arc;

use ninefold_core::event::EventKind;
use ninefold_core::id::InstanceId;
use ninefold_gateway::EndpointView;

use super::core::Control;
use crate::cluster::EjectedHere;

/// So many gateways condemn an endpoint for all.
const QUORUM: usize = 2;

impl Control {
    /// What this gateway has ejected, as the others are told.
    pub(super) fn ejected_here(&self, views: &[EndpointView]) -> BTreeMap<InstanceId, EjectedHere> {
        let mut ejected = BTreeMap::new();
        for view in views {
            let counters = self.deltas.endpoint(&view.instance);
            if let Some(counters) = counters.filter(|counters| counters.ejected()) {
                let reason = counters.ejection.as_deref().unwrap_or_default();
                let here = EjectedHere::new(view.incarnation, reason);
                ejected.insert(view.instance.clone(), here);
            }
        }
        if ejected.len() * 2 > views.len() {
            ejected.clear();
        }
        ejected
    }

    /// Takes those out that the gateways of several other nodes have ejected.
    pub(super) fn heed_others(&mut self, views: &mut [EndpointView]) {
        let Some(cluster) = &self.cluster else {
            return;
        };
        let mut ready: BTreeMap<Arc<str>, usize> = BTreeMap::new();
        for view in views.iter().filter(|view| view.admitted) {
            *ready.entry(Arc::clone(&view.instance.service)).or_default() += 1;
        }
        let mut left = ready.clone();
        let mut condemned = BTreeMap::new();
        for view in views.iter_mut().filter(|view| view.admitted) {
            let (by, why) = cluster.peers.ejected_by(&view.instance, view.incarnation);
            let service = &view.instance.service;
            let all = ready.get(service).copied().unwrap_or(0);
            let Some(left) = left.get_mut(service) else {
                continue;
            };
            if by.len() >= QUORUM && (*left - 1) * 2 >= all {
                *left -= 1;
                view.admitted = false;
                // Better than nothing, if nothing is left.
                view.doubtful = true;
                let by = by.join(", ");
                let why = why.unwrap_or_default();
                let reason = format!("by the gateways of {by}: {why}");
                condemned.insert(view.instance.clone(), reason);
            }
        }
        self.tell_condemned(condemned);
    }

    fn tell_condemned(&mut self, condemned: BTreeMap<InstanceId, String>) {
        let before = std::mem::replace(&mut self.condemned, condemned);
        for (instance, reason) in &self.condemned {
            if !before.contains_key(instance) {
                let (instance, reason) = (instance.clone(), reason.clone());
                let for_ns = 0;
                self.record(EventKind::EndpointEjected {
                    instance,
                    reason,
                    for_ns,
                });
            }
        }
        for instance in before.into_keys() {
            if !self.condemned.contains_key(&instance) {
                self.record(EventKind::EndpointReadmitted { instance });
            }
        }
    }
}
