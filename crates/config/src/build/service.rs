//! Services.

use std::collections::BTreeMap;
use std::path::PathBuf;

use toml::de::{DeTable, DeValue};

use super::health::health;
use super::isolate;
use super::view::View;
use crate::model::{
    Balance, Cluster, Ejection, Endpoint, External, HashBalance, HashKey, LatencyEjection,
    LocalFirst, Name, Overload, PrequalBalance, Ratio, Redundancy, Restart, Service, ServiceKind,
    ServiceProtocol, ServiceTls, Source, SourceKind, Span, Spread, Stop, SuccessEjection,
    Supervised, WhenTooFew,
};
use crate::text;

/// Builds the services that have a valid name.
pub(super) fn services(root: View<'_, '_>, cluster: &Cluster) -> BTreeMap<Name, Service> {
    let table = root.table("service");
    root.entries("service")
        .into_iter()
        .filter_map(|(name, _)| {
            let service = service(table.table(name), cluster);
            Some((name.parse().ok()?, service))
        })
        .collect()
}

fn service(table: View<'_, '_>, cluster: &Cluster) -> Service {
    let kind = if table.value("endpoints").is_some() && table.value("run").is_none() {
        ServiceKind::External(External {
            endpoints: endpoints(table),
            source: source(table),
        })
    } else {
        ServiceKind::Supervised(Box::new(supervised(table, cluster)))
    };
    Service {
        kind,
        health: health(
            table.table("health"),
            table.text("protocol") == Some("http2"),
        ),
        ejection: ejection(table.table("ejection")),
        overload: overload(table),
        breaker: isolate::breaker(table),
        balance: balance(table),
        when_too_few: match table.text("when_too_few") {
            Some("fail-open") => WhenTooFew::FailOpen,
            Some("fail-fast") => WhenTooFew::FailFast,
            _ => WhenTooFew::Degraded,
        },
        panic_threshold: table.parse("panic_threshold").unwrap_or(Ratio::percent(0)),
        local_first: (!table.is_off("local_first"))
            .then(|| local_first(table.table("local_first"))),
        slow_start: table.parse("slow_start").unwrap_or(Span::secs(0)),
        connections: table.integer("connections"),
        connect_timeout: table.parse("connect_timeout").unwrap_or(Span::millis(500)),
        protocol: match table.text("protocol") {
            Some("http2") => ServiceProtocol::Http2,
            _ => ServiceProtocol::Http1,
        },
        tls: table
            .value("tls")
            .filter(|_| !table.is_off("tls"))
            .map(|_| tls(table.table("tls"))),
    }
}

fn tls(table: View<'_, '_>) -> ServiceTls {
    let path = |key| table.text(key).map(PathBuf::from);
    ServiceTls {
        ca: path("ca"),
        certificate: path("certificate"),
        key: path("key"),
        server_name: table.text("server_name").map(str::to_owned),
    }
}

fn source(service: View<'_, '_>) -> Option<Source> {
    service.value("endpoints")?.as_table()?;
    let table = service.table("endpoints");
    let text = |key| table.text(key).map(str::to_owned);
    let kind = match (text("dns"), text("srv")) {
        (Some(name), _) => SourceKind::Dns(name),
        (None, Some(name)) => SourceKind::Srv(name),
        (None, None) => SourceKind::File(text("file").unwrap_or_default().into()),
    };
    let default = Source::new(kind);
    Some(Source {
        nameserver: table.parse("nameserver"),
        every: table.parse("every").unwrap_or(default.every),
        min_ttl: table.parse("min_ttl").unwrap_or(default.min_ttl),
        ..default
    })
}

/// Those of a watched file.
pub(crate) fn listed(root: &DeTable<'_>) -> Vec<Endpoint> {
    endpoints(View::new(root))
}

fn endpoints(table: View<'_, '_>) -> Vec<Endpoint> {
    let elements = table.elements("endpoints");
    elements
        .into_iter()
        .map(|element| match element {
            DeValue::Table(endpoint) => {
                let endpoint = View::new(endpoint);
                Endpoint {
                    address: endpoint.text("address").unwrap_or_default().to_owned(),
                    zone: endpoint.parse("zone"),
                    weight: endpoint.integer("weight").unwrap_or(1),
                    backup: endpoint.flag("backup").unwrap_or(false),
                }
            }
            other => Endpoint {
                address: other.as_str().unwrap_or_default().to_owned(),
                zone: None,
                weight: 1,
                backup: false,
            },
        })
        .collect()
}

