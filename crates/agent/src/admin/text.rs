//! The status as text, for `curl` and `ninefold status`.

use ninefold_core::event::{FaultNotice, Opinion};
use ninefold_core::status::{
    BreakerStatus, InstanceStatus, MemberStatus, NodeStatus, OverloadStatus, PoolStatus, Rotation,
    RouteStatus, ServiceStatus, SloStatus, ZoneStatus,
};
use ninefold_core::time::Timestamp;

use super::table::Table;

/// The whole status on one screen.
#[must_use]
pub fn page(status: &NodeStatus) -> String {
    let mut out = String::new();
    for line in head_lines(status) {
        out.push_str(&line.text);
        out.push('\n');
    }
    for (_, table) in sections(status) {
        if !table.is_empty() {
            out.push('\n');
            out.push_str(&table.render());
        }
    }
    out
}

/// One line above the tables.
pub(super) struct HeadLine {
    pub(super) text: String,
    pub(super) alarming: bool,
}

/// The tables with their titles, in the order a person reads them.
pub(super) fn sections(status: &NodeStatus) -> [(&'static str, Table); 6] {
    [
        ("Nodes", members(&status.members, &status.opinions)),
        ("Services", services(&status.services)),
        ("Instances", instances(&status.instances, status.at)),
        ("Routes", routes(&status.routes)),
        ("Objectives", slos(&status.slos)),
        ("Failures", reliability(status)),
    ]
}

/// What stands above the tables.
pub(super) fn head_lines(status: &NodeStatus) -> Vec<HeadLine> {
    let calm = |text| HeadLine {
        text,
        alarming: false,
    };
    let alarming = |text| HeadLine {
        text,
        alarming: true,
    };
    let up = duration(status.at.since(status.started).as_secs_f64());
    let mut lines = vec![calm(format!(
        "cluster {}  {}  pid {}  up {up}  ninefold {}",
        status.cluster, status.phase, status.pid, status.version
    ))];
    lines.extend(status.listeners.iter().map(|listener| {
        calm(format!(
            "listening on {}://{}  {} connections",
            listener.scheme, listener.address, listener.connections
        ))
    }));
    if let Some(first) = status.open_incidents.first() {
        let all = status.open_incidents.join(", ");
        lines.push(alarming(format!(
            "open incidents: {all}  (ninefold explain {first})"
        )));
    }
    lines.extend(
        status
            .opinions
            .iter()
            .map(|opinion| alarming(format!("not well: {opinion}"))),
    );
    lines.extend(
        status
            .faults
            .iter()
            .map(|fault| calm(format!("injected fault {}: {}", fault.id, injected(fault)))),
    );
    lines.extend(
        status
            .degraded
            .iter()
            .map(|problem| alarming(format!("DEGRADED: {problem}"))),
    );
    lines
}

/// What is injected, on whom, and for which claim.
fn injected(fault: &FaultNotice) -> String {
    let targets: Vec<String> = fault.targets.iter().map(ToString::to_string).collect();
    let claim = fault.claim.as_ref();
    let claim = claim.map_or_else(String::new, |claim| format!(", for the claim `{claim}`"));
    format!("{} on {}{claim}", fault.kind, targets.join(", "))
}

/// The nodes of a cluster, with what is thought of those that are not well.
#[must_use]
pub fn members(members: &[MemberStatus], opinions: &[Opinion]) -> Table {
    let mut table = Table::new(&[
        "NODE",
        "ZONE",
        "GOSSIPS AT",
        "STATE",
        "HEARD",
        "ACCUSED BY",
        "INSTANCES",
        "INCARNATION",
        "NOTE",
    ]);
    for member in members {
        table.row([
            member.node.clone(),
            member.zone.clone().unwrap_or_else(|| "-".to_owned()),
            member.address.clone(),
            member.state.name().to_owned(),
            member.path.name().to_owned(),
            member.accused_by.to_string(),
            member.instances.to_string(),
            member.incarnation.to_string(),
            member_note(member, opinions),
        ]);
    }
    table
}

fn member_note(member: &MemberStatus, opinions: &[Opinion]) -> String {
    let subject = format!("node {}", member.node);
    let opinion = opinions.iter().find(|opinion| opinion.subject == subject);
    let class = opinion.and_then(|opinion| opinion.class);
    let warming = member.warming.then(|| "warming".to_owned());
    let ends = member.certificate_ends;
    let ends = ends.map(|at| format!("certificate ends {at}"));
    let notes = class
        .map(|class| class.to_string())
        .into_iter()
        .chain(warming)
        .chain(ends);
    notes.collect::<Vec<_>>().join(", ")
}

fn services(services: &[ServiceStatus]) -> Table {
    let mut table = Table::new(&[
        "SERVICE",
        "READY",
        "FAILURES LEFT BEFORE OUTAGE",
        "ZONES LEFT BEFORE OUTAGE",
        "NODES LEFT BEFORE OUTAGE",
        "UNDER WAY",
        "WAITING",
        "SHED",
        "NOTE",
    ]);
    for service in services {
        let of = |read: fn(&OverloadStatus) -> String| {
            service
                .overload
                .as_ref()
                .map_or_else(|| "-".to_owned(), read)
        };
        table.row([
            service.service.clone(),
            format!("{}/{}", service.ready, service.desired),
            service.failures_left.to_string(),
            service.zone_failures_left.to_string(),
            service
                .node_failures_left
                .map_or_else(String::new, |left| left.to_string()),
            of(|overload| format!("{} of {}", overload.in_flight, overload.limit)),
            of(|overload| overload.waiting.to_string()),
            of(|overload| overload.shed.to_string()),
            service_note(service),
        ]);
    }
    table.without_blank("NODES LEFT BEFORE OUTAGE")
}

fn service_note(service: &ServiceStatus) -> String {
    let breaker = service.breaker.as_ref().and_then(breaker_note);
    let problem = service.source.as_ref().and_then(|source| {
        let problem = source.problem.as_ref()?;
        Some(format!("{problem}; {} of before", source.endpoints))
    });
    let notes = breaker.into_iter().chain(pool_notes(&service.pool));
    notes.chain(problem).collect::<Vec<_>>().join("; ")
}

fn breaker_note(breaker: &BreakerStatus) -> Option<String> {
    let refused = breaker.refused;
    match (breaker.state.as_str(), breaker.left_ms) {
        ("closed", _) => None,
        ("open", Some(0)) => Some(format!(
            "breaker open until the next request, {refused} refused"
        )),
        ("open", Some(left)) => Some(format!("breaker open for {left} ms, {refused} refused")),
        (state, _) => Some(format!("breaker {state}, {refused} refused")),
    }
}

fn pool_notes(pool: &PoolStatus) -> impl Iterator<Item = String> {
    let backups = pool.backups.then(|| "its backups serve".to_owned());
    let degraded = (pool.degraded > 0).then(|| {
        let share = pool.degraded_share * 100.0;
        format!("{} degraded take {share:.0}%", pool.degraded)
    });
    let too_few = pool.too_few.as_ref().map(|then| {
        let (now, of) = (pool.in_rotation, pool.of);
        format!("{now} of {of} endpoints in rotation: {then}")
    });
    [backups, too_few, degraded, away(&pool.zones)]
        .into_iter()
        .flatten()
}

/// What leaves the zone, and where to.
fn away(zones: &[ZoneStatus]) -> Option<String> {
    let (own, others) = zones.split_first()?;
    let leaves = 1.0 - own.share;
    let percent = |share: f64| format!("{:.0}%", share * 100.0);
    let to = others.iter().filter(|zone| zone.share > 0.0);
    let to: Vec<String> = to
        .map(|zone| {
            let name = zone.zone.as_deref().unwrap_or("no zone");
            format!("{} to {name}", percent(zone.share))
        })
        .collect();
    let own = own.zone.as_deref().unwrap_or("-");
    (leaves > 0.0005 && !to.is_empty())
        .then(|| format!("{} leaves zone {own}: {}", percent(leaves), to.join(", ")))
}

fn instances(instances: &[InstanceStatus], at: Timestamp) -> Table {
    let mut table = Table::new(&[
        "INSTANCE",
        "NODE",
        "ZONE",
        "ADDRESS",
        "PID",
        "STATE",
        "FOR",
        "RESTARTS",
        "IN FLIGHT",
        "NOTE",
    ]);
    for instance in instances {
        table.row([
            instance.instance.to_string(),
            instance.node.clone().unwrap_or_default(),
            instance.zone.clone().unwrap_or_else(|| "-".to_owned()),
            instance.address.clone(),
            instance
                .pid
                .map_or_else(|| "-".to_owned(), |pid| pid.to_string()),
            instance.state.name().to_owned(),
            duration(at.since(instance.since).as_secs_f64()),
            instance.restarts.to_string(),
            instance.in_flight.to_string(),
            note(instance),
        ]);
    }
    table.without_blank("NODE")
}

fn note(instance: &InstanceStatus) -> String {
    let ejected = instance.ejected.then(|| {
        let what = match instance.rotation {
            Rotation::Canary => "tried by canaries",
            Rotation::Out | Rotation::In | Rotation::Ejected | Rotation::Quarantined => {
                "ejected by traffic"
            }
        };
        let why = instance.ejection.as_deref();
        why.map_or_else(|| what.to_owned(), |why| format!("{what}: {why}"))
    });
    let verdict = instance.verdict.map(|class| class.to_string());
    let quarantine = instance.quarantine.as_deref();
    let quarantine = quarantine.map(|why| format!("in quarantine: {why}"));
    [verdict, quarantine, ejected, instance.reason.clone()]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join("; ")
}

fn routes(routes: &[RouteStatus]) -> Table {
    let mut table = Table::new(&[
        "ROUTE",
        "SERVICE",
        "REQUESTS",
        "OK",
        "FAILED",
        "MASKED",
        "FALLBACK",
        "CANCELLED",
        "REFUSED",
        "P50",
        "P99",
        "NOTE",
    ]);
    for route in routes {
        table.row([
            route.route.clone(),
            route.service.clone(),
            route.requests.to_string(),
            route.ok.to_string(),
            route.failed.to_string(),
            route.masked.to_string(),
            route.fallbacks.to_string(),
            route.cancelled.to_string(),
            route.refused.to_string(),
            duration(route.p50_seconds),
            duration(route.p99_seconds),
            route_note(route),
        ]);
    }
    table
}

fn route_note(route: &RouteStatus) -> String {
    let canary = route.split.as_ref().and_then(|split| {
        let why = split.rolled_back.as_ref()?;
        Some(format!("canary {} rolled back: {why}", split.service))
    });
    let bulkhead = route.bulkhead.as_ref().and_then(|bulkhead| {
        let refused = bulkhead.refused_key + bulkhead.refused_all;
        let (full, of) = (bulkhead.full, bulkhead.shards);
        (full > 0 || refused > 0)
            .then(|| format!("bulkhead: {full} of {of} shards full, {refused} refused"))
    });
    let most = route.ends.first().map(|end| {
        let (by, phase, cause) = (&end.by, &end.phase, &end.cause);
        let trace = end.trace_id.as_ref();
        let trace = trace.map_or_else(String::new, |trace| format!(", as trace {trace}"));
        format!("most ends: {} by {by}/{phase}/{cause}{trace}", end.requests)
    });
    [canary, bulkhead, most]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join("; ")
}

fn slos(slos: &[SloStatus]) -> Table {
    let mut table = Table::new(&[
        "SLO",
        "ROUTE",
        "INDICATOR",
        "OBJECTIVE",
        "MEASURED",
        "EVENTS",
        "BAD",
        "BUDGET LEFT",
        "ALERTS",
    ]);
    for slo in slos {
        table.row([
            slo.slo.clone(),
            slo.route.clone(),
            slo.indicator.clone(),
            percent(slo.objective),
            slo.measured
                .map_or_else(|| "no traffic".to_owned(), percent),
            slo.total.to_string(),
            slo.bad.to_string(),
            percent(slo.budget_remaining),
            slo.alerts.join(", "),
        ]);
    }
    table
}

fn reliability(status: &NodeStatus) -> Table {
    let mut table = Table::new(&[
        "FAILURES BY CLASS",
        "CAUSE",
        "COUNT",
        "MTTD",
        "MTTR",
        "MTBF",
    ]);
    let seconds = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), duration);
    for class in &status.reliability {
        table.row([
            class.class.to_string(),
            (if class.injected { "injected" } else { "real" }).to_owned(),
            class.incidents.to_string(),
            duration(class.mttd_seconds),
            seconds(class.mttr_seconds),
            seconds(class.mtbf_seconds),
        ]);
    }
    table
}

