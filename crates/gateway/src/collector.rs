//! The metrics, in the names that users of Prometheus expect.

mod checks;
mod ends;
mod isolation;
mod pools;

use std::fmt;
use std::sync::Arc;

use ninefold_core::policy::Criticality;
use ninefold_core::status::Rotation;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeGaugeValue};
use prometheus_client::metrics::MetricType;

use crate::cache::CacheResult;
use crate::counters::{
    CacheCounters, Counters, EndpointCounters, ListenerCounters, RouteCounters, ServiceCounters,
    SplitCounters,
};
use crate::fleet::Hub;
use crate::meter::{CLASSIC, Histogram};
use crate::succession::Succession;
use crate::sums;

/// Reads the counters at each scrape.
#[derive(Debug)]
pub(crate) struct GatewayCollector {
    of: Source,
}

/// Whose counters they are.
#[derive(Debug)]
enum Source {
    One(Arc<Hub>),
    All(Arc<Succession>),
}

impl GatewayCollector {
    pub(crate) const fn new(hub: Arc<Hub>) -> Self {
        Self {
            of: Source::One(hub),
        }
    }

    /// Of all generations together.
    pub(crate) const fn of(all: Arc<Succession>) -> Self {
        Self {
            of: Source::All(all),
        }
    }
}

impl Collector for GatewayCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let counters = match &self.of {
            Source::One(hub) => sums::counters(hub),
            Source::All(all) => all.counters(),
        };
        encode_routes(&mut encoder, &counters.routes)?;
        encode_services(&mut encoder, &counters.services)?;
        isolation::encode_queues(&mut encoder, &counters.services)?;
        isolation::encode_breakers(&mut encoder, &counters.breakers)?;
        pools::encode(&mut encoder, &counters.pools)?;
        encode_endpoints(&mut encoder, &counters)?;
        encode_listeners(&mut encoder, &counters.listeners)?;
        counter(
            &mut encoder,
            "ninefold_access_log_dropped",
            "Lines of access logs dropped because the disk was too slow or full",
            [(vec![("", "")], counters.access_log_dropped)],
        )
    }
}

type Labels<'a> = Vec<(&'a str, &'a str)>;

fn counter<'a>(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    values: impl IntoIterator<Item = (Labels<'a>, u64)>,
) -> fmt::Result {
    let mut metric = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
    for (labels, value) in values {
        if labels.iter().any(|(label, _)| label.is_empty()) {
            metric.encode_counter::<Labels<'_>, _, u64>(&value, None)?;
        } else {
            let mut family = metric.encode_family(&labels)?;
            family.encode_counter::<Labels<'_>, _, u64>(&value, None)?;
        }
    }
    Ok(())
}

fn gauge<'a>(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    values: impl IntoIterator<Item = (Labels<'a>, impl EncodeGaugeValue)>,
) -> fmt::Result {
    let mut metric = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
    for (labels, value) in values {
        metric.encode_family(&labels)?.encode_gauge(&value)?;
    }
    Ok(())
}

fn encode_routes(encoder: &mut DescriptorEncoder<'_>, routes: &[RouteCounters]) -> fmt::Result {
    let outcomes = routes.iter().flat_map(|route| {
        [
            ("ok", route.ok),
            ("failed", route.failed),
            ("cancelled", route.cancelled),
            ("refused", route.refused),
        ]
        .map(|(outcome, count)| (vec![("route", &*route.route), ("outcome", outcome)], count))
    });
    counter(
        encoder,
        "ninefold_requests",
        "Requests that ended, by how they ended for the client",
        outcomes,
    )?;
    type Read = fn(&RouteCounters) -> u64;
    let counters: [(&str, &str, Read); 6] = [
        (
            "ninefold_masked_requests",
            "Requests that met a failed attempt and succeeded all the same",
            |route| route.masked,
        ),
        (
            "ninefold_rate_limited_requests",
            "Requests that were refused because they came too often",
            |route| route.rate_limited,
        ),
        (
            "ninefold_retries",
            "Attempts after the first one",
            |route| route.retries,
        ),
        (
            "ninefold_retries_denied",
            "Retries that the retry budget did not allow",
            |route| route.retries_denied,
        ),
        (
            "ninefold_request_bytes",
            "Bytes of request bodies",
            |route| route.bytes_in,
        ),
        (
            "ninefold_response_bytes",
            "Bytes of response bodies",
            |route| route.bytes_out,
        ),
    ];
    for (name, help, read) in counters {
        let values = routes
            .iter()
            .map(|route| (vec![("route", &*route.route)], read(route)));
        counter(encoder, name, help, values)?;
    }
    gauge(
        encoder,
        "ninefold_requests_in_flight",
        "Requests under way",
        routes.iter().map(|route| {
            let ended = route.ok + route.failed + route.cancelled + route.refused;
            (
                vec![("route", &*route.route)],
                route.requests.saturating_sub(ended),
            )
        }),
    )?;
    encode_hedges(encoder, routes)?;
    encode_degraded(encoder, routes)?;
    isolation::encode_bulkheads(encoder, routes)?;
    encode_durations(encoder, routes)
}