fn balance(service: View<'_, '_>) -> Balance {
    let table = service.table("balance");
    let algorithm = service.text("balance").or_else(|| table.text("algorithm"));
    let maglev = match algorithm {
        Some("least-request") => return Balance::LeastRequest,
        Some("round-robin") => return Balance::RoundRobin,
        Some("prequal") => {
            let probe = table.text("probe").unwrap_or("/load").into();
            return Balance::Prequal(PrequalBalance { probe });
        }
        Some("ring-hash") => false,
        Some("maglev") => true,
        _ => return Balance::P2c,
    };
    let key = table.table("key");
    let header = key.text("header").map(str::to_ascii_lowercase);
    let cookie = key.text("cookie").map(str::to_owned);
    Balance::Hash(HashBalance {
        maglev,
        key: match (table.text("key"), header, cookie) {
            (Some("path"), ..) => HashKey::Path,
            (_, Some(header), _) => HashKey::Header(header),
            (_, _, Some(cookie)) => HashKey::Cookie(cookie),
            _ => HashKey::Client,
        },
        overload: table.parse("overload").unwrap_or(Ratio::percent(25)),
    })
}

fn local_first(table: View<'_, '_>) -> LocalFirst {
    let default = LocalFirst::default();
    LocalFirst {
        spill_below: table.parse("spill_below").unwrap_or(default.spill_below),
    }
}

fn supervised(table: View<'_, '_>, cluster: &Cluster) -> Supervised {
    let redundancy = table
        .text("redundancy")
        .or_else(|| table.table("redundancy").text("mode"));
    let spread = match table.text("spread") {
        Some("zone") => Spread::Zone,
        None if !cluster.zones.is_empty() => Spread::Zone,
        _ => Spread::None,
    };
    Supervised {
        run: table.texts("run"),
        prepare: table.value("prepare").map(|_| table.texts("prepare")),
        replicas: table.integer("replicas").unwrap_or(1),
        redundancy: match redundancy {
            Some("active-passive") => Redundancy::ActivePassive,
            _ => Redundancy::ActiveActive,
        },
        spread,
        max_per_zone: table.integer("max_per_zone"),
        min_ready: table.integer("min_ready").unwrap_or(1),
        directory: table.text("directory").map(PathBuf::from),
        env: table.text_map("env"),
        env_file: table.text("env_file").map(PathBuf::from),
        user: table.text("user").map(str::to_owned),
        version: table.text("version").map(str::to_owned),
        stop: stop(table.table("stop")),
        restart: restart(table.table("restart")),
    }
}

fn stop(table: View<'_, '_>) -> Stop {
    let default = Stop::default();
    let signal = table.text("signal").and_then(|t| text::signal(t).ok());
    Stop {
        signal: signal.unwrap_or(default.signal),
        grace: table.parse("grace").unwrap_or(default.grace),
        drain: table.parse("drain").unwrap_or(default.drain),
    }
}

fn restart(table: View<'_, '_>) -> Restart {
    let default = Restart::default();
    let every = table.parse("crash_loop_every");
    Restart {
        backoff_min: table.parse("backoff_min").unwrap_or(default.backoff_min),
        backoff_max: table.parse("backoff_max").unwrap_or(default.backoff_max),
        budget: table.integer("budget").unwrap_or(default.budget),
        within: table.parse("within").unwrap_or(default.within),
        crash_loop_every: every.unwrap_or(default.crash_loop_every),
    }
}

fn overload(service: View<'_, '_>) -> Option<Overload> {
    if service.text("overload") == Some("off") || service.flag("overload") == Some(false) {
        return None;
    }
    let table = service.table("overload");
    let default = Overload::default();
    let limit = |key, default| table.integer(key).unwrap_or(default);
    Some(Overload {
        initial_limit: limit("initial_limit", default.initial_limit),
        min_limit: limit("min_limit", default.min_limit),
        max_limit: limit("max_limit", default.max_limit),
        max_waiting: limit("max_waiting", default.max_waiting),
        max_wait: table.parse("max_wait").unwrap_or(default.max_wait),
    })
}

fn ejection(table: View<'_, '_>) -> Ejection {
    let default = Ejection::default();
    let gateway_failures = table.integer("gateway_failures");
    Ejection {
        failures: table.integer("failures").unwrap_or(default.failures),
        gateway_failures: gateway_failures.unwrap_or(default.gateway_failures),
        latency: (!table.is_off("latency")).then(|| latency(table.table("latency"))),
        success_rate: (!table.is_off("success_rate"))
            .then(|| success_rate(table.table("success_rate"))),
        base: table.parse("base").unwrap_or(default.base),
        max: table.parse("max").unwrap_or(default.max),
        max_share: table.parse("max_share").unwrap_or(default.max_share),
        canary: table.parse("canary").unwrap_or(default.canary),
    }
}

fn latency(table: View<'_, '_>) -> LatencyEjection {
    let default = LatencyEjection::default();
    LatencyEjection {
        factor: table.integer("factor").unwrap_or(default.factor),
        samples: table.integer("samples").unwrap_or(default.samples),
    }
}

fn success_rate(table: View<'_, '_>) -> SuccessEjection {
    let default = SuccessEjection::default();
    SuccessEjection {
        below: table.parse("below").unwrap_or(default.below),
        samples: table.integer("samples").unwrap_or(default.samples),
    }
}
