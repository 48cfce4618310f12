//! Listeners and their routes.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use ninefold_core::address::Address;

use super::answers;
use super::degrade;
use super::isolate;
use super::view::View;
use crate::model::{
    AccessLog, AccessLogFormat, Criticality, Hedge, LimitBy, Limits, Listener, Name, Protocol,
    ProxyVersion, Rate, RateLimit, Ratio, Retry, Route, Service, Span, TlsCertificate,
};
use crate::text::{mode, route_name};

/// Instead of an address that is wrong.
const NOWHERE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// Builds the listeners; each keeps the index that it has in the file.
pub(super) fn listeners(root: View<'_, '_>, services: &BTreeMap<Name, Service>) -> Vec<Listener> {
    let only = match (services.keys().next(), services.len()) {
        (Some(only), 1) => Some(only),
        _ => None,
    };
    let tables = root.tables("listener");
    tables
        .into_iter()
        .map(|table| listener(table, only, services))
        .collect()
}

fn listener(
    table: View<'_, '_>,
    only: Option<&Name>,
    services: &BTreeMap<Name, Service>,
) -> Listener {
    let egress = table.flag("egress").unwrap_or(false);
    let protocol = match table.text("protocol") {
        Some("tcp") => Protocol::Tcp,
        _ => Protocol::Http,
    };
    let written = table.tables("route").into_iter();
    let mut routes: Vec<_> = written.map(|table| route(table, protocol)).collect();
    if egress && protocol == Protocol::Http {
        by_name(&mut routes, services);
    } else if let (true, Some(service)) = (routes.is_empty(), only) {
        routes.push(implicit_route(service, protocol));
    }
    Listener {
        address: table.parse("address").unwrap_or(Address::Tcp(NOWHERE)),
        mode: table
            .text("mode")
            .and_then(|text| mode(text).ok())
            .unwrap_or(Listener::MODE),
        egress,
        protocol,
        proxy_protocol: table.flag("proxy_protocol").unwrap_or(false),
        tls: certificates(table),
        client_ca: table.text("client_ca").map(PathBuf::from),
        limits: limits(table.table("limits"), protocol),
        access_log: access_log(table),
        // What comes there comes from services, which pass on what they were told.
        trust_forwarded: table.flag("trust_forwarded").unwrap_or(egress),
        routes,
    }
}

/// Routes for calls by name: those without a host get that of their service; without any, each service
/// has one.
fn by_name(routes: &mut Vec<Route>, services: &BTreeMap<Name, Service>) {
    if routes.is_empty() {
        let all = services.keys();
        routes.extend(all.map(|service| implicit_route(service, Protocol::Http)));
        for route in &mut *routes {
            let name = format!("to-{}", route.service).parse();
            route.name = name.unwrap_or_else(|_too_long| route.service.clone());
        }
    }
    for route in routes {
        route.host.get_or_insert_with(|| route.service.to_string());
    }
}

fn certificates(table: View<'_, '_>) -> Vec<TlsCertificate> {
    let tables = match table.value("tls") {
        Some(value) if value.is_table() => vec![table.table("tls")],
        _ => table.tables("tls"),
    };
    let path = |table: View<'_, '_>, key| PathBuf::from(table.text(key).unwrap_or_default());
    tables
        .into_iter()
        .map(|table| TlsCertificate {
            certificate: path(table, "certificate"),
            key: path(table, "key"),
        })
        .collect()
}

/// How long a connection may be silent in both directions, unless its listener says otherwise:
/// pools of connections to databases are.
const TCP_IDLE: Span = Span::secs(3_600);

fn limits(table: View<'_, '_>, protocol: Protocol) -> Limits {
    let default = Limits::default();
    let idle = match protocol {
        Protocol::Http => default.idle,
        Protocol::Tcp => TCP_IDLE,
    };
    let body_rate_min = table.parse("body_rate_min");
    Limits {
        head_size: table.parse("head_size").unwrap_or(default.head_size),
        headers: table.integer("headers").unwrap_or(default.headers),
        body_size: table.parse("body_size").unwrap_or(default.body_size),
        head_time: table.parse("head_time").unwrap_or(default.head_time),
        body_pause: table.parse("body_pause").unwrap_or(default.body_pause),
        body_rate_min: body_rate_min.unwrap_or(default.body_rate_min),
        idle: table.parse("idle").unwrap_or(idle),
        connections: table.integer("connections").unwrap_or(default.connections),
        streams: table.integer("streams").unwrap_or(default.streams),
    }
}

fn access_log(listener: View<'_, '_>) -> Option<AccessLog> {
    let value = listener.value("access_log")?;
    let table = listener.table("access_log");
    let format = match value.as_str().or_else(|| table.text("format")) {
        Some("off") => return None,
        Some("common") => AccessLogFormat::Common,
        _ => AccessLogFormat::Json,
    };
    Some(AccessLog {
        path: table.text("path").map(PathBuf::from),
        format,
        sample: table.parse("sample").unwrap_or(Ratio::ONE),
    })
}

