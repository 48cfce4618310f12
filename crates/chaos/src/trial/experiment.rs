//! What is settled before the first trial of a claim.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use ninefold_config::model::{Claim, File, Listener, LoadRequest, Route, ServiceKind, Survive};
use ninefold_core::id::InstanceId;
use ninefold_core::status::{MemberStatus, NodeStatus};

use super::bench::Bench;
use super::view;
use crate::System;
use crate::fault::{Candidates, FaultKind, Group, why_not};
use crate::load::{Comparison, Plan};
use crate::verify::{Traffic, VerifyOptions};

/// Recovery is waited for this many times what is declared, and `WATCH_EXTRA` besides.
const WATCH_FACTOR: u32 = 3;
const WATCH_EXTRA: Duration = Duration::from_secs(15);
/// Stands for a `recover` that is not declared.
const RECOVER_DEFAULT: Duration = Duration::from_secs(10);
/// A fault's time to live beyond the watch.
const TTL_EXTRA: Duration = Duration::from_secs(5);
/// The reaper's undo must not fall into the watch.
const TTL_MARGIN: Duration = Duration::from_millis(500);

/// A claim that can be tried here, and how.
#[derive(Clone, Debug)]
pub(crate) struct Experiment {
    pub(crate) claim: Claim,
    pub(crate) kind: FaultKind,
    pub(crate) candidates: Candidates,
    /// Unique per claim and run: begins the ids of faults.
    pub(crate) run: String,
    /// The route of the claim's objective.
    pub(crate) route: String,
    /// The routes that lead to the claim's service.
    pub(crate) leads_there: Vec<String>,
    /// The claim's service, if it runs elsewhere and the fault is one in the gateway.
    pub(crate) elsewhere: Option<String>,
    /// The load; none with live traffic.
    pub(crate) plan: Option<Plan>,
    /// How long recovery is waited for.
    pub(crate) watch: Duration,
    /// The fault's time to live.
    pub(crate) ttl: Duration,
}

impl Experiment {
    /// Prepares a claim, or says why it is UNTESTED.
    pub(crate) fn new<S: System>(
        bench: &Bench<'_, S>,
        status: &NodeStatus,
        claim: &Claim,
        run: &str,
    ) -> Result<Self, String> {
        let options = bench.options;
        let file = &options.file;
        let (kind, count) = FaultKind::of(claim.survive);
        let candidates = candidates(file, status, &bench.names(), claim, (kind, count))?;
        let slo = file.slos.get(&claim.slo);
        let slo = slo.ok_or_else(|| format!("there is no slo `{}`", claim.slo))?;
        let plan = match options.traffic {
            Traffic::Live if claim.lose.is_some() => {
                return Err(
                    "`lose` needs the built-in load: live traffic cannot be read back".to_owned(),
                );
            }
            Traffic::Live if matches!(claim.survive, Survive::WrongAnswers(_)) => {
                return Err(
                    "`wrong_answers` needs the built-in load: nobody sees what live traffic is answered"
                        .to_owned(),
                );
            }
            Traffic::Live => None,
            Traffic::Load => Some(load_plan(options, status, claim, &slo.route, run)?),
        };
        let ttl_max = file.chaos.ttl_max.0;
        let recover = claim.recover.map_or(RECOVER_DEFAULT, |span| span.0);
        if recover.saturating_add(TTL_MARGIN) > ttl_max {
            return Err(format!(
                "chaos.ttl_max is {}: a fault may not last long enough to show a recovery within {recover:?}",
                file.chaos.ttl_max
            ));
        }
        let watch = recover
            .saturating_mul(WATCH_FACTOR)
            .saturating_add(WATCH_EXTRA);
        let ttl = watch.saturating_add(TTL_EXTRA).min(ttl_max);
        Ok(Self {
            claim: claim.clone(),
            kind,
            candidates,
            run: run.to_owned(),
            route: slo.route.to_string(),
            leads_there: leads_there(file, claim),
            elsewhere: elsewhere(file, claim),
            plan,
            watch: watch.min(ttl.saturating_sub(TTL_MARGIN)),
            ttl,
        })
    }
}

fn leads_there(file: &File, claim: &Claim) -> Vec<String> {
    let routes = file.listeners.iter().flat_map(|listener| &listener.routes);
    let leads = |route: &&Route| {
        let split = route.split.as_ref().map(|split| &split.service);
        route.service == claim.service || split == Some(&claim.service)
    };
    let names = routes.filter(leads).map(|route| route.name.to_string());
    names.collect()
}

