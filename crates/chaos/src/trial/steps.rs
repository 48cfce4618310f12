//! The waits of a trial, each with a bound.

use std::time::{Duration, Instant};

use ninefold_config::model::{File, ServiceKind};
use ninefold_core::id::InstanceId;
use ninefold_core::status::NodeStatus;
use ninefold_core::time::Timestamp;

use super::bench::Bench;
use super::experiment::Experiment;
use super::quiet::{Passed, Quiet};
use super::watchdog::Setback;
use super::{Pace, view};
use crate::clock;
use crate::fault::{FaultKind, Target};
use crate::ledger::EntryState;
use crate::load::{Load, Outcome, Plan};
use crate::process::{Presence, Process};
use crate::{Node, System};

/// How often the status is asked for while something is waited for.
const POLL: Duration = Duration::from_millis(20);
/// Steady state lasts so long at least.
pub(super) const STEADY_MIN: Duration = Duration::from_secs(1);
/// A slow load's steady state lasts until this many requests are through, but not for ever.
const STEADY_REQUESTS: f64 = 3.0;
const STEADY_MAX: Duration = Duration::from_secs(15);
/// How long the detector may take to file its incident after recovery.
const INCIDENT_WAIT: Duration = Duration::from_secs(2);
/// How long the incident of an earlier trial is given to close, so that the next is one of its own.
const LINGER: Duration = Duration::from_secs(5);
/// How long a fault in the gateway may take to hit a request.
const STRIKE_LIMIT: Duration = Duration::from_secs(10);
/// How long a listener may take to accept.
const CONNECT_LIMIT: Duration = Duration::from_secs(2);

/// Waits until a fault may be injected; the status that says so, or why not. `elsewhere`: the service
/// that runs elsewhere and that the fault is about, if it is.
pub(crate) async fn fit<S: System>(
    bench: &Bench<'_, S>,
    patience: Duration,
    elsewhere: Option<&str>,
) -> Result<NodeStatus, Setback> {
    let began = Instant::now();
    let deadline = began + patience;
    loop {
        match all_fit(bench, elsewhere, began.elapsed() < LINGER).await {
            Ok(status) => return Ok(status),
            Err(why) if Instant::now() >= deadline => return Err(Setback::Because(why)),
            Err(_not_yet) => tokio::time::sleep(POLL).await,
        }
    }
}

/// The status of the node that is asked if a fault may be injected as far as all nodes know, or why not.
async fn all_fit<S: System>(
    bench: &Bench<'_, S>,
    elsewhere: Option<&str>,
    wait_for_incidents: bool,
) -> Result<NodeStatus, String> {
    let names = bench.names();
    let mut of_entry = None;
    for node in bench.nodes {
        let named = |why: String| match node.name {
            Some(name) => format!("{name}: {why}"),
            None => why,
        };
        let status = one_fits(node, &names, elsewhere, wait_for_incidents).await;
        let status = status.map_err(named)?;
        if std::ptr::eq(node, bench.entry) {
            of_entry = Some(status);
        }
    }
    of_entry.ok_or_else(|| "no node is asked".to_owned())
}

async fn one_fits<S: System>(
    node: &Node<'_, S>,
    names: &[&str],
    elsewhere: Option<&str>,
    wait_for_incidents: bool,
) -> Result<NodeStatus, String> {
    let (status, incidents) = match (node.status().await, node.incidents().await) {
        (Ok(status), Ok(incidents)) => (status, incidents),
        (Err(error), _) | (_, Err(error)) => {
            return Err(format!("the system did not answer: {error}"));
        }
    };
    if wait_for_incidents && view::injected_is_open(&incidents) {
        return Err("an incident of an injected fault is open".to_owned());
    }
    let mut blockers = view::blockers(&status, &incidents, elsewhere);
    if let [first, ..] = view::absent(&status, names)[..] {
        blockers.push(format!("node {first} is not there"));
    }
    match blockers.is_empty() {
        true => Ok(status),
        false => Err(blockers.join("; ")),
    }
}

