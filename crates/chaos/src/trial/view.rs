//! Pure readings of a status.

use std::collections::{BTreeMap, BTreeSet};

use ninefold_core::event::{Incident, IncidentState};
use ninefold_core::id::InstanceId;
use ninefold_core::status::{
    InstanceState, InstanceStatus, MemberState, MemberStatus, NodeStatus, Rotation, RouteStatus,
};
use ninefold_core::taxonomy::FailureClass;
use ninefold_core::time::Timestamp;

use super::quiet::Passed;
use crate::fault::{Identity, Target};
use crate::process::{Presence, Process};

/// The instances that Ninefold starts, in the order of the status.
pub(super) fn supervised(status: &NodeStatus) -> Vec<&InstanceStatus> {
    watched(status, None)
}

/// The instances that a trial watches: those that Ninefold starts, and the endpoints of the service that
/// it is about, if that runs `elsewhere`. In the order of the status.
pub(super) fn watched<'a>(
    status: &'a NodeStatus,
    elsewhere: Option<&str>,
) -> Vec<&'a InstanceStatus> {
    let services = status.services.iter().filter(|service| service.supervised);
    let names: BTreeSet<&str> = services.map(|service| service.service.as_str()).collect();
    let ours = |instance: &InstanceStatus| names.contains(instance.service.as_str());
    // An endpoint that was found and is gone is shown until nothing of it is under way.
    let there = |instance: &InstanceStatus| {
        Some(&*instance.service) == elsewhere && instance.state != InstanceState::Stopping
    };
    let of = |instance: &&InstanceStatus| ours(instance) || there(instance);
    status.instances.iter().filter(of).collect()
}

/// The instances that Ninefold starts and that are there no more, or were not there before, in words.
pub(super) fn changed(before: &NodeStatus, now: &NodeStatus) -> Option<String> {
    let ids = |status| -> BTreeSet<InstanceId> {
        let instances = supervised(status).into_iter();
        instances
            .map(|instance| instance.instance.clone())
            .collect()
    };
    difference(&ids(before), &ids(now))
}

fn difference(was: &BTreeSet<InstanceId>, is: &BTreeSet<InstanceId>) -> Option<String> {
    let gone = was.difference(is).map(|id| format!("{id} is gone"));
    let new = is.difference(was).map(|id| format!("{id} is new"));
    let all: Vec<String> = gone.chain(new).collect();
    (!all.is_empty()).then(|| format!("{} of {}: {}", is.len(), was.len(), all.join(", ")))
}