fn encode_hedges(encoder: &mut DescriptorEncoder<'_>, routes: &[RouteCounters]) -> fmt::Result {
    let of = |read: fn(&RouteCounters) -> u64| {
        routes
            .iter()
            .map(move |route| (vec![("route", &*route.route)], read(route)))
    };
    counter(
        encoder,
        "ninefold_hedges",
        "Second attempts beside slow ones",
        of(|route| route.hedges),
    )?;
    counter(
        encoder,
        "ninefold_hedges_won",
        "Second attempts whose answer was taken",
        of(|route| route.hedges_won),
    )?;
    gauge(
        encoder,
        "ninefold_hedge_delay_seconds",
        "How slow a request has to be for a second attempt, where that is known",
        routes.iter().filter_map(|route| {
            let delay = route.hedge_delay?.as_secs_f64();
            Some((vec![("route", &*route.route)], delay))
        }),
    )
}

fn encode_injected(encoder: &mut DescriptorEncoder<'_>, routes: &[RouteCounters]) -> fmt::Result {
    let of = |read: fn(&RouteCounters) -> u64| {
        routes
            .iter()
            .map(move |route| (vec![("route", &*route.route)], read(route)))
    };
    counter(
        encoder,
        "ninefold_injected_requests",
        "Requests that an injected fault hit",
        of(|route| route.injected),
    )?;
    counter(
        encoder,
        "ninefold_injected_failures",
        "Failed requests that an injected fault hit",
        of(|route| route.injected_failed),
    )
}

fn encode_degraded(encoder: &mut DescriptorEncoder<'_>, routes: &[RouteCounters]) -> fmt::Result {
    ends::encode(encoder, routes)?;
    encode_injected(encoder, routes)?;
    encode_fallbacks(encoder, routes)?;
    encode_caches(encoder, routes)?;
    encode_brownouts(encoder, routes)?;
    encode_splits(encoder, routes)?;
    encode_mirrored(encoder, routes)?;
    checks::encode(encoder, routes)
}

fn encode_brownouts(encoder: &mut DescriptorEncoder<'_>, routes: &[RouteCounters]) -> fmt::Result {
    let dims = |route: &&RouteCounters| route.optional_share.is_some();
    counter(
        encoder,
        "ninefold_dimmed_requests",
        "Requests that asked instances to leave the optional part of their answer out",
        routes
            .iter()
            .filter(dims)
            .map(|route| (vec![("route", &*route.route)], route.dimmed)),
    )?;
    gauge(
        encoder,
        "ninefold_optional_share",
        "The share of requests that get the optional part of an answer, where there is a brownout",
        routes.iter().filter_map(|route| {
            let share = route.optional_share?;
            Some((vec![("route", &*route.route)], share))
        }),
    )
}

fn encode_fallbacks(encoder: &mut DescriptorEncoder<'_>, routes: &[RouteCounters]) -> fmt::Result {
    let fallbacks = routes.iter().flat_map(|route| {
        route.fallbacks.iter().map(|(cause, count)| {
            let labels = vec![("route", &*route.route), ("cause", cause.name())];
            (labels, *count)
        })
    });
    counter(
        encoder,
        "ninefold_fallbacks",
        "Requests that a fallback answered in place of the service, by cause",
        fallbacks,
    )
}

fn encode_mirrored(encoder: &mut DescriptorEncoder<'_>, routes: &[RouteCounters]) -> fmt::Result {
    let copies = routes.iter().flat_map(|route| {
        route.mirrored.iter().map(|(end, count)| {
            let labels = vec![("route", &*route.route), ("result", end.name())];
            (labels, *count)
        })
    });
    counter(
        encoder,
        "ninefold_mirrored_requests",
        "Copies of requests for another service, by what became of them",
        copies,
    )
}

