//! Counters of several gateways of one node as one account, and the requests that stand for others. The patterns name every field, so that
//! none is forgotten.

use std::sync::Arc;

use ninefold_core::observation::CallerReport;
use ninefold_core::policy::breaker::State;
use ninefold_core::status::Rotation;

use crate::counters::{
    BreakerCounters, BulkheadCounters, CacheCounters, Counters, EndpointCounters, ListenerCounters,
    RouteCounters, ServiceCounters,
};
use crate::exemplars::{Exemplars, RouteExemplars, keep_newest};

impl Exemplars {
    /// Takes what is newer of another gateway of this node, by route.
    pub(crate) fn merge(&mut self, other: &Self) {
        let Self { routes } = other;
        let same = |one: &RouteExemplars, other: &RouteExemplars| one.route == other.route;
        merge(&mut self.routes, routes, same, RouteExemplars::merge);
    }
}

impl RouteExemplars {
    fn merge(&mut self, other: &Self) {
        let Self {
            route: _,
            slow,
            ended,
        } = other;
        keep_newest(&mut self.slow, slow);
        keep_newest(&mut self.ended, ended);
    }
}

impl Counters {
    /// Adds what another gateway of this node counted: by address, route, service and instance. What
    /// only the other one knows comes behind.
    pub fn merge(&mut self, other: &Self) {
        let Self {
            listeners,
            routes,
            services,
            breakers,
            // Who takes traffic is what the present gateway says.
            pools: _,
            endpoints,
            access_log_dropped,
        } = other;
        let same = |one: &ListenerCounters, other: &ListenerCounters| one.address == other.address;
        merge(
            &mut self.listeners,
            listeners,
            same,
            ListenerCounters::merge,
        );
        let same = |one: &RouteCounters, other: &RouteCounters| one.route == other.route;
        merge(&mut self.routes, routes, same, RouteCounters::merge);
        let same = |one: &ServiceCounters, other: &ServiceCounters| one.service == other.service;
        merge(&mut self.services, services, same, ServiceCounters::merge);
        let same = |one: &BreakerCounters, other: &BreakerCounters| one.service == other.service;
        merge(&mut self.breakers, breakers, same, BreakerCounters::merge);
        let same =
            |one: &EndpointCounters, other: &EndpointCounters| one.instance == other.instance;
        merge(
            &mut self.endpoints,
            endpoints,
            same,
            EndpointCounters::merge,
        );
        self.access_log_dropped += access_log_dropped;
    }

    /// The last word of a gateway that is gone: nothing is open or under way any more. What it had
    /// not told the end of failed with it.
    pub fn settle(&mut self) {
        for listener in &mut self.listeners {
            listener.connections_open = 0;
        }
        for route in &mut self.routes {
            let ended = route.ok + route.failed + route.cancelled + route.refused;
            route.failed += route.requests.saturating_sub(ended);
            if let Some(bulkhead) = &mut route.bulkhead {
                bulkhead.in_flight = 0;
                bulkhead.full = 0;
            }
            if let Some(cache) = &mut route.cache {
                cache.bytes = 0;
                cache.entries = 0;
            }
        }
        self.pools.clear();
        for service in &mut self.services {
            service.limit = 0;
            service.level = 0.0;
            service.in_flight = 0;
            service.waiting = 0;
        }
        for breaker in &mut self.breakers {
            State::Closed.as_str().clone_into(&mut breaker.state);
            breaker.calls = 0;
            breaker.failed = 0;
            breaker.left = None;
        }
        for endpoint in &mut self.endpoints {
            endpoint.in_flight = 0;
            endpoint.report.in_flight = 0;
            endpoint.rotation = Rotation::In;
            endpoint.ejection = None;
        }
    }
}

fn merge<T: Clone>(
    all: &mut Vec<T>,
    others: &[T],
    same: impl Fn(&T, &T) -> bool,
    merge: impl Fn(&mut T, &T),
) {
    for other in others {
        match all.iter_mut().find(|one| same(one, other)) {
            Some(one) => merge(one, other),
            None => all.push(other.clone()),
        }
    }
}

impl ListenerCounters {
    const fn merge(&mut self, other: &Self) {
        let Self {
            address: _,
            connections_open,
            connections_total,
            refused,
            accept_errors,
            handshakes_failed,
        } = other;
        self.connections_open += *connections_open;
        self.connections_total += *connections_total;
        self.refused += *refused;
        self.accept_errors += *accept_errors;
        self.handshakes_failed += *handshakes_failed;
    }
}

