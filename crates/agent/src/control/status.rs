//! The node's status, assembled from everybody who knows a part of it.

use std::time::Duration;

use ninefold_config::model::{self, ServiceKind};
use ninefold_core::slo::RouteTotals;
use ninefold_core::status::{
    BreakerStatus, BulkheadStatus, CacheStatus, ClassCount, EndStatus, GossipStatus, InstanceState,
    InstanceStatus, ListenerStatus, MirrorStatus, NodeStatus, OverloadStatus, PoolStatus, Rotation,
    RouteStatus, ServiceStatus, SloStatus, SplitStatus, ZoneStatus,
};
use ninefold_core::taxonomy::FailureClass;
use ninefold_core::time::Timestamp;
use ninefold_gateway::{
    BreakerCounters, BulkheadCounters, CacheCounters, CacheResult, Exemplars, Mirrored,
    PoolCounters, RequestEnd, RouteCounters, ServiceCounters, SplitCounters, ZoneCounters,
};

use super::core::{Control, now};
use crate::tolerance::{domains_left, failures_left};

impl Control {
    /// Everything at this moment.
    pub(crate) fn status(&self) -> NodeStatus {
        let at = now();
        let instances = self.instances();
        let mut degraded: Vec<String> = self.parts.journal.problem().into_iter().collect();
        degraded.extend(self.ledger_problem.clone());
        degraded.extend(self.spies.problems());
        let gossip = self.gossip();
        degraded.extend(gossip.as_ref().and_then(GossipStatus::problem));
        NodeStatus {
            cluster: self.parts.file.cluster.name.to_string(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            pid: std::process::id(),
            started: self.started,
            at,
            config: self.parts.config.clone(),
            phase: self.phase.name().to_owned(),
            listeners: self.listeners(),
            services: self.services(&instances),
            node: self.own_name(),
            members: self.members(),
            gossip,
            instances,
            routes: self.routes(),
            slos: self.slos(at),
            open_incidents: self
                .parts
                .incidents
                .open()
                .map(|incident| incident.id.clone())
                .collect(),
            reliability: self.parts.incidents.reliability(),
            opinions: self.opinions(),
            faults: self.faults.list(),
            degraded,
        }
    }

    /// The supervisor's instances, with what the gateway and the classifier know of them.
    fn instances(&self) -> Vec<InstanceStatus> {
        let mut instances = self.parts.supervisor.instances();
        for instance in &mut instances {
            instance.node = self.own_name();
        }
        instances.extend(self.peers_instances());
        instances.sort_by(|a, b| a.instance.cmp(&b.instance));
        for instance in &mut instances {
            if let Some(counters) = self.deltas.endpoint(&instance.instance) {
                instance.ejected = counters.ejected();
                instance.ejection = counters.ejection.as_deref().map(str::to_owned);
                if instance.state == InstanceState::Ready {
                    instance.rotation = counters.rotation;
                }
                instance.in_flight = counters.in_flight;
            }
            if let Some(reason) = self.condemned.get(&instance.instance) {
                instance.ejected = true;
                instance.ejection = Some(reason.clone());
            }
            if let Some(reason) = self.parts.quarantine.reason(&instance.instance) {
                instance.quarantine = Some(reason.to_owned());
            }
            if instance.quarantine.is_some() {
                instance.rotation = Rotation::Quarantined;
            }
            let verdict = self.parts.detector.verdict(&instance.instance);
            instance.verdict = verdict.map(|verdict| verdict.class);
            let waits = instance.state == InstanceState::Starting && instance.pid.is_none();
            if waits && instance.reason.is_none() && !self.preparing.is_empty() {
                let reasons: Vec<&str> = self.preparing.values().map(String::as_str).collect();
                instance.reason = Some(reasons.join("; "));
            }
        }
        instances
    }

    /// The objectives, with their bad events divided.
    fn slos(&self, at: Timestamp) -> Vec<SloStatus> {
        let mut slos = self.parts.ledger.slos(at);
        for slo in &mut slos {
            let Some(bad) = self.bad.get(&format!("{}/{}", slo.slo, slo.indicator)) else {
                continue;
            };
            let count = |(class, events): (&FailureClass, &u64)| ClassCount {
                class: *class,
                events: *events,
            };
            slo.bad_by_class = bad.counts().iter().map(count).collect();
        }
        slos
    }

    fn listeners(&self) -> Vec<ListenerStatus> {
        let counters = self.parts.gateway.counters();
        let addresses = self.parts.gateway.addresses();
        self.parts
            .file
            .listeners
            .iter()
            .zip(addresses)
            .zip(&counters.listeners)
            .map(|((listener, address), counters)| ListenerStatus {
                address: address.to_string(),
                scheme: scheme(listener).to_owned(),
                tls: !listener.tls.is_empty(),
                egress: listener.egress,
                connections: counters.connections_open,
            })
            .collect()
    }

    fn services(&self, instances: &[InstanceStatus]) -> Vec<ServiceStatus> {
        let counters = self.parts.gateway.counters();
        let sources = self.parts.supervisor.sources();
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let service = |(name, service): (&model::Name, &model::Service)| {
            let ready: Vec<&InstanceStatus> = instances
                .iter()
                .filter(|instance| *instance.service == **name)
                .filter(|instance| instance.state == InstanceState::Ready && !instance.ejected)
                .filter(|instance| instance.quarantine.is_none())
                .collect();
            let zones: Vec<_> = ready.iter().map(|one| one.zone.as_deref()).collect();
            let nodes: Vec<_> = ready.iter().map(|one| one.node.as_deref()).collect();
            let (desired, min_ready, supervised) = match &service.kind {
                ServiceKind::Supervised(supervised) => {
                    (supervised.replicas, supervised.min_ready, true)
                }
                ServiceKind::External(external) if external.source.is_some() => {
                    let there = instances.iter().filter(|one| *one.service == **name);
                    let there = there.filter(|one| one.state != InstanceState::Stopping);
                    (count(there.count()), 1, false)
                }
                ServiceKind::External(external) => (count(external.endpoints.len()), 1, false),
            };
            ServiceStatus {
                service: name.to_string(),
                supervised,
                desired,
                ready: count(ready.len()),
                failures_left: failures_left(ready.len(), min_ready),
                zone_failures_left: domains_left(&zones, min_ready),
                node_failures_left: self
                    .cluster
                    .is_some()
                    .then(|| domains_left(&nodes, min_ready)),
                overload: overload(&counters.services, name),
                breaker: breaker(&counters.breakers, name),
                pool: pool(&counters.pools, name),
                source: sources.get(&**name).cloned(),
            }
        };
        self.parts.file.services.iter().map(service).collect()
    }

    fn routes(&self) -> Vec<RouteStatus> {
        let listed = self
            .parts
            .file
            .listeners
            .iter()
            .flat_map(|listener| &listener.routes);
        let totals = self.parts.ledger.routes();
        let exemplars = self.parts.gateway.exemplars();
        listed
            .map(|route| {
                let totals = totals
                    .iter()
                    .find(|(name, _)| **name == *route.name)
                    .map_or_else(RouteTotals::default, |(_, totals)| *totals);
                let counters = self.deltas.route(&route.name);
                let seconds = |quantile| {
                    let nanos = counters.and_then(|counters| counters.latency.quantile(quantile));
                    nanos.map_or(0.0, |nanos| Duration::from_nanos(nanos).as_secs_f64())
                };
                RouteStatus {
                    route: route.name.to_string(),
                    service: route.service.to_string(),
                    requests: totals.requests,
                    ok: totals.ok,
                    failed: totals.failed,
                    cancelled: totals.cancelled,
                    refused: totals.refused,
                    masked: totals.masked,
                    dimmed: counters.map_or(0, |counters| counters.dimmed),
                    optional_share: counters.and_then(|counters| counters.optional_share),
                    injected: counters.map_or(0, |counters| counters.injected),
                    injected_failed: counters.map_or(0, |counters| counters.injected_failed),
                    fallbacks: counters.map_or(0, |counters| {
                        counters.fallbacks.iter().map(|(_, count)| count).sum()
                    }),
                    ends: counters.map_or_else(Vec::new, |counters| ends(counters, &exemplars)),
                    bulkhead: counters
                        .and_then(|counters| counters.bulkhead.as_ref())
                        .map(bulkhead),
                    cache: counters
                        .and_then(|counters| counters.cache.as_ref())
                        .map(cache),
                    mirror: counters.and_then(mirror),
                    split: counters
                        .and_then(|counters| counters.split.as_ref())
                        .map(split),
                    p50_seconds: seconds(0.5),
                    p99_seconds: seconds(0.99),
                }
            })
            .collect()
    }
}

fn overload(counters: &[ServiceCounters], service: &str) -> Option<OverloadStatus> {
    let found = counters.iter().find(|one| &*one.service == service)?;
    Some(OverloadStatus {
        limit: found.limit,
        in_flight: found.in_flight,
        waiting: found.waiting,
        shed: found.refused.iter().map(|(_, count)| count).sum(),
    })
}

fn breaker(counters: &[BreakerCounters], service: &str) -> Option<BreakerStatus> {
    let found = counters.iter().find(|one| &*one.service == service)?;
    let millis = |left: Duration| u64::try_from(left.as_millis()).unwrap_or(u64::MAX);
    Some(BreakerStatus {
        state: found.state.clone(),
        calls: found.calls,
        failed: found.failed,
        left_ms: found.left.map(millis),
        opened: found.opened,
        refused: found.refused,
    })
}

/// The most frequent first; what never happened is left out.
fn ends(counters: &RouteCounters, exemplars: &Exemplars) -> Vec<EndStatus> {
    let counted = counters.ends.iter().filter(|(_, requests)| *requests > 0);
    let status = |(end, requests): &(RequestEnd, u64)| EndStatus {
        by: end.by().to_owned(),
        phase: end.phase_name().to_owned(),
        cause: end.cause().to_owned(),
        requests: *requests,
        trace_id: exemplars
            .ended(&counters.route, *end)
            .map(|(trace, _)| trace.to_owned()),
    };
    let mut ends: Vec<EndStatus> = counted.map(status).collect();
    ends.sort_by_key(|end| std::cmp::Reverse(end.requests));
    ends
}

const fn bulkhead(counters: &BulkheadCounters) -> BulkheadStatus {
    BulkheadStatus {
        places: counters.places,
        in_flight: counters.in_flight,
        shards: counters.shards,
        full: counters.full,
        refused_key: counters.refused_key,
        refused_all: counters.refused_all,
    }
}

fn mirror(counters: &RouteCounters) -> Option<MirrorStatus> {
    let of = |end: Mirrored| {
        let mut all = counters.mirrored.iter();
        all.find(|(known, _)| *known == end)
            .map_or(0, |(_, count)| *count)
    };
    (!counters.mirrored.is_empty()).then(|| MirrorStatus {
        ok: of(Mirrored::Ok),
        failed: of(Mirrored::Failed),
        refused: of(Mirrored::Refused),
        skipped: of(Mirrored::Skipped),
    })
}

fn split(counters: &SplitCounters) -> SplitStatus {
    let ((requests, failed), (main_requests, main_failed)) = (counters.canary, counters.main);
    SplitStatus {
        service: counters.service.to_string(),
        requests,
        failed,
        main_requests,
        main_failed,
        rolled_back: counters.rolled_back.clone(),
    }
}

fn cache(counters: &CacheCounters) -> CacheStatus {
    CacheStatus {
        bytes: counters.bytes,
        entries: counters.entries,
        hits: counters.count(CacheResult::Hit),
        stale: counters.count(CacheResult::Stale),
        revalidated: counters.count(CacheResult::Revalidated),
        misses: counters.count(CacheResult::Miss),
    }
}

fn pool(counters: &[PoolCounters], service: &str) -> PoolStatus {
    let found = counters.iter().find(|one| &*one.service == service);
    let status = |pool: &PoolCounters| PoolStatus {
        balance: pool.balance.to_owned(),
        in_rotation: pool.in_rotation,
        of: pool.of,
        backups: pool.backups,
        too_few: pool.too_few.then(|| pool.when_too_few.name().to_owned()),
        degraded: pool.degraded,
        degraded_share: pool.degraded_share,
        zones: pool.zones.iter().map(zone).collect(),
    };
    found.map(status).unwrap_or_default()
}

fn zone(counters: &ZoneCounters) -> ZoneStatus {
    ZoneStatus {
        zone: counters.zone.as_deref().map(str::to_owned),
        region: counters.region.as_deref().map(str::to_owned),
        share: counters.share,
        in_rotation: counters.in_rotation,
        of: counters.of,
    }
}

const fn scheme(listener: &model::Listener) -> &'static str {
    match (listener.protocol, listener.tls.is_empty()) {
        (model::Protocol::Http, true) => "http",
        (model::Protocol::Http, false) => "https",
        (model::Protocol::Tcp, true) => "tcp",
        (model::Protocol::Tcp, false) => "tls",
    }
}