fn encode_splits(encoder: &mut DescriptorEncoder<'_>, routes: &[RouteCounters]) -> fmt::Result {
    let splits: Vec<(&RouteCounters, &SplitCounters)> = routes
        .iter()
        .filter_map(|route| Some((route, route.split.as_ref()?)))
        .collect();
    let requests = splits.iter().flat_map(|(route, split)| {
        [(&route.service, split.main), (&split.service, split.canary)]
            .into_iter()
            .flat_map(|(service, (ended, failed))| {
                [("ok", ended.saturating_sub(failed)), ("failed", failed)].map(
                    |(outcome, count)| {
                        let labels = vec![
                            ("route", &*route.route),
                            ("service", &**service),
                            ("outcome", outcome),
                        ];
                        (labels, count)
                    },
                )
            })
    });
    counter(
        encoder,
        "ninefold_split_requests",
        "Requests on routes with a canary, by the service that ended them",
        requests,
    )?;
    let gone = splits.iter().map(|(route, split)| {
        let labels = vec![("route", &*route.route), ("service", &*split.service)];
        (labels, u64::from(split.rolled_back.is_some()))
    });
    gauge(
        encoder,
        "ninefold_split_rolled_back",
        "1 once the canary went back",
        gone,
    )
}

fn encode_caches(encoder: &mut DescriptorEncoder<'_>, routes: &[RouteCounters]) -> fmt::Result {
    let caches: Vec<(&str, CacheCounters)> = routes
        .iter()
        .filter_map(|route| Some((&*route.route, route.cache?)))
        .collect();
    let requests = caches.iter().flat_map(|(route, cache)| {
        CacheResult::ALL.map(|result| {
            let labels = vec![("route", *route), ("result", result.name())];
            (labels, cache.count(result))
        })
    });
    counter(
        encoder,
        "ninefold_cache_requests",
        "Requests on routes with a cache, by how it took part",
        requests,
    )?;
    let of = |read: fn(&CacheCounters) -> u64| {
        caches
            .iter()
            .map(move |(route, cache)| (vec![("route", *route)], read(cache)))
    };
    gauge(
        encoder,
        "ninefold_cache_bytes",
        "Bytes of answers that are kept",
        of(|cache| cache.bytes),
    )?;
    gauge(
        encoder,
        "ninefold_cache_entries",
        "Answers that are kept",
        of(|cache| cache.entries),
    )
}

fn encode_durations(encoder: &mut DescriptorEncoder<'_>, routes: &[RouteCounters]) -> fmt::Result {
    let mut metric = encoder.encode_descriptor(
        "ninefold_request_duration_seconds",
        "Time from the head of a request to the head of its answer, of answers below 500",
        None,
        MetricType::Histogram,
    )?;
    for route in routes {
        let labels = vec![("route", &*route.route)];
        encode_latency(&mut metric.encode_family(&labels)?, &route.latency)?;
    }
    Ok(())
}

/// Only the classic bounds are shown; the finer ones are for our own percentiles.
#[expect(
    clippy::cast_precision_loss,
    reason = "bounds and sums are shown in seconds"
)]
fn encode_latency(
    metric: &mut prometheus_client::encoding::MetricEncoder<'_>,
    latency: &Histogram,
) -> fmt::Result {
    let mut below = 0;
    let mut buckets: Vec<(f64, u64)> = CLASSIC
        .iter()
        .map(|bound| {
            let at_most = latency.at_most(*bound);
            let within = at_most - below;
            below = at_most;
            (*bound as f64 / 1e9, within)
        })
        .collect();
    let count = latency.count();
    buckets.push((f64::INFINITY, count - below));
    metric.encode_histogram::<Labels<'_>>(latency.sum_ns() as f64 / 1e9, count, &buckets, None)
}

fn encode_services(
    encoder: &mut DescriptorEncoder<'_>,
    services: &[ServiceCounters],
) -> fmt::Result {
    let refused = services.iter().flat_map(|service| {
        let labels = |criticality: Criticality| {
            vec![
                ("service", &*service.service),
                ("criticality", criticality.as_str()),
            ]
        };
        let each = service.refused.iter();
        each.map(move |(criticality, count)| (labels(*criticality), *count))
    });
    counter(
        encoder,
        "ninefold_shed_requests",
        "Requests that were refused because their service was overloaded",
        refused,
    )?;
    let of = |read: fn(&ServiceCounters) -> u64| {
        services
            .iter()
            .map(move |service| (vec![("service", &*service.service)], read(service)))
    };
    gauge(
        encoder,
        "ninefold_concurrency_limit",
        "Requests that may be under way at a service, as found by their latency",
        of(|service| service.limit),
    )?;
    gauge(
        encoder,
        "ninefold_admission_level",
        "What callers of a service that ask are told to hold back: 0 nothing, 512 everything",
        services
            .iter()
            .map(|service| (vec![("service", &*service.service)], service.level)),
    )?;
    gauge(
        encoder,
        "ninefold_service_in_flight",
        "Requests under way at a service",
        of(|service| service.in_flight),
    )?;
    gauge(
        encoder,
        "ninefold_requests_waiting",
        "Requests that wait for a place at their service",
        of(|service| service.waiting),
    )
}