impl RouteCounters {
    fn merge(&mut self, other: &Self) {
        let Self {
            route: _,
            service: _,
            requests,
            ok,
            failed,
            cancelled,
            refused,
            masked,
            dimmed,
            // That of the one that stays.
            optional_share: _,
            injected,
            injected_failed,
            answered,
            latency,
            rate_limited,
            ends,
            unserved,
            bulkhead,
            fallbacks,
            retries,
            retries_denied,
            hedges,
            hedges_won,
            // That of the one that stays.
            hedge_delay: _,
            cache,
            split,
            mirrored,
            checked,
            bytes_in,
            bytes_out,
        } = other;
        self.requests += requests;
        self.ok += ok;
        self.failed += failed;
        self.cancelled += cancelled;
        self.refused += refused;
        self.masked += masked;
        self.dimmed += dimmed;
        self.injected += injected;
        self.injected_failed += injected_failed;
        self.answered += answered;
        self.latency.merge(latency);
        self.rate_limited += rate_limited;
        match (&mut self.bulkhead, bulkhead) {
            (Some(mine), Some(other)) => mine.merge(other),
            (mine @ None, other) => *mine = *other,
            (Some(_), None) => {}
        }
        add_late(&mut self.ends, ends);
        add_late(&mut self.unserved, unserved);
        add(&mut self.fallbacks, fallbacks);
        add_late(&mut self.mirrored, mirrored);
        add_late(&mut self.checked, checked);
        self.retries += retries;
        self.retries_denied += retries_denied;
        self.hedges += hedges;
        self.hedges_won += hedges_won;
        // Generations share it, where they say the same of it.
        if self.split.is_none() {
            self.split.clone_from(split);
        }
        if let Some(cache) = cache {
            self.cache.get_or_insert_default().merge(cache);
        }
        self.bytes_in += bytes_in;
        self.bytes_out += bytes_out;
    }
}

impl BulkheadCounters {
    const fn merge(&mut self, other: &Self) {
        let Self {
            // Those of the one that stays.
            places: _,
            shards: _,
            full: _,
            in_flight,
            refused_key,
            refused_all,
        } = other;
        self.in_flight += *in_flight;
        self.refused_key += *refused_key;
        self.refused_all += *refused_all;
    }
}

impl CacheCounters {
    fn merge(&mut self, other: &Self) {
        let Self {
            bytes,
            entries,
            requests,
        } = other;
        self.bytes += bytes;
        self.entries += entries;
        for (count, more) in self.requests.iter_mut().zip(requests) {
            *count += more;
        }
    }
}

impl ServiceCounters {
    fn merge(&mut self, other: &Self) {
        let Self {
            service: _,
            // Those of the one that stays.
            limit: _,
            level: _,
            in_flight,
            waiting,
            refused,
            queued,
            queued_ns,
        } = other;
        self.queued += queued;
        self.queued_ns += queued_ns;
        self.in_flight += in_flight;
        self.waiting += waiting;
        add(&mut self.refused, refused);
    }
}

impl BreakerCounters {
    const fn merge(&mut self, other: &Self) {
        let Self {
            service: _,
            // Those of the one that stays.
            state: _,
            calls: _,
            failed: _,
            left: _,
            opened,
            refused,
        } = other;
        self.opened += *opened;
        self.refused += *refused;
    }
}

impl EndpointCounters {
    fn merge(&mut self, other: &Self) {
        let Self {
            instance: _,
            report,
            // Those of the one that stays.
            rotation: _,
            ejection: _,
            ejections,
            in_flight,
            stale,
            connects,
            shadows,
            impact,
            ends,
        } = other;
        self.report = sum(&self.report, report);
        add(&mut self.ejections, ejections);
        self.in_flight += in_flight;
        self.stale += stale;
        self.connects += connects;
        self.shadows += shadows;
        for (route, hurt, masked) in impact {
            let mut known = self.impact.iter_mut();
            match known.find(|(name, ..)| name == route) {
                Some(known) => {
                    known.1 += hurt;
                    known.2 += masked;
                }
                None => self.impact.push((Arc::clone(route), *hurt, *masked)),
            }
        }
        for (route, end, more) in ends {
            let mut known = self.ends.iter_mut();
            match known.find(|one| one.0 == *route && one.1 == *end) {
                Some((.., count)) => *count += more,
                None => self.ends.push((Arc::clone(route), *end, *more)),
            }
        }
    }
}

/// Adds counts by what they are of; both name all there is.
fn add<K: PartialEq>(all: &mut [(K, u64)], others: &[(K, u64)]) {
    for (of, more) in others {
        if let Some((_, count)) = all.iter_mut().find(|(known, _)| known == of) {
            *count += more;
        }
    }
}

/// The same of counts that may have been missing when they were written down.
fn add_late<K: PartialEq + Clone>(all: &mut Vec<(K, u64)>, others: &[(K, u64)]) {
    if all.is_empty() {
        others.clone_into(all);
    } else {
        add(all, others);
    }
}

fn sum(mine: &CallerReport, theirs: &CallerReport) -> CallerReport {
    CallerReport {
        attempts: mine.attempts + theirs.attempts,
        connect_failed: mine.connect_failed + theirs.connect_failed,
        reset: mine.reset + theirs.reset,
        timed_out: mine.timed_out + theirs.timed_out,
        server_errors: mine.server_errors + theirs.server_errors,
        in_flight: mine.in_flight + theirs.in_flight,
        latency_sum_ns: mine.latency_sum_ns.wrapping_add(theirs.latency_sum_ns),
        answered: mine.answered + theirs.answered,
    }
}
