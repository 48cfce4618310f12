//! From a claim to what is simulated: pure.

use std::collections::BTreeMap;
use std::sync::Arc;

use ninefold_cluster::placement::Placement;
use ninefold_config::model::{
    Claim, File, LocalFirst, Redundancy, Route, Service, ServiceKind, Spread, Supervised, Survive,
};
use ninefold_core::balance::Wanted;
use ninefold_core::id::InstanceId;
use ninefold_core::rng::Rng;
use ninefold_core::time::nanos;
use ninefold_sim::service::{Fault, Plan, Setup, Sort};
use ninefold_sim::{Delay, NodeId, NodeSet, Topology};

use super::SimulateOptions;
use crate::fault::{Candidates, ERRORS_PERCENT, GRAY_MS, Group};

/// Between regions: 15 ms, and 2 ms in the mean on top.
const REGIONS: Delay = Delay::LogNormal {
    shift: 15_000_000,
    mean: 2_000_000,
    sigma: 1_000_000,
};
const MS: u64 = 1_000_000;

/// A claim that can be simulated.
#[derive(Clone, Debug)]
pub(super) struct Scene {
    pub(super) claim: Claim,
    pub(super) candidates: Candidates,
    topology: Topology,
    setup: Setup,
}

impl Scene {
    /// Prepares a claim, or says why it is UNTESTED.
    pub(super) fn new(
        options: &SimulateOptions,
        placement: &Placement,
        claim: &Claim,
    ) -> Result<Self, String> {
        let file = &options.file;
        let route = route(file, claim)?;
        let (service, supervised) = supervised(file, claim, route)?;
        let spread = supervised.spread == Spread::Zone;
        let homes: Vec<NodeId> = (0..supervised.replicas)
            .map(|ordinal| NodeId(placement.home(&route.service, ordinal, spread)))
            .collect();
        let candidates = candidates(file, placement, claim, &homes)?;
        let zones = u32::try_from(file.cluster.zones.len()).unwrap_or(u32::MAX);
        let regions = regions(file);
        let mut topology = Topology::new(placement.nodes(), zones.max(1));
        for (from, region) in (0..).zip(&regions) {
            for (to, other) in (0..).zip(&regions) {
                if region != other {
                    topology = topology.delay(from, to, REGIONS);
                }
            }
        }
        let rate = options.rate.unwrap_or_else(|| claim.load.rate.as_hz());
        let answer = nanos(options.answer);
        let setup = Setup {
            gateway: NodeId(0),
            regions,
            rules: service.ejection.rules(),
            locality: service
                .local_first
                .as_ref()
                .filter(|_| zones > 0)
                .map(LocalFirst::rules),
            wanted: Wanted {
                primaries: homes.len(),
                backups: 0,
                threshold: service.panic_threshold.as_f64(),
                when_too_few: service.when_too_few,
            },
            homes,
            attempts: route.retry.as_ref().map_or(1, |retry| retry.attempts),
            budget: route.retry.as_ref().map(|retry| retry.budget_of(1)),
            timeout: route.timeout.0,
            try_timeout: route.try_timeout.0,
            connect_timeout: service.connect_timeout.0,
            answer: Delay::LogNormal {
                shift: answer / 2,
                mean: answer.div_ceil(2),
                sigma: answer / 4,
            },
            every: every(rate),
            sorts: sorts(route, claim),
        };
        Ok(Self {
            claim: claim.clone(),
            candidates,
            topology,
            setup,
        })
    }

    /// What is run for these targets: by way of a gateway that the fault spares, another one for another seed.
    pub(super) fn plan(&self, targets: &Group, seed: u64) -> Plan {
        let nodes: NodeSet = targets
            .nodes
            .iter()
            .filter_map(|name| number(name))
            .collect();
        let ordinals = || {
            let ordinals = targets.instances.iter().map(|id| id.ordinal);
            ordinals
                .filter_map(|one| usize::try_from(one).ok())
                .collect()
        };
        let (least, most) = (GRAY_MS.0 - GRAY_MS.1, GRAY_MS.0 + GRAY_MS.1);
        let fault = match self.claim.survive {
            Survive::Partition { one_way, .. } => Fault::CutOff {
                nodes: nodes.clone(),
                one_way,
            },
            Survive::Gray(_) => Fault::Slow(ordinals(), Delay::Uniform(least * MS, most * MS)),
            Survive::Errors(_) => Fault::Failing(ordinals(), f64::from(ERRORS_PERCENT) / 100.0),
            _ => Fault::Gone(nodes.clone()),
        };
        let spared: Vec<u32> = (0..self.topology.nodes())
            .filter(|node| !nodes.contains(NodeId(*node)))
            .collect();
        let drawn = Rng::new(seed ^ 0x6a7e).below(spared.len().max(1) as u64);
        let drawn = usize::try_from(drawn).unwrap_or(0);
        let mut setup = self.setup.clone();
        setup.gateway = NodeId(spared.get(drawn).copied().unwrap_or(0));
        Plan {
            topology: self.topology.clone(),
            setup,
            fault,
        }
    }
}

/// The route that the load is on.
fn route<'a>(file: &'a File, claim: &Claim) -> Result<&'a Route, String> {
    let slo = file.slos.get(&claim.slo);
    let slo = slo.ok_or_else(|| format!("there is no slo `{}`", claim.slo))?;
    let mut routes = file.listeners.iter().flat_map(|listener| &listener.routes);
    let route = routes.find(|route| route.name == slo.route);
    route.ok_or_else(|| format!("no listener has a route `{}`", slo.route))
}

