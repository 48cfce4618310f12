//! Sums over the threads.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use ninefold_core::address::Address;
use ninefold_core::balance::{Eligible, Place};
use ninefold_core::observation::CallerReport;
use ninefold_core::policy::Criticality;
use ninefold_core::status::Rotation;

use crate::cache::CacheResult;
use crate::checks::Checked;
use crate::counters::{
    BreakerCounters, BulkheadCounters, CacheCounters, Counters, EndpointCounters, ListenerCounters,
    PoolCounters, RouteCounters, ServiceCounters, SplitCounters, ZoneCounters,
};
use crate::exemplars::{Exemplars, RouteExemplars};
use crate::fallback::FallbackCause;
use crate::fleet::{Endpoint, Hub, Place as Standing};
use crate::isolation::{RouteBulkhead, ServiceBreaker};
use crate::meter::{EndpointCells, Histogram, ListenerCells, RouteCells, bounds, load};
use crate::mirror::Mirrored;
use crate::overload::Gate;
use crate::places::OWN;
use crate::plan::{NO_ROUTE, ServicePlan};
use crate::rate_limit::RouteLimit;
use crate::request_end::RequestEnd;
use crate::split::Split;

/// All counters of a gateway.
pub(crate) fn counters(hub: &Hub) -> Counters {
    let names = hub
        .plan
        .routes
        .iter()
        .map(|route| {
            let service = hub.plan.services.get(route.service);
            let service = service.map_or_else(|| "".into(), |service| Arc::clone(&service.name));
            (
                Arc::clone(&route.name),
                service,
                route.thresholds.as_slice(),
            )
        })
        .chain([(NO_ROUTE.into(), "".into(), [].as_slice())]);
    Counters {
        listeners: hub
            .listeners
            .iter()
            .zip(&hub.addresses)
            .map(|(cells, address)| listener(cells, address))
            .collect(),
        routes: names
            .enumerate()
            .map(|(index, (name, service, thresholds))| {
                let mut total = RouteCounters::new(name, service, thresholds);
                let plan = hub.plan.routes.get(index);
                if plan.is_some_and(|plan| plan.mirror.is_some()) {
                    total.mirrored = Mirrored::ALL.map(|end| (end, 0)).into();
                }
                if plan.is_some_and(|plan| plan.checks.is_some()) {
                    total.checked = Checked::ALL.map(|result| (result, 0)).into();
                }
                for cells in hub.routes.iter().filter_map(|thread| thread.get(index)) {
                    total.add(cells);
                }
                let limit = hub.limits.get(index).and_then(Option::as_ref);
                let hedge = hub.hedges.get(index).and_then(Option::as_ref);
                total.hedge_delay = hedge.and_then(|hedge| hedge.delay(0, hub.clock.now()));
                total.rate_limited = limit.map_or(0, RouteLimit::refused);
                total.cache = cache(hub, index);
                let dimmer = hub.dimmers.get(index).and_then(Option::as_ref);
                total.optional_share = dimmer.map(|dimmer| dimmer.share());
                let bulkhead = hub.bulkheads.get(index).and_then(Option::as_ref);
                total.bulkhead = bulkhead.map(bulkhead_counters);
                let split = hub.splits.get(index).and_then(Option::as_ref);
                total.split = split.map(|split| split_counters(split));
                total
            })
            .collect(),
        services: services(hub),
        breakers: breakers(hub),
        pools: pools(hub),
        endpoints: hub
            .known()
            .iter()
            .map(|known| endpoint(hub, known))
            .collect(),
        access_log_dropped: hub.logs.dropped(),
    }
}

/// Requests that stand for others.
pub(crate) fn exemplars(hub: &Hub) -> Exemplars {
    let names = hub.plan.routes.iter().map(|route| Arc::clone(&route.name));
    let routes = names.chain([NO_ROUTE.into()]).enumerate();
    let of = |(index, name): (usize, Arc<str>)| {
        let mut all = RouteExemplars::new(name);
        for cells in hub.routes.iter().filter_map(|thread| thread.get(index)) {
            all.add(cells);
        }
        (!all.is_empty()).then_some(all)
    };
    Exemplars {
        routes: routes.filter_map(of).collect(),
    }
}

