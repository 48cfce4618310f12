//! What happened since the last look: cumulative counters made into differences.

use std::collections::BTreeMap;
use std::sync::Arc;

use ninefold_core::event::{ImpactEnd, RouteImpact};
use ninefold_core::id::InstanceId;
use ninefold_core::observation::CallerReport;
use ninefold_core::slo::RouteTotals;
use ninefold_gateway::{Counters, EndpointCounters, Histogram, RequestEnd, RouteCounters};

use super::traces::Traces;

/// The counters of the last look.
#[derive(Debug, Default)]
pub(crate) struct Deltas {
    endpoints: BTreeMap<InstanceId, EndpointCounters>,
    routes: BTreeMap<Arc<str>, RouteCounters>,
}

/// One endpoint since the last look.
#[derive(Debug)]
pub(crate) struct EndpointDelta {
    pub(crate) instance: InstanceId,
    pub(crate) report: CallerReport,
    /// By route, where there is any.
    pub(crate) impact: Vec<RouteImpact>,
}

/// One route since the last look.
#[derive(Debug)]
pub(crate) struct RouteDelta {
    pub(crate) route: Arc<str>,
    /// The service behind it.
    pub(crate) service: Arc<str>,
    pub(crate) totals: RouteTotals,
    /// Of those that failed: hit by a fault that was injected.
    pub(crate) injected_failed: u64,
    /// Requests for which no endpoint was asked, if there are any.
    pub(crate) unserved: Option<RouteImpact>,
    /// Answers by the upper bound of their time in nanoseconds (`u64::MAX` for the rest).
    pub(crate) latency: Vec<(u64, u64)>,
}

impl Deltas {
    /// The differences to the last look, which `counters` now is. Counters that went back (an
    /// endpoint that left and came back) begin anew.
    pub(crate) fn advance(
        &mut self,
        counters: Counters,
        traces: &Traces,
    ) -> (Vec<EndpointDelta>, Vec<RouteDelta>) {
        let endpoints = counters
            .endpoints
            .iter()
            .map(|now| endpoint(self.endpoints.get(&now.instance), now, traces))
            .collect();
        let routes = counters
            .routes
            .iter()
            .map(|now| route(self.routes.get(&now.route), now, traces))
            .collect();
        self.endpoints = counters
            .endpoints
            .into_iter()
            .map(|now| (now.instance.clone(), now))
            .collect();
        self.routes = counters
            .routes
            .into_iter()
            .map(|now| (Arc::clone(&now.route), now))
            .collect();
        (endpoints, routes)
    }

    /// The counters of the last look.
    pub(crate) fn endpoint(&self, instance: &InstanceId) -> Option<&EndpointCounters> {
        self.endpoints.get(instance)
    }

    /// The counters of the last look.
    pub(crate) fn route(&self, route: &str) -> Option<&RouteCounters> {
        self.routes.get(route)
    }
}

fn endpoint(
    before: Option<&EndpointCounters>,
    now: &EndpointCounters,
    traces: &Traces,
) -> EndpointDelta {
    let none = CallerReport::default();
    let was = before
        .map(|before| &before.report)
        .filter(|was| was.attempts <= now.report.attempts)
        .unwrap_or(&none);
    let less = |now: u64, was: u64| now.saturating_sub(was);
    let report = CallerReport {
        attempts: less(now.report.attempts, was.attempts),
        connect_failed: less(now.report.connect_failed, was.connect_failed),
        reset: less(now.report.reset, was.reset),
        timed_out: less(now.report.timed_out, was.timed_out),
        server_errors: less(now.report.server_errors, was.server_errors),
        in_flight: now.report.in_flight,
        latency_sum_ns: less(now.report.latency_sum_ns, was.latency_sum_ns),
        answered: less(now.report.answered, was.answered),
    };
    let impact = now
        .impact
        .iter()
        .map(|(route, hurt, masked)| {
            let was = before
                .and_then(|before| before.impact.iter().find(|(name, ..)| name == route))
                .map_or((0, 0), |(_, hurt, masked)| (*hurt, *masked));
            let ends = now.ends.iter().filter(|(name, ..)| name == route);
            let ends = ends.map(|(_, end, count)| {
                let before = before.and_then(|before| {
                    let mut ends = before.ends.iter();
                    ends.find(|(name, known, _)| (name, known) == (route, end))
                });
                (*end, less(*count, before.map_or(0, |(.., count)| *count)))
            });
            RouteImpact {
                route: route.to_string(),
                hurt: less(*hurt, was.0),
                masked: less(*masked, was.1),
                ends: counted(route, ends, traces),
            }
        })
        .filter(|harm| harm.hurt + harm.masked > 0)
        .collect();
    EndpointDelta {
        instance: now.instance.clone(),
        report,
        impact,
    }
}

/// How requests of a route ended, in words; without those that nobody ended in.
fn counted(
    route: &str,
    ends: impl Iterator<Item = (RequestEnd, u64)>,
    traces: &Traces,
) -> Vec<ImpactEnd> {
    let some = ends.filter(|(_, count)| *count > 0);
    some.map(|(end, requests)| ImpactEnd {
        by: end.by().to_owned(),
        phase: end.phase_name().to_owned(),
        cause: end.cause().to_owned(),
        requests,
        trace_id: traces.of(route, end),
    })
    .collect()
}

fn unserved(
    before: Option<&RouteCounters>,
    now: &RouteCounters,
    traces: &Traces,
) -> Option<RouteImpact> {
    let ends = now.unserved.iter().map(|(end, count)| {
        let mut before = before.iter().flat_map(|before| &before.unserved);
        let was = before.find(|(known, _)| known == end);
        (*end, count.saturating_sub(was.map_or(0, |(_, was)| *was)))
    });
    let ends = counted(&now.route, ends, traces);
    (!ends.is_empty()).then(|| RouteImpact {
        route: now.route.to_string(),
        hurt: ends.iter().map(|end| end.requests).sum(),
        masked: 0,
        ends,
    })
}

fn route(before: Option<&RouteCounters>, now: &RouteCounters, traces: &Traces) -> RouteDelta {
    let unserved = unserved(before, now, traces);
    let less = |of: fn(&RouteCounters) -> u64| of(now).saturating_sub(before.map_or(0, of));
    let totals = RouteTotals {
        requests: less(|route| route.requests),
        ok: less(|route| route.ok),
        failed: less(|route| route.failed),
        cancelled: less(|route| route.cancelled),
        refused: less(|route| route.refused),
        masked: less(|route| route.masked),
    };
    // A reload may have added bounds.
    let before = before.map(|before| before.latency.rebound(now.latency.bounds()));
    let was = |index: usize| {
        let counts = before.as_ref().map(Histogram::counts);
        let count = counts.and_then(|counts| counts.get(index));
        count.copied().unwrap_or(0)
    };
    let bounds = now
        .latency
        .bounds()
        .iter()
        .copied()
        .chain(std::iter::once(u64::MAX));
    let latency = bounds
        .zip(now.latency.counts())
        .enumerate()
        .map(|(index, (bound, count))| (bound, count.saturating_sub(was(index))))
        .collect();
    RouteDelta {
        route: Arc::clone(&now.route),
        service: Arc::clone(&now.service),
        totals,
        injected_failed: less(|route| route.injected_failed),
        unserved,
        latency,
    }
}