fn encode_endpoints(encoder: &mut DescriptorEncoder<'_>, counters: &Counters) -> fmt::Result {
    let labelled: Vec<(String, &EndpointCounters)> = counters
        .endpoints
        .iter()
        .map(|endpoint| (endpoint.instance.to_string(), endpoint))
        .collect();
    let reasons = labelled.iter().flat_map(|(label, endpoint)| {
        let report = &endpoint.report;
        let answered = report.answered.saturating_sub(report.server_errors);
        [
            ("ok", "done", answered),
            ("status", "done", report.server_errors),
            ("connect", "connect", report.connect_failed),
            ("reset", "wait", report.reset),
            ("timeout", "wait", report.timed_out),
            ("stale", "send", endpoint.stale),
        ]
        .map(|(reason, phase, count)| {
            let labels = vec![
                ("upstream", label.as_str()),
                ("reason", reason),
                ("phase", phase),
            ];
            (labels, count)
        })
    });
    counter(
        encoder,
        "ninefold_attempts",
        "Attempts at endpoints, by how and in which phase they ended",
        reasons,
    )?;
    encode_rotation(encoder, &labelled)
}

fn encode_rotation(
    encoder: &mut DescriptorEncoder<'_>,
    labelled: &[(String, &EndpointCounters)],
) -> fmt::Result {
    let of = |read: fn(&EndpointCounters) -> u64| {
        labelled
            .iter()
            .map(move |(label, endpoint)| (vec![("upstream", label.as_str())], read(endpoint)))
    };
    counter(
        encoder,
        "ninefold_upstream_connects",
        "Connections made to endpoints",
        of(|endpoint| endpoint.connects),
    )?;
    counter(
        encoder,
        "ninefold_upstream_shadows",
        "Copies of requests that endpoints got because the balancer leaves them out",
        of(|endpoint| endpoint.shadows),
    )?;
    let ejections = labelled.iter().flat_map(|(label, endpoint)| {
        endpoint.ejections.map(|(cause, count)| {
            let labels = vec![("upstream", label.as_str()), ("cause", cause.name())];
            (labels, count)
        })
    });
    counter(
        encoder,
        "ninefold_ejections",
        "Times an endpoint was taken out of rotation by live traffic, by cause",
        ejections,
    )?;
    gauge(
        encoder,
        "ninefold_upstream_in_flight",
        "Attempts without an answer",
        of(|endpoint| endpoint.in_flight),
    )?;
    gauge(
        encoder,
        "ninefold_upstream_ejected",
        "1 while the endpoint is ejected, or only tried by canaries",
        of(|endpoint| u64::from(endpoint.ejected())),
    )?;
    gauge(
        encoder,
        "ninefold_upstream_canary",
        "1 while only canaries try the endpoint after its ejection",
        of(|endpoint| u64::from(endpoint.rotation == Rotation::Canary)),
    )
}

fn encode_listeners(
    encoder: &mut DescriptorEncoder<'_>,
    listeners: &[ListenerCounters],
) -> fmt::Result {
    let labelled: Vec<(String, &ListenerCounters)> = listeners
        .iter()
        .map(|listener| (listener.address.to_string(), listener))
        .collect();
    let of = |read: fn(&ListenerCounters) -> u64| {
        labelled
            .iter()
            .map(move |(label, listener)| (vec![("listener", label.as_str())], read(listener)))
    };
    gauge(
        encoder,
        "ninefold_connections_open",
        "Open downstream connections",
        of(|listener| listener.connections_open),
    )?;
    counter(
        encoder,
        "ninefold_connections",
        "Accepted downstream connections",
        of(|listener| listener.connections_total),
    )?;
    counter(
        encoder,
        "ninefold_connections_refused",
        "Connections closed at once because the limit was reached",
        of(|listener| listener.refused),
    )?;
    counter(
        encoder,
        "ninefold_accept_errors",
        "Times that the system could not accept a connection",
        of(|listener| listener.accept_errors),
    )?;
    counter(
        encoder,
        "ninefold_tls_handshakes_failed",
        "TLS handshakes that failed or took too long",
        of(|listener| listener.handshakes_failed),
    )
}