/// Whether both generations have the same places on a route.
fn shares_places(one: &Hub, other: &Hub, route: &str) -> bool {
    let both = bulkhead(one, route).zip(bulkhead(other, route));
    both.is_some_and(|(mine, theirs)| mine.is_shared_with(theirs))
}

fn bulkhead<'a>(hub: &'a Hub, route: &str) -> Option<&'a RouteBulkhead> {
    let mut routes = hub.plan.routes.iter().zip(&hub.bulkheads);
    let (_, bulkhead) = routes.find(|(plan, _)| *plan.name == *route)?;
    bulkhead.as_ref()
}

/// The same of a gateway that shares places with `other`, which shows them already.
pub(crate) fn counters_beside(other: &Hub, hub: &Hub) -> Counters {
    let gate = |hub: &Hub, name: &str| {
        let mut named = hub.plan.services.iter().zip(&hub.overload);
        let (_, gate) = named.find(|(plan, _)| *plan.name == *name)?;
        gate.clone()
    };
    let mut counters = counters(hub);
    for service in &mut counters.services {
        let gates = gate(hub, &service.service).zip(gate(other, &service.service));
        if gates.is_some_and(|(one, other)| one.is_shared_with(&other)) {
            service.in_flight = 0;
            service.waiting = 0;
        }
    }
    for route in &mut counters.routes {
        if shares_places(other, hub, &route.route)
            && let Some(bulkhead) = &mut route.bulkhead
        {
            bulkhead.in_flight = 0;
        }
        let of = |hub: &Hub| {
            let mut routes = hub.plan.routes.iter();
            let index = routes.position(|plan| plan.name == route.route)?;
            hub.caches.of(index).map(Arc::clone)
        };
        let caches = of(hub).zip(of(other));
        let shared = caches.is_some_and(|(one, other)| Arc::ptr_eq(&one, &other));
        if let Some(cache) = route.cache.as_mut().filter(|_| shared) {
            cache.bytes = 0;
            cache.entries = 0;
        }
    }
    counters
}

fn bulkhead_counters(bulkhead: &RouteBulkhead) -> BulkheadCounters {
    let (view, config) = bulkhead.view();
    let (refused_key, refused_all) = bulkhead.refused();
    BulkheadCounters {
        places: u64::from(config.shards) * u64::from(config.max_concurrent_calls),
        in_flight: view.in_flight,
        shards: config.shards.into(),
        full: view.full.into(),
        refused_key,
        refused_all,
    }
}

fn split_counters(split: &Split) -> SplitCounters {
    let (main, canary) = split.sides();
    SplitCounters {
        service: Arc::clone(&split.service),
        canary: (canary.ended, canary.failed),
        main: (main.ended, main.failed),
        rolled_back: split.worse().map(|worse| worse.to_string()),
    }
}

fn cache(hub: &Hub, route: usize) -> Option<CacheCounters> {
    let (bytes, entries) = hub.caches.of(route)?.held();
    let mut requests = [0; CacheResult::ALL.len()];
    for cells in hub.routes.iter().filter_map(|thread| thread.get(route)) {
        for (sum, cell) in requests.iter_mut().zip(&cells.cache) {
            *sum += load(cell);
        }
    }
    Some(CacheCounters {
        bytes,
        entries,
        requests,
    })
}

fn services(hub: &Hub) -> Vec<ServiceCounters> {
    let named = hub.plan.services.iter().zip(&hub.overload);
    let service = |(plan, gate): (&ServicePlan, &Option<Arc<Gate>>)| {
        let gate = gate.as_ref()?.counters();
        Some(ServiceCounters {
            service: Arc::clone(&plan.name),
            limit: gate.limit,
            in_flight: gate.in_flight,
            waiting: gate.waiting,
            refused: Criticality::ALL.into_iter().zip(gate.refused).collect(),
            queued: gate.queued,
            queued_ns: gate.queued_ns,
            level: gate.level.as_f64(),
        })
    };
    named.filter_map(service).collect()
}

