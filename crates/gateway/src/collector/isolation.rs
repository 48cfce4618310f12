//! What keeps one trouble from becoming everybody's.

use std::fmt;

use ninefold_core::policy::breaker::State;
use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::metrics::MetricType;

use super::{Labels, counter, gauge};
use crate::counters::{BreakerCounters, BulkheadCounters, RouteCounters, ServiceCounters};

/// The states that a gateway's breaker can have.
const STATES: [State; 3] = [State::Closed, State::Open, State::HalfOpen];

pub(super) fn encode_breakers(
    encoder: &mut DescriptorEncoder<'_>,
    breakers: &[BreakerCounters],
) -> fmt::Result {
    let states = breakers.iter().flat_map(|breaker| {
        STATES.map(|state| {
            let name = state.as_str();
            let labels = vec![("service", &*breaker.service), ("state", name)];
            (labels, u64::from(breaker.state == name))
        })
    });
    gauge(
        encoder,
        "ninefold_breaker_state",
        "1 for the state that the breaker of a service is in",
        states,
    )?;
    let of = |read: fn(&BreakerCounters) -> u64| {
        breakers
            .iter()
            .map(move |breaker| (vec![("service", &*breaker.service)], read(breaker)))
    };
    counter(
        encoder,
        "ninefold_breaker_opened",
        "Times that the breaker of a service opened, also after trials that failed",
        of(|breaker| breaker.opened),
    )?;
    counter(
        encoder,
        "ninefold_breaker_refused_requests",
        "Requests that were not sent because the breaker of their service was open",
        of(|breaker| breaker.refused),
    )
}

pub(super) fn encode_bulkheads(
    encoder: &mut DescriptorEncoder<'_>,
    routes: &[RouteCounters],
) -> fmt::Result {
    let all: Vec<(&str, BulkheadCounters)> = routes
        .iter()
        .filter_map(|route| Some((&*route.route, route.bulkhead?)))
        .collect();
    let refused = all.iter().flat_map(|(route, of)| {
        [("key", of.refused_key), ("all", of.refused_all)]
            .map(|(whose, count)| (vec![("route", *route), ("full", whose)], count))
    });
    counter(
        encoder,
        "ninefold_bulkhead_refused_requests",
        "Requests that found no place: their key had used its share up, or most keys had",
        refused,
    )?;
    let of = |read: fn(&BulkheadCounters) -> u64| {
        let all = all.iter();
        all.map(move |(route, bulkhead)| (vec![("route", *route)], read(bulkhead)))
    };
    gauge(
        encoder,
        "ninefold_bulkhead_in_flight",
        "Requests that have a place of a bulkhead",
        of(|bulkhead| bulkhead.in_flight),
    )?;
    gauge(
        encoder,
        "ninefold_bulkhead_full_shards",
        "Shards of a bulkhead without a free place",
        of(|bulkhead| bulkhead.full),
    )
}

/// A count and a sum: a histogram without buckets.
#[expect(
    clippy::cast_precision_loss,
    reason = "a sum of waits is shown in seconds"
)]
pub(super) fn encode_queues(
    encoder: &mut DescriptorEncoder<'_>,
    services: &[ServiceCounters],
) -> fmt::Result {
    let mut metric = encoder.encode_descriptor(
        "ninefold_queue_seconds",
        "How long requests waited for a place at their service, of those that had to",
        None,
        MetricType::Histogram,
    )?;
    for service in services {
        let labels = vec![("service", &*service.service)];
        let buckets = [(f64::INFINITY, service.queued)];
        let sum = service.queued_ns as f64 / 1e9;
        let mut family = metric.encode_family(&labels)?;
        family.encode_histogram::<Labels<'_>>(sum, service.queued, &buckets, None)?;
    }
    Ok(())
}
