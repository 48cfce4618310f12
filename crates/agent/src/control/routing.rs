//! Who takes traffic: tells the gateway what the supervisor says, and the supervisor when a drained
//! instance has nothing in flight any more.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use ninefold_core::id::InstanceId;
use ninefold_core::time::Timestamp;
use ninefold_gateway::{Counters, EndpointView};
use tokio::sync::oneshot;

use super::core::{Control, now};

/// Drains under way, and since when whom is out of routing.
#[derive(Debug, Default)]
pub(crate) struct Routing {
    drains: Vec<Drain>,
    out: BTreeMap<InstanceId, Timestamp>,
    published: Vec<EndpointView>,
    /// Nothing is published while another supervisor takes over: it does not know yet who is ready.
    held: bool,
    /// They get no new requests, since they are about to leave.
    leaving: BTreeSet<InstanceId>,
}

/// What differs from the last time.
#[derive(Debug, Default)]
struct Moved {
    changed: bool,
    newly_in: Vec<InstanceId>,
    newly_out: Vec<InstanceId>,
}

/// An instance that the supervisor took out and wants to stop.
#[derive(Debug)]
struct Drain {
    instance: InstanceId,
    deadline: Instant,
    done: oneshot::Sender<()>,
}

impl Routing {
    pub(crate) fn drain(
        &mut self,
        instance: InstanceId,
        deadline: Instant,
        done: oneshot::Sender<()>,
    ) {
        self.drains.push(Drain {
            instance,
            deadline,
            done,
        });
    }

    pub(crate) const fn is_draining(&self) -> bool {
        !self.drains.is_empty()
    }

    /// Answers the drains whose instance has nothing in flight any more, once it is `known` that it is
    /// out, or whose time is up. Not while nothing is published: they still take requests then.
    pub(crate) fn finish_drains(&mut self, counters: &Counters, known: bool, at: Instant) {
        if self.held {
            return;
        }
        let in_flight = |instance: &InstanceId| {
            let endpoint = counters
                .endpoints
                .iter()
                .find(|endpoint| endpoint.instance == *instance);
            endpoint.map_or(0, |endpoint| endpoint.in_flight)
        };
        let finished =
            |drain: &mut Drain| (known && in_flight(&drain.instance) == 0) || at >= drain.deadline;
        for drain in self.drains.extract_if(.., finished) {
            // The supervisor may have given up waiting; then nobody needs the answer.
            drain.done.send(()).ok();
        }
    }

    /// Whether the gateway was told that it may take traffic.
    pub(crate) fn is_in(&self, instance: &InstanceId) -> bool {
        let mut published = self.published.iter();
        published.any(|view| view.admitted && view.instance == *instance)
    }

    /// Since when an instance is out of routing; nothing if it is in.
    pub(crate) fn out_since(&self, instance: &InstanceId) -> Option<Timestamp> {
        self.out.get(instance).copied()
    }

    /// Notes who is in and who is out, and says whether anything differs from what the gateway was
    /// told last, who came in and who went out since.
    fn note(&mut self, views: &[EndpointView], at: Timestamp) -> Moved {
        let mut moved = Moved::default();
        if *views == *self.published {
            return moved;
        }
        moved.changed = true;
        let admitted = self.published.iter().filter(|before| before.admitted);
        let were_in: BTreeSet<&InstanceId> = admitted.map(|before| &before.instance).collect();
        for view in views {
            if view.admitted {
                self.out.remove(&view.instance);
                if !were_in.contains(&view.instance) {
                    moved.newly_in.push(view.instance.clone());
                }
            } else if !self.out.contains_key(&view.instance) {
                self.out.insert(view.instance.clone(), at);
                moved.newly_out.push(view.instance.clone());
            }
        }
        self.published = views.to_vec();
        moved
    }
}

impl Control {
    /// Leaves the routing as it is until [`Control::release`].
    pub(crate) fn hold(&mut self) {
        self.routing.held = true;
    }

    /// Publishes again, and what has changed meanwhile.
    pub(crate) fn release(&mut self) {
        self.routing.held = false;
        self.publish();
    }

    /// Takes these out of routing, and nobody else; [`Control::is_busy`] says when they are done.
    pub(crate) fn let_leave(&mut self, instances: BTreeSet<InstanceId>) {
        self.routing.leaving = instances;
        self.publish();
    }

    /// Whether any of those that leave has requests under way.
    pub(crate) fn is_busy(&self) -> bool {
        let counters = self.parts.gateway.counters();
        let mut endpoints = counters.endpoints.iter();
        endpoints.any(|one| one.in_flight > 0 && self.routing.leaving.contains(&one.instance))
    }

    /// Tells the gateway who takes traffic, if that changed.
    pub(crate) fn publish(&mut self) {
        if self.routing.held {
            return;
        }
        let mut views = self.own_endpoints();
        let admitted = |views: &[EndpointView]| -> BTreeSet<InstanceId> {
            let admitted = views.iter().filter(|view| view.admitted);
            admitted.map(|view| view.instance.clone()).collect()
        };
        let mut ready = admitted(&views);
        self.withhold(&mut views);
        if self.cluster.is_some() {
            views = self.share(views);
            ready.append(&mut admitted(&views));
        }
        self.quarantine(&ready);
        self.withhold(&mut views);
        let at = now();
        let moved = self.routing.note(&views, at);
        if moved.changed {
            self.parts.gateway.publish(views);
        }
        for instance in moved.newly_out {
            self.isolated(&instance, at);
        }
        for instance in moved.newly_in {
            self.ready(&instance, at);
        }
    }

    /// Tells other nodes of this one's instances, whatever this gateway was told of them.
    pub(crate) fn tell_all(&mut self) {
        let mut own = self.own_endpoints();
        self.withhold(&mut own);
        self.tell(&own, &BTreeMap::new());
    }

    /// What this node runs or watches.
    fn own_endpoints(&self) -> Vec<EndpointView> {
        let leaving = &self.routing.leaving;
        let endpoints = self.parts.supervisor.endpoints().into_iter();
        endpoints
            .map(|endpoint| EndpointView {
                admitted: endpoint.admitted && !leaving.contains(&endpoint.instance),
                instance: endpoint.instance,
                address: endpoint.address,
                zone: endpoint.zone,
                degraded: endpoint.degraded,
                doubtful: endpoint.doubtful,
                weight: endpoint.weight,
                backup: endpoint.backup,
                ready_since: endpoint.ready_since,
                host: endpoint.host,
                incarnation: endpoint.incarnation,
                own: true,
            })
            .collect()
    }
}