/// A request is answered within this time unless its route says otherwise.
const TIMEOUT: Span = Span::secs(10);

/// One attempt takes so long at most unless its route says otherwise.
const TRY_TIMEOUT_MAX: Span = Span::secs(2);

fn route(table: View<'_, '_>, protocol: Protocol) -> Route {
    let host = table.text("host").map(str::to_owned);
    let path = table.text("path").unwrap_or("/").to_owned();
    let service: Name = table.parse("service").unwrap_or_else(Name::unknown);
    let timeout = table.parse("timeout").unwrap_or(TIMEOUT);
    let made = match protocol {
        Protocol::Http => route_name(host.as_deref(), &path),
        Protocol::Tcp => Some(service.clone()),
    };
    Route {
        name: table.parse("name").or(made).unwrap_or_else(Name::unknown),
        host,
        path,
        methods: table.texts("methods"),
        service,
        timeout,
        try_timeout: table
            .parse("try_timeout")
            .unwrap_or_else(|| try_timeout(timeout)),
        retry: retry(table),
        criticality: table
            .text("criticality")
            .and_then(|text| {
                Criticality::ALL
                    .into_iter()
                    .find(|one| one.as_str() == text)
            })
            .unwrap_or_default(),
        rate_limit: rate_limit(table),
        bulkhead: isolate::bulkhead(table),
        hedge: hedge(table),
        fallback: degrade::fallback(table),
        cache: degrade::cache(table),
        split: degrade::split(table),
        brownout: degrade::brownout(table),
        mirror: degrade::mirror(table),
        answers: answers::answers(table),
        send_proxy_protocol: match table.text("send_proxy_protocol") {
            Some("v1") => Some(ProxyVersion::V1),
            Some("v2") => Some(ProxyVersion::V2),
            _ => None,
        },
    }
}

/// Keys of a rate limit that are remembered unless it says otherwise.
const LIMIT_KEYS: u32 = 10_000;

fn rate_limit(route: View<'_, '_>) -> Option<RateLimit> {
    route.value("rate_limit")?;
    let table = route.table("rate_limit");
    let rate: Rate = table.parse("rate").unwrap_or(Rate::per_second(1));
    let burst = u32::try_from(rate.as_millihertz() / 10_000).unwrap_or(u32::MAX);
    let by = match (table.text("by"), table.table("by").text("header")) {
        (Some("all"), _) => LimitBy::All,
        (_, Some(header)) => LimitBy::Header(header.to_ascii_lowercase()),
        _ => LimitBy::Client,
    };
    Some(RateLimit {
        rate,
        burst: table.integer("burst").unwrap_or_else(|| burst.max(1)),
        by,
        keys: table.integer("keys").unwrap_or(LIMIT_KEYS),
    })
}

fn hedge(route: View<'_, '_>) -> Option<Hedge> {
    route.value("hedge").filter(|_| !route.is_off("hedge"))?;
    let table = route.table("hedge");
    let default = Hedge::default();
    Some(Hedge {
        quantile: table.parse("quantile").unwrap_or(default.quantile),
        min_delay: table.parse("min_delay").unwrap_or(default.min_delay),
        max_delay: table.parse("max_delay").unwrap_or(default.max_delay),
        samples: table.integer("samples").unwrap_or(default.samples),
    })
}

fn try_timeout(timeout: Span) -> Span {
    Span(timeout.0 / 3).min(TRY_TIMEOUT_MAX)
}

/// What a listener without routes does in a file with one service.
fn implicit_route(service: &Name, protocol: Protocol) -> Route {
    let name = match protocol {
        Protocol::Http => route_name(None, "/"),
        Protocol::Tcp => Some(service.clone()),
    };
    Route {
        name: name.unwrap_or_else(Name::unknown),
        host: None,
        path: "/".to_owned(),
        methods: Vec::new(),
        service: service.clone(),
        timeout: TIMEOUT,
        try_timeout: try_timeout(TIMEOUT),
        retry: Some(Retry::default()),
        criticality: Criticality::default(),
        rate_limit: None,
        bulkhead: None,
        hedge: None,
        fallback: None,
        cache: None,
        split: None,
        brownout: None,
        mirror: None,
        answers: None,
        send_proxy_protocol: None,
    }
}

fn retry(route: View<'_, '_>) -> Option<Retry> {
    if route.is_off("retry") {
        return None;
    }
    let table = route.table("retry");
    let default = Retry::default();
    Some(Retry {
        attempts: table.integer("attempts").unwrap_or(default.attempts),
        budget: table.parse("budget").unwrap_or(default.budget),
        budget_min: table.integer("budget_min").unwrap_or(default.budget_min),
        body_size: table.parse("body_size").unwrap_or(default.body_size),
        non_idempotent: table
            .flag("non_idempotent")
            .unwrap_or(default.non_idempotent),
    })
}