/// Waits until the targets may be hit again without looking like a crash loop.
pub(super) async fn paced(
    bench_file: &File,
    pace: &Pace,
    (instances, nodes): (&[InstanceId], &[String]),
) {
    let now = Instant::now();
    if !nodes.is_empty() {
        // Whoever counts restarts of their instances begins anew with them.
        tokio::time::sleep(pace.wait_nodes(nodes, now)).await;
        return;
    }
    let wait = |id: &InstanceId| match &bench_file.services.get(&*id.service)?.kind {
        ServiceKind::Supervised(service) => {
            let rule = (service.restart.budget, service.restart.within.0);
            Some(pace.wait(id, rule, now))
        }
        ServiceKind::External(_) => None,
    };
    let longest = instances.iter().filter_map(wait).max();
    tokio::time::sleep(longest.unwrap_or(Duration::ZERO)).await;
}

/// Whether the load's listener accepts a connection.
pub(super) async fn reachable(plan: &Plan) -> Result<(), Setback> {
    let address = plan.address();
    let connect = tokio::net::TcpStream::connect(address);
    match tokio::time::timeout(CONNECT_LIMIT, connect).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(Setback::Because(format!(
            "the listener at {address} cannot be reached: {error}"
        ))),
        Err(_elapsed) => Err(Setback::Because(format!(
            "the listener at {address} does not accept within {CONNECT_LIMIT:?}"
        ))),
    }
}

/// The steady state: no failed, no refused and no unanswered request for a second at least.
pub(super) async fn steady(load: &Load, plan: &Plan) -> Result<(), Setback> {
    let slow = Duration::from_secs_f64(STEADY_REQUESTS / plan.rate_hz());
    let window = slow.clamp(STEADY_MIN, STEADY_MAX);
    tokio::time::sleep(window).await;
    // What was intended within the window must have ended, too.
    let deadline = Instant::now() + plan.timeout();
    let intended = plan.intended_by(window);
    let records = loop {
        let mut records = load.records();
        records.retain(|record| record.number < intended);
        let ended = u64::try_from(records.len()).unwrap_or(u64::MAX);
        if ended >= intended || Instant::now() >= deadline {
            break records;
        }
        tokio::time::sleep(POLL).await;
    };
    let not_met = |why: String| Err(Setback::Because(format!("baseline not met: {why}")));
    let of = |outcome| {
        records
            .iter()
            .filter(move |record| record.outcome == outcome)
    };
    let (failed, acked) = (of(Outcome::Failed).count(), of(Outcome::Acked).count());
    if failed > 0 {
        let status = of(Outcome::Failed).map(|record| record.status).max();
        return not_met(format!(
            "{failed} of {} requests failed without any fault (worst status {})",
            records.len(),
            status.unwrap_or(0)
        ));
    }
    if let Some(record) = of(Outcome::Acked).find(|record| record.status >= 400) {
        return not_met(format!(
            "the load is wrong: request {} of the load was answered {}",
            record.number, record.status
        ));
    }
    if acked == 0 || acked < records.len() || acked < usize::try_from(intended).unwrap_or(0) {
        return not_met(format!("{acked} of {intended} requests were answered"));
    }
    Ok(())
}

/// Waits until a request was hit by the fault, which the gateway injects; what had passed by then. Who
/// is found out before a caller met it was hit all the same, by what found it: a canary, a vote, or a copy of a request.
pub(super) async fn struck<S: System>(
    bench: &Bench<'_, S>,
    experiment: &Experiment,
    before: &NodeStatus,
    targets: &[Target],
) -> Result<Passed, Setback> {
    let deadline = Instant::now() + STRIKE_LIMIT;
    let routes = &experiment.leads_there;
    let was = view::passed(before, Timestamp::ZERO, routes).struck;
    loop {
        if let Ok(status) = bench.status().await {
            let now = view::passed(&status, clock::wall(), routes);
            let found = match experiment.kind {
                FaultKind::WrongAnswers => view::quarantined(&status, targets),
                _ => view::found_out(&status, before, targets),
            };
            if now.struck > was || found {
                return Ok(now);
            }
        }
        if Instant::now() >= deadline {
            return Err(Setback::Because(format!(
                "the fault could not be shown: it hit no request within {STRIKE_LIMIT:?}"
            )));
        }
        tokio::time::sleep(POLL).await;
    }
}