/// How the endpoints of a service that runs elsewhere differ from what they were, in words.
pub(super) fn moved(before: &NodeStatus, now: &NodeStatus, elsewhere: &str) -> Option<String> {
    let endpoints = |status: &NodeStatus| -> BTreeMap<InstanceId, String> {
        let of = watched(status, Some(elsewhere)).into_iter();
        of.filter(|instance| instance.service == elsewhere)
            .map(|instance| (instance.instance.clone(), instance.address.clone()))
            .collect()
    };
    let (was, is) = (endpoints(before), endpoints(now));
    for (id, address) in &was {
        match is.get(id) {
            None => return Some(format!("{id}, {address}, left")),
            Some(other) if other != address => {
                return Some(format!("{id} is {other} instead of {address}"));
            }
            Some(_) => {}
        }
    }
    let came = is.iter().find(|(id, _)| !was.contains_key(*id));
    came.map(|(id, address)| format!("{id}, {address}, came"))
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
/// one replica is tried, and refuted, like any other. `elsewhere`: the service that runs elsewhere and
/// that the fault is about, if it is.
pub(crate) fn blockers(
    status: &NodeStatus,
    incidents: &[Incident],
    elsewhere: Option<&str>,
) -> Vec<String> {
    let mut blockers = Vec::new();
    if status.phase != "running" {
        blockers.push(format!("the node is {}", status.phase));
    }
    for instance in watched(status, elsewhere) {
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
        } else if instance.rotation == Rotation::Quarantined {
            blockers.push(format!("{} is in quarantine", instance.instance));
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
    for member in &status.members {
        if member.state == MemberState::Down {
            blockers.push(format!("node {} is down", member.node));
        }
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

/// Who some instances are now, each shown to be there: its process runs, or, of one that runs
/// elsewhere, it is ready. Or who is not.
pub(super) fn targets(
    status: &NodeStatus,
    ids: &[InstanceId],
    elsewhere: Option<&str>,
) -> Result<Vec<Target>, String> {
    let mut targets = Vec::new();
    for id in ids {
        let instance = find(status, id).ok_or_else(|| format!("{id} is not in the status"))?;
        if Some(&*instance.service) == elsewhere {
            if instance.state != InstanceState::Ready {
                return Err(format!("{id} is {}", instance.state.name()));
            }
            targets.push(Target {
                instance: id.clone(),
                identity: Identity::Address(instance.address.clone()),
            });
            continue;
        }
        let process = process(instance)
            .ok_or_else(|| format!("{id} has no process, or its start time is not known"))?;
        match process.presence() {
            Presence::Running => targets.push(Target {
                instance: id.clone(),
                identity: Identity::Process(process),
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
    same: impl Fn(Process) -> bool,
) -> bool {
    let back = |target: &Target| {
        let now = find(status, &target.instance).and_then(process);
        now.is_some_and(|now| target.process() != Some(now) || same(now))
    };
    let all = supervised(status);
    all_ready(&all, instances_before) && targets.iter().all(back)
}

/// Whether there are as many as before, and all of them ready.
pub(super) fn all_ready(instances: &[&InstanceStatus], before: usize) -> bool {
    let ready = |instance: &&InstanceStatus| instance.state == InstanceState::Ready;
    instances.len() >= before && instances.iter().all(ready)
}

/// The instances that Ninefold starts on none of these nodes.
pub(super) fn elsewhere_than(status: &NodeStatus, nodes: &[String]) -> Vec<InstanceId> {
    let there = |one: &&InstanceStatus| one.node.as_ref().is_none_or(|node| !nodes.contains(node));
    let others = supervised(status).into_iter().filter(there);
    others.map(|one| one.instance.clone()).collect()
}

/// Which of these nodes are not there, as a node sees it.
pub(super) fn absent<'a>(status: &NodeStatus, names: &[&'a str]) -> Vec<&'a str> {
    let there = |name: &&str| {
        let is = |member: &MemberStatus| member.node == *name && member.state == MemberState::Alive;
        status.members.iter().any(is)
    };
    let absent = names.iter().copied();
    absent.filter(|name| !there(name)).collect()
}

/// Whether no target takes traffic of a node.
pub(super) fn out_of_rotation(status: &NodeStatus, targets: &[Target]) -> bool {
    let out = |target: &Target| {
        find(status, &target.instance).is_none_or(|now| {
            matches!(
                now.rotation,
                Rotation::Out | Rotation::Ejected | Rotation::Quarantined
            )
        })
    };
    targets.iter().all(out)
}

/// Whether each target is ejected.
pub(super) fn ejected(status: &NodeStatus, targets: &[Target]) -> bool {
    let away = |target: &Target| find(status, &target.instance).is_some_and(|now| now.ejected);
    targets.iter().all(away)
}

/// Whether each target has a verdict that it did not have before, and that is of none of its process's end: a fault in
/// the gateway ends no process.
pub(super) fn found_out(status: &NodeStatus, before: &NodeStatus, targets: &[Target]) -> bool {
    let verdict = |status: &NodeStatus, target: &Target| find(status, &target.instance)?.verdict;
    let ends = |class| matches!(class, FailureClass::CrashStop | FailureClass::CrashRecovery);
    targets.iter().all(|target| {
        let found = verdict(status, target).is_some_and(|class| !ends(class));
        found && verdict(before, target).is_none()
    })
}

/// Whether each target is in quarantine.
pub(super) fn quarantined(status: &NodeStatus, targets: &[Target]) -> bool {
    let held = |target: &Target| {
        let now = find(status, &target.instance);
        now.is_some_and(|now| now.rotation == Rotation::Quarantined)
    };
    targets.iter().all(held)
}

/// What passed and was hit by an injected fault, over the routes that lead to whom it is done to; over all
/// where none is known to. Other routes would make what is hit look rare.
pub(super) fn passed(status: &NodeStatus, at: Timestamp, of: &[String]) -> Passed {
    let all = status.routes.iter();
    let routes = all.filter(|route| of.is_empty() || of.contains(&route.route));
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

#[cfg(test)]
mod tests {
    use ninefold_core::status::Rotation;

    use super::*;

    fn endpoint(ordinal: u32, address: &str, state: InstanceState) -> InstanceStatus {
        InstanceStatus {
            node: None,
            service: "web".to_owned(),
            instance: InstanceId::new("web", ordinal),
            zone: None,
            address: address.to_owned(),
            pid: None,
            pid_start: None,
            release: None,
            state,
            reason: None,
            since: Timestamp::ZERO,
            restarts: 0,
            ejected: false,
            rotation: Rotation::In,
            ejection: None,
            quarantine: None,
            in_flight: 0,
            verdict: None,
        }
    }

    #[test]
    fn who_has_a_new_verdict_of_no_end_is_found_out() {
        let target = Target {
            instance: InstanceId::new("web", 1),
            identity: Identity::Address("127.0.0.1:1".to_owned()),
        };
        let with = |verdict| {
            let mut one = endpoint(1, "127.0.0.1:1", InstanceState::Ready);
            one.verdict = verdict;
            status(vec![endpoint(0, "127.0.0.1:2", InstanceState::Ready), one])
        };
        let found =
            |now, before| found_out(&with(now), &with(before), std::slice::from_ref(&target));
        assert!(found(Some(FailureClass::Gray), None));
        assert!(!found(None, None));
        assert!(
            !found(Some(FailureClass::CrashStop), None),
            "it ended by itself"
        );
        assert!(!found(Some(FailureClass::Gray), Some(FailureClass::Gray)));
    }

    /// Of a node that starts nothing.
    fn status(instances: Vec<InstanceStatus>) -> NodeStatus {
        let route = |name: &str, requests, injected| RouteStatus {
            route: name.to_owned(),
            requests,
            injected,
            ..RouteStatus::default()
        };
        NodeStatus {
            node: None,
            members: Vec::new(),
            gossip: None,
            cluster: "test".to_owned(),
            version: "0".to_owned(),
            pid: 1,
            started: Timestamp::ZERO,
            at: Timestamp::ZERO,
            config: String::new(),
            phase: "running".to_owned(),
            listeners: Vec::new(),
            services: Vec::new(),
            instances,
            routes: vec![route("web", 100, 30), route("busy", 10_000, 0)],
            slos: Vec::new(),
            open_incidents: Vec::new(),
            reliability: Vec::new(),
            opinions: Vec::new(),
            faults: Vec::new(),
            degraded: Vec::new(),
        }
    }

    fn two() -> Vec<InstanceStatus> {
        vec![
            endpoint(0, "10.0.0.1:80", InstanceState::Ready),
            endpoint(1, "10.0.0.2:80", InstanceState::Ready),
        ]
    }

    #[test]
    fn what_runs_elsewhere_is_watched_by_who_tries_it() {
        let mut instances = two();
        instances.push(endpoint(2, "10.0.0.3:80", InstanceState::Stopping));
        let mut status = status(instances);
        assert!(watched(&status, None).is_empty());
        assert!(watched(&status, Some("db")).is_empty());
        assert_eq!(watched(&status, Some("web")).len(), 2, "one has left");
        assert!(blockers(&status, &[], Some("web")).is_empty());
        status.instances[1].state = InstanceState::NotReady;
        assert!(blockers(&status, &[], None).is_empty());
        assert_eq!(blockers(&status, &[], Some("web")), ["web/1 is not-ready"]);
        status.instances[1].state = InstanceState::Ready;
        status.instances[1].ejected = true;
        assert_eq!(blockers(&status, &[], Some("web")), ["web/1 is ejected"]);
    }

    #[test]
    fn a_target_elsewhere_is_its_address_and_has_no_process() {
        let status = status(two());
        let ids = [InstanceId::new("web", 1)];
        let found = targets(&status, &ids, Some("web")).unwrap();
        assert_eq!(
            found[0].identity,
            Identity::Address("10.0.0.2:80".to_owned())
        );
        assert_eq!(found[0].process(), None);
        let error = targets(&status, &ids, None).unwrap_err();
        assert!(error.contains("has no process"), "{error}");
    }

    #[test]
    fn instances_that_are_gone_or_new_are_named() {
        let ids = |all: &[u32]| -> BTreeSet<InstanceId> {
            let all = all.iter();
            all.map(|ordinal| InstanceId::new("web", *ordinal))
                .collect()
        };
        let said = |is: &[u32]| difference(&ids(&[0, 1]), &ids(is));
        assert_eq!(said(&[0, 1]), None);
        assert_eq!(said(&[1]).unwrap(), "1 of 2: web/0 is gone");
        let other = "2 of 2: web/0 is gone, web/2 is new";
        assert_eq!(said(&[1, 2]).unwrap(), other);
    }

    #[test]
    fn endpoints_that_come_go_or_move_are_told() {
        let before = status(two());
        let said = |instances| moved(&before, &status(instances), "web");
        assert_eq!(said(two()), None);
        let mut gone = two();
        gone[1].state = InstanceState::Stopping;
        assert_eq!(said(gone).unwrap(), "web/1, 10.0.0.2:80, left");
        let mut elsewhere = two();
        elsewhere[0].address = "10.0.0.9:80".to_owned();
        let other = "web/0 is 10.0.0.9:80 instead of 10.0.0.1:80";
        assert_eq!(said(elsewhere).unwrap(), other);
        let mut more = two();
        more.push(endpoint(2, "10.0.0.3:80", InstanceState::Starting));
        assert_eq!(said(more).unwrap(), "web/2, 10.0.0.3:80, came");
    }

    /// Else three in ten would look like three in a thousand, which is quiet.
    #[test]
    fn hits_are_held_against_the_routes_that_lead_there() {
        let status = status(two());
        let of = |routes: &[String]| {
            let passed = passed(&status, Timestamp::ZERO, routes);
            (passed.requests, passed.struck)
        };
        assert_eq!(of(&["web".to_owned()]), (100, 30));
        assert_eq!(of(&[]), (10_100, 30));
    }
}
