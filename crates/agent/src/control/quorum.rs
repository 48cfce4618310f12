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
    /// What this gateway has ejected, or holds for wrong, as the others are told.
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
        for view in views {
            if let Some(reason) = self.parts.quarantine.reason(&view.instance) {
                let here = EjectedHere::new(view.incarnation, reason);
                ejected.insert(view.instance.clone(), here);
            }
        }
        if is_likely_sick(ejected.len(), views.len()) {
            ejected.clear();
        }
        ejected
    }

    /// Takes those out that the gateways of several other nodes have ejected.
    pub(super) fn heed_others(&mut self, views: &mut [EndpointView]) {
        let Some(cluster) = &self.cluster else {
            return;
        };
        let condemned = condemn(views, |view| {
            cluster.peers.ejected_by(&view.instance, view.incarnation)
        });
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

/// Whether one to whom so many of all are bad is the likely cause itself.
const fn is_likely_sick(bad: usize, all: usize) -> bool {
    bad * 2 > all
}

/// Takes out whom enough others have ejected (`by`: who has, and why), and says why.
fn condemn<'a>(
    views: &mut [EndpointView],
    by: impl Fn(&EndpointView) -> (Vec<Arc<str>>, Option<&'a str>),
) -> BTreeMap<InstanceId, String> {
    let mut ready: BTreeMap<Arc<str>, usize> = BTreeMap::new();
    for view in views.iter().filter(|view| view.admitted) {
        let service = Arc::clone(&view.instance.service);
        *ready.entry(service).or_default() += 1;
    }
    let mut left = ready.clone();
    let mut condemned = BTreeMap::new();
    for view in views.iter_mut().filter(|view| view.admitted) {
        let service = &view.instance.service;
        let (Some(all), Some(left)) = (ready.get(service), left.get_mut(service)) else {
            continue;
        };
        let (by, why) = by(view);
        if by.len() >= QUORUM && (*left - 1) * 2 >= *all {
            *left -= 1;
            view.admitted = false;
            // Better than nothing, if nothing is left.
            view.doubtful = true;
            let (by, why) = (by.join(", "), why.unwrap_or_default());
            let reason = format!("by the gateways of {by}: {why}");
            condemned.insert(view.instance.clone(), reason);
        }
    }
    condemned
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(service: &str, ordinal: u32) -> EndpointView {
        EndpointView {
            instance: InstanceId::new(service, ordinal),
            address: "127.0.0.1:1".parse().unwrap(),
            zone: None,
            admitted: true,
            degraded: false,
            doubtful: false,
            weight: 1,
            backup: false,
            ready_since: None,
            host: None,
            incarnation: 1,
            own: true,
        }
    }

    /// Of four, those are out then that so many others have ejected.
    fn out(ejected: &[(u32, usize)]) -> Vec<u32> {
        let mut views: Vec<_> = (0..4).map(|n| view("web", n)).collect();
        views.push(view("other", 0));
        let condemned = condemn(&mut views, |view| {
            let found = ejected
                .iter()
                .find(|(n, _)| view.instance.ordinal == *n && &*view.instance.service == "web");
            let by = found.map_or(0, |(_, by)| *by);
            let names = (0..by).map(|n| format!("n{n}").into()).collect();
            (names, Some("slow"))
        });
        let out = views.iter().filter(|view| !view.admitted);
        let out: Vec<u32> = out
            .inspect(|view| assert!(view.doubtful, "{view:?}"))
            .map(|view| view.instance.ordinal)
            .collect();
        assert_eq!(condemned.len(), out.len());
        out
    }

    #[test]
    fn one_gateway_alone_condemns_nobody() {
        assert!(out(&[(1, 1)]).is_empty());
        assert_eq!(out(&[(1, 2)]), [1]);
        assert_eq!(out(&[(1, 3), (2, 1)]), [1]);
    }

    #[test]
    fn half_of_a_service_stays_whatever_others_say() {
        assert_eq!(out(&[(0, 3), (1, 3), (2, 3), (3, 3)]), [0, 1]);
        let mut alone = [view("web", 0)];
        let condemned = condemn(&mut alone, |_| (vec!["a".into(), "b".into()], None));
        assert!(condemned.is_empty() && alone[0].admitted);
        // Who is out already does not count.
        let mut two = [view("web", 0), view("web", 1)];
        two[1].admitted = false;
        let condemned = condemn(&mut two, |_| (vec!["a".into(), "b".into()], None));
        assert!(condemned.is_empty() && two[0].admitted);
    }

    #[test]
    fn one_to_whom_most_are_bad_is_the_likely_cause() {
        let sick: Vec<bool> = (0..=4).map(|bad| is_likely_sick(bad, 4)).collect();
        assert_eq!(sick, [false, false, false, true, true]);
        assert!(!is_likely_sick(0, 0));
    }
}