/// Waits for full recovery: when, or nothing if it took longer than the experiment watches.
pub(super) async fn recovery<S: System>(
    bench: &Bench<'_, S>,
    experiment: &Experiment,
    fault: &str,
    injected: Timestamp,
    before: &NodeStatus,
    targets: &[Target],
) -> Option<Timestamp> {
    let instances = view::supervised(before).len();
    let deadline = Instant::now() + experiment.watch;
    // A resumed target is a recovery only if it was not our own undo that resumed it.
    let resumed = |process: Process| {
        experiment.kind == FaultKind::Hang
            && process.presence() == Presence::Running
            && bench.ledger.get(fault).is_ok_and(|entry| {
                // The reaper signals first and notes afterwards: past the time to live it may be its.
                entry.state != EntryState::Undone && !entry.expired()
            })
    };
    loop {
        if let Ok(status) = bench.status().await
            && view::recovered(&status, instances, targets, resumed)
        {
            let seen = clock::wall();
            return Some(view::recovered_at(&status, injected, seen));
        }
        if Instant::now() >= deadline {
            return None;
        }
        tokio::time::sleep(POLL).await;
    }
}

/// Waits until the traffic has left the targets of a fault that lasts and touches no process: when, or
/// nothing if it took longer than the experiment watches. An error if it cannot be told, since the
/// endpoints are others than those that it began with.
pub(super) async fn turned_away<S: System>(
    bench: &Bench<'_, S>,
    experiment: &Experiment,
    first_hit: Passed,
    before: &NodeStatus,
    targets: &[Target],
) -> Result<Option<Timestamp>, Setback> {
    let elsewhere = experiment.elsewhere.as_deref();
    let instances = view::watched(before, elsewhere).len();
    let deadline = Instant::now() + experiment.watch;
    let mut quiet = Quiet::new(first_hit);
    loop {
        if let Ok(status) = bench.status().await {
            let seen = clock::wall();
            if let Some(service) = elsewhere
                && let Some(how) = view::moved(before, &status, service)
            {
                return Err(Setback::Because(format!(
                    "the endpoints of {service} changed during the trial: {how}"
                )));
            }
            let left = match experiment.kind {
                // Who answers wrongly is not only left out for now.
                FaultKind::WrongAnswers => view::quarantined(&status, targets).then_some(seen),
                _ if view::ejected(&status, targets) => Some(seen),
                _ => quiet.look(view::passed(&status, seen, &experiment.leads_there)),
            };
            // Nor may anybody be out who the probes see.
            if left.is_some() && view::all_ready(&view::watched(&status, elsewhere), instances) {
                return Ok(left);
            }
        }
        if Instant::now() >= deadline {
            return Ok(None);
        }
        tokio::time::sleep(POLL).await;
    }
}

/// What the fault left behind, in words.
pub(super) async fn residue<S: System>(
    bench: &Bench<'_, S>,
    fault: &str,
    before: &NodeStatus,
    stoppable: &[Process],
    recovered: bool,
) -> Vec<String> {
    let mut left = Vec::new();
    for process in stoppable {
        if process.presence() == Presence::Stopped {
            left.push(format!("{process} is still stopped"));
        }
    }
    match bench.ledger.open_entries() {
        Ok(entries) if entries.iter().any(|entry| entry.id == fault) => {
            left.push(format!("fault {fault} is still open in the ledger"));
        }
        Ok(_) => {}
        Err(error) => left.push(error.to_string()),
    }
    // Without recovery the number of instances is the finding itself, not a residue.
    if recovered {
        match bench.status().await {
            Ok(status) => left.extend(view::changed(before, &status)),
            Err(error) => left.push(format!("the system did not answer: {error}")),
        }
    }
    left
}

/// When the first detector of all nodes reached its first verdict on the fault, and which; bounded, because a
/// detector need not find anything.
pub(super) async fn detection<S: System>(
    bench: &Bench<'_, S>,
    fault: &str,
) -> Option<(Timestamp, ninefold_core::taxonomy::FailureClass)> {
    let deadline = Instant::now() + INCIDENT_WAIT;
    loop {
        let mut found = Vec::new();
        for node in bench.nodes {
            let incidents = node.incidents().await.unwrap_or_default();
            let of = incidents
                .iter()
                .filter(|incident| incident.injected.as_deref() == Some(fault));
            found.extend(of.map(|incident| (incident.detected, incident.class)));
        }
        if let Some(first) = found.into_iter().min_by_key(|(detected, _)| *detected) {
            return Some(first);
        }
        if Instant::now() >= deadline {
            return None;
        }
        tokio::time::sleep(POLL).await;
    }
}