fn elsewhere(file: &File, claim: &Claim) -> Option<String> {
    let service = file.services.get(&claim.service)?;
    let external = matches!(service.kind, ServiceKind::External(_));
    (external && claim.survive.in_gateway()).then(|| claim.service.to_string())
}

fn candidates(
    file: &File,
    status: &NodeStatus,
    nodes: &[&str],
    claim: &Claim,
    (kind, count): (FaultKind, u32),
) -> Result<Candidates, String> {
    if let Some(why) = claim.survive.of_nodes().then(|| no_nodes(nodes)).flatten() {
        return Err(why);
    }
    if let FaultKind::Partition { .. } = kind
        && let Some(why) = why_not()
    {
        return Err(why);
    }
    let groups = match kind {
        FaultKind::NodeKill | FaultKind::Partition { .. } => single_nodes(status, nodes),
        FaultKind::ZoneKill => zones(status, nodes),
        _ => single(file, status, claim)?
            .into_iter()
            .map(|one| Group::of(vec![one]))
            .collect(),
    };
    let what = match kind {
        FaultKind::NodeKill | FaultKind::Partition { .. } => "nodes within reach".to_owned(),
        FaultKind::ZoneKill => "zones with supervised instances".to_owned(),
        _ if elsewhere(file, claim).is_some() => {
            format!("endpoints of {}, backups apart", claim.service)
        }
        _ => format!("instances of {}", claim.service),
    };
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    if count == 0 || count > groups.len() {
        return Err(format!(
            "the claim is about {count} {what}, and there are {}",
            groups.len()
        ));
    }
    if count == groups.len() && groups.iter().all(|group| !group.nodes.is_empty()) {
        return Err(format!(
            "the claim is about {count} {what}, and these are all: one has to be left that says what happened"
        ));
    }
    Ok(Candidates { groups, count })
}

/// Why nothing can be done to whole nodes, if so.
fn no_nodes(nodes: &[&str]) -> Option<String> {
    nodes.is_empty().then(|| {
        "this claim is about nodes, and the one that runs here is alone: start several with \
         `ninefold up FILE --nodes N`, or try it on a cluster of its own with `ninefold verify FILE --nodes N`"
            .to_owned()
    })
}

/// Each node within reach, with the instances that it runs.
fn single_nodes(status: &NodeStatus, nodes: &[&str]) -> Vec<Group> {
    let instances = view::supervised(status);
    let group = |name: &&str| {
        let on = instances
            .iter()
            .filter(|one| one.node.as_deref() == Some(name));
        Group {
            nodes: vec![(*name).to_owned()],
            instances: on.map(|one| one.instance.clone()).collect(),
        }
    };
    nodes.iter().map(group).collect()
}

/// What fails with each zone: its nodes, where there are several, and all that runs there.
fn zones(status: &NodeStatus, nodes: &[&str]) -> Vec<Group> {
    let mut zones: BTreeMap<&str, Group> = BTreeMap::new();
    if nodes.is_empty() {
        for instance in view::supervised(status) {
            if let Some(zone) = instance.zone.as_deref() {
                let there = zones.entry(zone).or_default();
                there.instances.push(instance.instance.clone());
            }
        }
        return zones.into_values().collect();
    }
    for group in single_nodes(status, nodes) {
        let is = |member: &&MemberStatus| group.nodes.contains(&member.node);
        let member = status.members.iter().find(is);
        if let Some(zone) = member.and_then(|member| member.zone.as_deref()) {
            let there = zones.entry(zone).or_default();
            there.nodes.extend(group.nodes);
            there.instances.extend(group.instances);
        }
    }
    zones.into_values().collect()
}