fn breakers(hub: &Hub) -> Vec<BreakerCounters> {
    let named = hub.plan.services.iter().zip(&hub.breakers);
    let breaker = |(plan, breaker): (&ServicePlan, &Option<ServiceBreaker>)| {
        let view = breaker.as_ref()?.view();
        Some(BreakerCounters {
            service: Arc::clone(&plan.name),
            state: view.state.as_str().to_owned(),
            calls: view.calls,
            failed: view.failed,
            left: view.left,
            opened: view.opened,
            refused: view.refused,
        })
    };
    named.filter_map(breaker).collect()
}

fn pools(hub: &Hub) -> Vec<PoolCounters> {
    let count = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
    let pool = |(index, plan): (usize, &ServicePlan)| {
        let now = hub.eligible(index);
        PoolCounters {
            service: Arc::clone(&plan.name),
            balance: if plan.active_passive {
                "active-passive"
            } else {
                plan.balance.name()
            },
            in_rotation: count(now.in_rotation),
            of: count(now.of),
            backups: now.backups,
            too_few: now.too_few,
            when_too_few: plan.wanted.when_too_few,
            degraded: count(now.degraded.len()),
            degraded_share: now.degraded_share,
            zones: zones(hub, index, &now),
        }
    };
    hub.plan.services.iter().enumerate().map(pool).collect()
}

fn zones(hub: &Hub, service: usize, now: &Eligible) -> Vec<ZoneCounters> {
    let snapshot = hub.snapshot.load();
    let members = snapshot.members(service).iter();
    let (Some(places), Some(all)) = (hub.places(service, members, now), hub.plan.places.as_ref())
    else {
        return Vec::new();
    };
    let shares = hub.place_shares(service, &places);
    let zone = |(index, (place, share)): (usize, (&Place, f64))| {
        let (zone, region) = all.names(index);
        let known = index == OWN || place.domain.of > 0.0;
        known.then(|| ZoneCounters {
            zone: zone.cloned(),
            region: region.cloned(),
            share,
            in_rotation: place.domain.in_rotation,
            of: place.domain.of,
        })
    };
    let zones = places.iter().zip(shares).enumerate();
    zones.filter_map(zone).collect()
}

fn listener(cells: &ListenerCells, address: &Address) -> ListenerCounters {
    ListenerCounters {
        address: address.clone(),
        connections_open: load(&cells.open),
        connections_total: load(&cells.total),
        refused: load(&cells.refused),
        accept_errors: load(&cells.accept_errors),
        handshakes_failed: load(&cells.handshakes_failed),
    }
}

impl RouteCounters {
    fn new(route: Arc<str>, service: Arc<str>, thresholds: &[u64]) -> Self {
        Self {
            route,
            service,
            requests: 0,
            ok: 0,
            failed: 0,
            cancelled: 0,
            refused: 0,
            masked: 0,
            dimmed: 0,
            optional_share: None,
            injected: 0,
            injected_failed: 0,
            answered: 0,
            latency: Histogram::new(bounds(thresholds)),
            rate_limited: 0,
            ends: RequestEnd::ALL.map(|end| (end, 0)).into(),
            unserved: RequestEnd::UNSERVED.map(|end| (end, 0)).into(),
            fallbacks: FallbackCause::ALL.map(|cause| (cause, 0)).into(),
            bulkhead: None,
            cache: None,
            split: None,
            mirrored: Vec::new(),
            checked: Vec::new(),
            retries: 0,
            retries_denied: 0,
            hedges: 0,
            hedges_won: 0,
            hedge_delay: None,
            bytes_in: 0,
            bytes_out: 0,
        }
    }

