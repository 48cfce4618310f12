//! Pure readings of a status.

use std::collections::BTreeSet;

use ninefold_core::event::{Incident, IncidentState};
use ninefold_core::id::InstanceId;
use ninefold_core::status::{InstanceState, InstanceStatus, NodeStatus, RouteStatus};
use ninefold_core::time::Timestamp;

use super::quiet::Passed;
use crate::fault::Target;
use crate::process::{Presence, Process};

/// The instances that Ninefold starts, in the order of the status.
pub(super) fn supervised(status: &NodeStatus) -> Vec<&InstanceStatus> {
    let services = status.services.iter().filter(|service| service.supervised);
    let names: BTreeSet<&str> = services.map(|service| service.service.as_str()).collect();
    let of = |instance: &&InstanceStatus| names.contains(instance.service.as_str());
    status.instances.iter().filter(of).collect()
}

/// The process of an instance, if both its pid and its start time are known.
pub(super) const fn process(instance: &InstanceStatus) -> Option<Process> {
    match (instance.pid, instance.pid_start) {
        (Some(pid), Some(start)) => Some(Process { pid, start }),
        _ => None,
    }
}

fn find<'a>(status: &'a NodeStatus, id: &InstanceId) -> Option<&'a InstanceStatus> {
    let is = |instance: &&InstanceStatus| instance.instance == *id;
    status.instances.iter().find(is)
}

/// Why no fault may be injected now; empty if one may. Redundancy is not asked for: a service with
/// one replica is tried, and refuted, like any other.
pub(crate) fn blockers(status: &NodeStatus, incidents: &[Incident]) -> Vec<String> {
    let mut blockers = Vec::new();
    if status.phase != "running" {
        blockers.push(format!("the node is {}", status.phase));
    }
    for instance in supervised(status) {
        if instance.state != InstanceState::Ready {
            let reason = instance.reason.as_deref();
            let reason = reason.map_or_else(String::new, |reason| format!(": {reason}"));
            blockers.push(format!(
                "{} is {}{reason}",
                instance.instance,
                instance.state.name()
            ));
        } else if instance.ejected {
            blockers.push(format!("{} is ejected", instance.instance));
        }
    }
    for service in status.services.iter().filter(|service| service.supervised) {
        let is = |instance: &&InstanceStatus| instance.service == service.service;
        let count = status.instances.iter().filter(is).count();
        if u32::try_from(count).is_ok_and(|count| count < service.desired) {
            blockers.push(format!(
                "{} has {count} of {} instances",
                service.service, service.desired
            ));
        }
    }
    let open = |incident: &&Incident| incident.state == IncidentState::Open;
    for incident in incidents.iter().filter(open) {
        if incident.injected.is_none() {
            blockers.push(format!(
                "incident {} is open: {} in {}",
                incident.id, incident.class, incident.domain
            ));
        }
    }
    for fault in &status.faults {
        blockers.push(format!("fault {} has not ended", fault.id));
    }
    for reason in &status.degraded {
        blockers.push(format!("Ninefold is degraded: {reason}"));
    }
    blockers
}

/// Whether an incident of an injected fault goes on.
pub(super) fn injected_is_open(incidents: &[Incident]) -> bool {
    let open = |i: &Incident| i.state == IncidentState::Open && i.injected.is_some();
    incidents.iter().any(open)
}

/// The processes behind some instances, each shown to be there and running; or who is not.
pub(super) fn targets(status: &NodeStatus, ids: &[InstanceId]) -> Result<Vec<Target>, String> {
    let mut targets = Vec::new();
    for id in ids {
        let instance = find(status, id).ok_or_else(|| format!("{id} is not in the status"))?;
        let process = process(instance)
            .ok_or_else(|| format!("{id} has no process, or its start time is not known"))?;
        match process.presence() {
            Presence::Running => targets.push(Target {
                instance: id.clone(),
                process,
            }),
            Presence::Gone => {
                return Err(format!(
                    "{id} is said to be {process}, and no such process is there"
                ));
            }
            Presence::Stopped => return Err(format!("{id}, {process}, is stopped already")),
        }
    }
    Ok(targets)
}

/// Whether the system recovered: as many instances as before, all ready, and each target ready as
/// a new process. A target that is still the same process counts only if `same` says so.
pub(super) fn recovered(
    status: &NodeStatus,
    instances_before: usize,
    targets: &[Target],
    same: impl Fn(&Target) -> bool,
) -> bool {
    let all = supervised(status);
    let ready = |instance: &&InstanceStatus| instance.state == InstanceState::Ready;
    let back = |target: &Target| {
        let now = find(status, &target.instance).and_then(process);
        now.is_some_and(|now| now != target.process || same(target))
    };
    all.len() >= instances_before && all.iter().all(ready) && targets.iter().all(back)
}

/// Whether each target is ejected.
pub(super) fn ejected(status: &NodeStatus, targets: &[Target]) -> bool {
    let away = |target: &Target| find(status, &target.instance).is_some_and(|now| now.ejected);
    targets.iter().all(away)
}

/// What passed and was hit by an injected fault, over all routes.
pub(super) fn passed(status: &NodeStatus, at: Timestamp) -> Passed {
    let routes = status.routes.iter();
    Passed {
        at,
        requests: routes.clone().map(|route| route.requests).sum(),
        struck: routes.map(|route| route.injected).sum(),
    }
}

/// When it recovered: the latest moment since the fault at which an instance became ready, as the
/// system dates it, or `seen` where that is no plausible moment.
pub(super) fn recovered_at(status: &NodeStatus, injected: Timestamp, seen: Timestamp) -> Timestamp {
    let since = supervised(status)
        .into_iter()
        .map(|instance| instance.since);
    let plausible = since.filter(|since| *since > injected && *since <= seen);
    plausible.max().unwrap_or(seen)
}

/// The totals of a route.
pub(super) fn route(status: &NodeStatus, name: &str) -> RouteStatus {
    let is = |route: &&RouteStatus| route.route == name;
    status.routes.iter().find(is).cloned().unwrap_or_default()
}