/// A ratio in per cent, with as many nines as it has.
#[must_use]
pub fn percent(ratio: f64) -> String {
    let text = format!("{:.4}", ratio * 100.0);
    let text = text.trim_end_matches('0').trim_end_matches('.');
    format!("{text}%")
}

/// Seconds as a person would say them, three figures at most.
#[must_use]
pub fn duration(seconds: f64) -> String {
    match seconds {
        s if s <= 0.0 => "0s".to_owned(),
        s if s < 0.001 => format!("{:.0}us", s * 1e6),
        s if s < 0.1 => format!("{:.1}ms", s * 1e3),
        s if s < 1.0 => format!("{:.0}ms", s * 1e3),
        s if s < 59.95 => format!("{s:.1}s"),
        s if s < 3_599.5 => pair(s.round(), 'm', 's'),
        s if s < 172_800.0 => pair((s / 60.0).round(), 'h', 'm'),
        s => format!("{:.1}d", s / 86_400.0),
    }
}

/// `count` of the smaller unit, 60 of which are one of the larger.
fn pair(count: f64, larger: char, smaller: char) -> String {
    format!(
        "{:.0}{larger}{:02.0}{smaller}",
        (count / 60.0).floor(),
        count % 60.0
    )
}

#[cfg(test)]
mod tests {
    use super::{duration, percent};

    #[test]
    fn says_times_and_shares_shortly() {
        assert_eq!(duration(0.000_25), "250us");
        assert_eq!(duration(0.012_34), "12.3ms");
        assert_eq!(duration(59.97), "1m00s");
        assert_eq!(duration(179.7), "3m00s");
        assert_eq!(duration(7_199.0), "2h00m");
        assert_eq!(duration(0.25), "250ms");
        assert_eq!(duration(2.25), "2.2s");
        assert_eq!(duration(125.0), "2m05s");
        assert_eq!(duration(7_320.0), "2h02m");
        assert_eq!(percent(0.9995), "99.95%");
        assert_eq!(percent(1.0), "100%");
        assert_eq!(percent(-0.5), "-50%");
    }
}