    fn add(&mut self, cells: &RouteCells) {
        // Ends are read before beginnings, so that a sum never shows more ends than beginnings.
        for ((_, sum), cell) in self.ends.iter_mut().zip(&cells.ends) {
            *sum += load(cell);
        }
        for ((_, sum), cell) in self.unserved.iter_mut().zip(&cells.unserved) {
            *sum += load(cell);
        }
        self.ok += load(&cells.ok);
        self.injected_failed += load(&cells.injected_failed);
        self.failed += load(&cells.failed);
        self.injected += load(&cells.injected);
        self.cancelled += load(&cells.cancelled);
        self.refused += load(&cells.refused);
        self.requests += load(&cells.requests);
        self.masked += load(&cells.masked);
        self.dimmed += load(&cells.dimmed);
        self.answered += load(&cells.answered);
        for ((_, sum), cell) in self.fallbacks.iter_mut().zip(&cells.fallbacks) {
            *sum += load(cell);
        }
        for ((_, sum), cell) in self.mirrored.iter_mut().zip(&cells.mirrored) {
            *sum += load(cell);
        }
        for ((_, sum), cell) in self.checked.iter_mut().zip(&cells.checked) {
            *sum += load(cell);
        }
        self.retries += load(&cells.retries);
        self.retries_denied += load(&cells.retries_denied);
        self.hedges_won += load(&cells.hedges_won);
        self.hedges += load(&cells.hedges);
        self.bytes_in += load(&cells.bytes_in);
        self.bytes_out += load(&cells.bytes_out);
        cells.add_latency_to(&mut self.latency);
    }
}

/// By route: requests that failed, and such that succeeded all the same; and how those ended that failed.
type Impact = (Vec<(Arc<str>, u64, u64)>, Vec<(Arc<str>, RequestEnd, u64)>);

fn impact(threads: &[EndpointCells], routes: &[Arc<str>]) -> Impact {
    let (mut impact, mut ends) = (Vec::with_capacity(routes.len()), Vec::new());
    for (slot, route) in routes.iter().enumerate() {
        let of_route = || threads.iter().filter_map(|cells| cells.impact.get(slot));
        let masked = of_route().map(|cells| load(&cells.masked)).sum();
        let mut hurt = 0;
        for (place, end) in RequestEnd::failures().enumerate() {
            let cells = of_route().filter_map(|cells| cells.hurt.get(place));
            let count: u64 = cells.map(load).sum();
            hurt += count;
            if count > 0 {
                ends.push((Arc::clone(route), end, count));
            }
        }
        impact.push((Arc::clone(route), hurt, masked));
    }
    (impact, ends)
}

fn endpoint(hub: &Hub, known: &Endpoint) -> EndpointCounters {
    let sum = |cell: fn(&EndpointCells) -> &AtomicU64| {
        known
            .cells
            .iter()
            .map(|cells| load(cell(cells)))
            .sum::<u64>()
    };
    let service = hub
        .plan
        .services
        .iter()
        .find(|service| service.name == known.instance.service);
    let routes = service.map_or([].as_slice(), |service| &service.routes);
    let (impact, ends) = impact(&known.cells, routes);
    let in_flight = sum(|cells| &cells.in_flight);
    EndpointCounters {
        instance: known.instance.clone(),
        report: CallerReport {
            attempts: sum(|cells| &cells.attempts),
            connect_failed: sum(|cells| &cells.connect_failed),
            reset: sum(|cells| &cells.reset),
            timed_out: sum(|cells| &cells.timed_out),
            server_errors: sum(|cells| &cells.server_errors),
            in_flight,
            latency_sum_ns: sum(|cells| &cells.latency_sum_ns),
            answered: sum(|cells| &cells.answered),
        },
        rotation: match known.fate.place() {
            Standing::In => Rotation::In,
            Standing::Canary => Rotation::Canary,
            Standing::Ejected => Rotation::Ejected,
        },
        ejection: known.fate.reason(),
        ejections: known.ejections.by_cause(),
        in_flight,
        stale: sum(|cells| &cells.stale),
        connects: sum(|cells| &cells.connects),
        shadows: sum(|cells| &cells.shadows),
        impact,
        ends,
    }
}