/// The instances of the claim's service that the fault may fall on.
fn single(file: &File, status: &NodeStatus, claim: &Claim) -> Result<Vec<InstanceId>, String> {
    let name = &claim.service;
    let service = file.services.get(name);
    let service = service.ok_or_else(|| format!("there is no service `{name}`"))?;
    let elsewhere = elsewhere(file, claim);
    let backup = |id: &InstanceId| match &service.kind {
        ServiceKind::Supervised(_) => false,
        ServiceKind::External(external) => usize::try_from(id.ordinal)
            .ok()
            .and_then(|ordinal| external.endpoints.get(ordinal))
            .is_some_and(|endpoint| endpoint.backup),
    };
    if elsewhere.is_none() && matches!(service.kind, ServiceKind::External(_)) {
        return Err(format!(
            "service {name} runs elsewhere: Ninefold has no process of it to kill or to stop; it can \
             be tried what the gateway does: `gray`, `errors`, `resets` and `wrong_answers`"
        ));
    }
    let instances = view::watched(status, elsewhere.as_deref()).into_iter();
    let of_service = instances.filter(|instance| *instance.service == **name);
    let ids = of_service.map(|instance| instance.instance.clone());
    Ok(ids.filter(|id| !backup(id)).collect())
}

fn load_plan(
    options: &VerifyOptions,
    status: &NodeStatus,
    claim: &Claim,
    route_name: &str,
    run: &str,
) -> Result<Plan, String> {
    let (index, listener, route) = find_route(&options.file, route_name)
        .ok_or_else(|| format!("no listener has a route `{route_name}`"))?;
    if !listener.tls.is_empty() {
        return Err(format!(
            "the listener of route {route_name} speaks TLS, which the built-in load does not; use live traffic"
        ));
    }
    if claim.lose.is_some() && claim.load.check.is_none() {
        return Err("`lose` needs `load.check`: nothing could be read back".to_owned());
    }
    let address = bound(status, index, listener)?;
    let host = match route.host.as_deref() {
        Some(host) => host.strip_prefix("*.").map_or_else(
            || host.to_owned(),
            |domain| format!("ninefold-verify.{domain}"),
        ),
        None => address.to_string(),
    };
    let default = [LoadRequest {
        method: "GET".to_owned(),
        path: route.path.clone(),
        headers: BTreeMap::new(),
        body: None,
    }];
    let requests = if claim.load.requests.is_empty() {
        &default[..]
    } else {
        &claim.load.requests
    };
    let rate = options.rate.unwrap_or_else(|| claim.load.rate.as_hz());
    // The gateway answers within the route's timeout; a second more shows that it did not.
    let timeout = route.timeout.0.saturating_add(Duration::from_secs(1));
    let plan = Plan::new(address, &host, requests, rate, timeout, run);
    let plan = plan.map_err(|error| error.to_string())?;
    if !matches!(claim.survive, Survive::WrongAnswers(_)) {
        return Ok(plan);
    }
    let ignore = route.answers.as_ref().map(|answers| &*answers.ignore);
    Ok(plan.comparing(Comparison::new(ignore.unwrap_or_default())))
}

/// Where the load goes by way of the node of this status.
pub(super) fn address(
    file: &File,
    status: &NodeStatus,
    route_name: &str,
) -> Result<SocketAddr, String> {
    let (index, listener, _) = find_route(file, route_name)
        .ok_or_else(|| format!("no listener has a route `{route_name}`"))?;
    bound(status, index, listener)
}

fn find_route<'a>(file: &'a File, name: &str) -> Option<(usize, &'a Listener, &'a Route)> {
    file.listeners
        .iter()
        .enumerate()
        .find_map(|(index, listener)| {
            let route = listener.routes.iter().find(|route| *route.name == *name)?;
            Some((index, listener, route))
        })
}

/// Where a listener is bound, as seen from this host. Listeners are matched by their order where
/// the status has as many as the file, else by their port.
fn bound(status: &NodeStatus, index: usize, listener: &Listener) -> Result<SocketAddr, String> {
    let parse = |address: &str| address.parse::<SocketAddr>().ok();
    let Some(declared) = listener.address.tcp() else {
        return Err(format!(
            "the listener {} is a Unix socket, and load is driven over ports: give the route a listener with one",
            listener.address
        ));
    };
    let same_port = |address: &SocketAddr| address.port() == declared.port();
    let found = if status.listeners.len() == 1 {
        status.listeners.first().and_then(|l| parse(&l.address))
    } else {
        let mut all = status.listeners.iter().filter_map(|l| parse(&l.address));
        let by_index = status.listeners.get(index).and_then(|l| parse(&l.address));
        match by_index {
            Some(address) if declared.port() == 0 || same_port(&address) => Some(address),
            _ => all.find(same_port),
        }
    };
    let mut address =
        found.ok_or_else(|| format!("the listener {} is not bound", listener.address))?;
    if address.ip().is_unspecified() {
        address.set_ip(match address.ip() {
            IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    Ok(address)
}