/// The service behind it, if it is one that is modelled.
fn supervised<'a>(
    file: &'a File,
    claim: &Claim,
    route: &Route,
) -> Result<(&'a Service, &'a Supervised), String> {
    let live = "without --simulate it is tried on real processes";
    match claim.survive {
        Survive::Nodes(_) | Survive::Zones(_) | Survive::Partition { .. } => {}
        Survive::Gray(_) | Survive::Errors(_) if claim.service == route.service => {}
        Survive::Gray(_) | Survive::Errors(_) => {
            return Err(format!(
                "the fault is one of {}, and the load goes to {}: what is between them is not modelled; {live}",
                claim.service, route.service
            ));
        }
        other => {
            let (key, _) = other.key();
            return Err(format!(
                "in virtual time nothing is known of `{key}`: {live}"
            ));
        }
    }
    let name = &route.service;
    let service = file.services.get(name);
    let service = service.ok_or_else(|| format!("there is no service `{name}`"))?;
    match &service.kind {
        ServiceKind::External(_) => Err(format!(
            "service {name} runs elsewhere, on no node of this cluster"
        )),
        ServiceKind::Supervised(one) if one.redundancy == Redundancy::ActivePassive => Err(
            format!("service {name} is active-passive, which is not modelled; {live}"),
        ),
        ServiceKind::Supervised(one) => Ok((service, one)),
    }
}

/// By zone, the region that it is in; one that is in none is in one with all others that are.
fn regions(file: &File) -> Vec<usize> {
    let of = |zone| {
        let mut regions = file.cluster.regions.values();
        let found = regions.position(|zones| zones.contains(zone));
        found.unwrap_or(file.cluster.regions.len())
    };
    file.cluster.zones.iter().map(of).collect()
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a rate is checked to be above 0 and at most 20,000"
)]
fn every(rate: f64) -> u64 {
    (1e9 / rate).max(1.0) as u64
}

fn sorts(route: &Route, claim: &Claim) -> Vec<Sort> {
    let again = route
        .retry
        .as_ref()
        .is_some_and(|retry| retry.non_idempotent);
    let sort = |method: &str| match method {
        "GET" | "HEAD" | "OPTIONS" | "TRACE" => Sort::Read,
        "PUT" | "DELETE" => Sort::Idempotent,
        _ if again => Sort::Idempotent,
        _ => Sort::Once,
    };
    claim
        .load
        .requests
        .iter()
        .map(|request| sort(&request.method))
        .collect()
}

/// Nodes are named as by `up --nodes`.
fn name(node: u32) -> String {
    format!("n{}", node + 1)
}

fn number(name: &str) -> Option<NodeId> {
    let number: u32 = name.strip_prefix('n')?.parse().ok()?;
    number.checked_sub(1).map(NodeId)
}

/// By node, all that runs there.
fn instances(file: &File, placement: &Placement) -> BTreeMap<u32, Vec<InstanceId>> {
    let mut on: BTreeMap<u32, Vec<InstanceId>> = BTreeMap::new();
    for (service, declared) in &file.services {
        let ServiceKind::Supervised(one) = &declared.kind else {
            continue;
        };
        for ordinal in 0..one.replicas {
            let home = placement.home(service, ordinal, one.spread == Spread::Zone);
            let id = InstanceId::new(Arc::from(&**service), ordinal);
            on.entry(home).or_default().push(id);
        }
    }
    on
}

fn candidates(
    file: &File,
    placement: &Placement,
    claim: &Claim,
    homes: &[NodeId],
) -> Result<Candidates, String> {
    let on = instances(file, placement);
    let node = |node: u32| Group {
        nodes: vec![name(node)],
        instances: on.get(&node).cloned().unwrap_or_default(),
    };
    let (_, count) = claim.survive.key();
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    let nodes = 0..placement.nodes();
    let (what, groups): (_, Vec<Group>) = match claim.survive {
        Survive::Zones(_) => {
            let mut zones: BTreeMap<Option<&Arc<str>>, Group> = BTreeMap::new();
            for (zone, one) in nodes.map(|one| (placement.zone_of(one), node(one))) {
                let all = zones.entry(zone).or_default();
                all.nodes.extend(one.nodes);
                all.instances.extend(one.instances);
            }
            ("zones", zones.into_values().collect())
        }
        Survive::Gray(_) | Survive::Errors(_) => {
            let ordinals = (0..).take(homes.len());
            let id = |ordinal| InstanceId::new(Arc::from(&*claim.service), ordinal);
            let single = |ordinal| Group::of(vec![id(ordinal)]);
            ("instances", ordinals.map(single).collect())
        }
        _ => {
            // Those that matter first: the loss of one that runs nothing of the service shows nothing.
            let (with, without): (Vec<u32>, Vec<u32>) =
                nodes.partition(|one| homes.contains(&NodeId(*one)));
            let lacking = count.saturating_sub(with.len());
            let some = with.into_iter().chain(without.into_iter().take(lacking));
            ("nodes", some.map(node).collect())
        }
    };
    if count == 0 || count > groups.len() {
        let there = groups.len();
        return Err(format!(
            "the claim is about {count} {what}, and there are {there}"
        ));
    }
    let all: usize = groups.iter().map(|group| group.nodes.len()).sum();
    if count == groups.len() && all >= placement.nodes() as usize {
        return Err(format!(
            "the claim is about {count} {what}, and these are all: one has to be left that is asked"
        ));
    }
    Ok(Candidates { groups, count })
}
