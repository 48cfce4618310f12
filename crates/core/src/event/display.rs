//! One line for `ninefold events`, without sequence number and time.

use std::fmt;

use super::{EventKind, Incident, IncidentState};
use crate::time::short;

impl fmt::Display for EventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NodeStarted { .. }
            | Self::NodeStopping { .. }
            | Self::NodeStopped
            | Self::ConfigChanged { .. }
            | Self::ReloadRolledBack { .. }
            | Self::TookOver { .. }
            | Self::Member { .. }
            | Self::Standing { .. }
            | Self::Disturbed { .. }
            | Self::Notice { .. } => node(self, f),
            Self::InstanceStarted { .. }
            | Self::InstanceAdopted { .. }
            | Self::InstanceReady { .. }
            | Self::InstanceNotReady { .. }
            | Self::InstanceExited { .. } => instance(self, f),
            Self::InstanceSpawnFailed { .. }
            | Self::InstanceBackingOff { .. }
            | Self::InstanceCrashLoop { .. }
            | Self::InstanceStopped { .. }
            | Self::EndpointEjected { .. }
            | Self::EndpointReadmitted { .. }
            | Self::Breaker { .. }
            | Self::Action { .. } => remedy(self, f),
            Self::Verdict(_)
            | Self::Opinion(_)
            | Self::Incident(_)
            | Self::FaultAnnounced(_)
            | Self::FaultEnded { .. }
            | Self::Burn { .. } => account(self, f),
        }
    }
}

fn node(kind: &EventKind, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match kind {
        EventKind::NodeStarted {
            version,
            pid,
            config,
        } => write!(
            f,
            "node started: version {version}, pid {pid}, configuration {config}"
        ),
        EventKind::NodeStopping { reason } => write!(f, "node stops: {reason}"),
        EventKind::NodeStopped => f.write_str("node stopped"),
        EventKind::ConfigChanged { from, to } => {
            write!(f, "configuration changed: {from} to {to}")
        }
        EventKind::ReloadRolledBack { config, reason } => {
            write!(f, "reload of {config} rolled back: {reason}")
        }
        EventKind::TookOver { from, version } => {
            write!(f, "took over from pid {from}, version {version}")
        }
        EventKind::Member { node, change } => write!(f, "node {node}: {change}"),
        EventKind::Standing { what } => write!(f, "this node in its cluster: {what}"),
        EventKind::Disturbed { disturbance } => write!(f, "this node: {disturbance}"),
        EventKind::Notice { text } => f.write_str(text),
        other => write!(f, "{other:?}"),
    }
}

fn instance(kind: &EventKind, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match kind {
        EventKind::InstanceStarted {
            instance,
            pid,
            attempt,
        } => write!(f, "{instance} started: pid {pid}, start {attempt}"),
        EventKind::InstanceAdopted { instance, pid } => write!(f, "{instance} adopted: pid {pid}"),
        EventKind::InstanceReady { instance, after_ns } => {
            write!(f, "{instance} ready after {}", short(*after_ns))
        }
        EventKind::InstanceNotReady { instance, reason } => {
            write!(f, "{instance} not ready: {reason}")
        }
        EventKind::InstanceExited {
            instance,
            pid,
            cause,
            expected,
        } => {
            let how = if *expected {
                "as asked"
            } else {
                "unexpectedly"
            };
            write!(f, "{instance} exited {how}: pid {pid}, {cause}")
        }
        other => write!(f, "{other:?}"),
    }
}

fn remedy(kind: &EventKind, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match kind {
        EventKind::InstanceSpawnFailed { instance, error } => {
            write!(f, "{instance} could not be started: {error}")
        }
        EventKind::InstanceBackingOff { instance, wait_ns } => {
            write!(f, "{instance} starts again in {}", short(*wait_ns))
        }
        EventKind::InstanceCrashLoop {
            instance,
            exits,
            within_ns,
        } => write!(
            f,
            "{instance} is in a crash loop: {exits} exits within {}; retried slowly from now on",
            short(*within_ns)
        ),
        EventKind::InstanceStopped { instance } => write!(f, "{instance} stopped"),
        // By other nodes' gateways: for as long as they say so.
        EventKind::EndpointEjected {
            instance,
            reason,
            for_ns: 0,
        } => write!(f, "{instance} ejected: {reason}"),
        EventKind::EndpointEjected {
            instance,
            reason,
            for_ns,
        } => write!(f, "{instance} ejected for {}: {reason}", short(*for_ns)),
        EventKind::EndpointReadmitted { instance } => write!(f, "{instance} readmitted"),
        EventKind::Breaker { service, state } => breaker(service, state, f),
        EventKind::Action {
            instance,
            action,
            reason,
        } => write!(f, "action: {action} {instance}: {reason}"),
        other => write!(f, "{other:?}"),
    }
}

fn breaker(service: &str, state: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match state {
        "open" => write!(f, "breaker of {service} open: it fails as a whole"),
        "half_open" => write!(f, "breaker of {service} half open: some requests try it"),
        _ => write!(f, "breaker of {service} {state}"),
    }
}

fn account(kind: &EventKind, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match kind {
        EventKind::Verdict(verdict) => {
            write!(f, "verdict: {} is {}", verdict.instance, verdict.class)
        }
        EventKind::Opinion(opinion) => write!(f, "opinion: {opinion}"),
        EventKind::Incident(incident) => write_incident(incident, f),
        EventKind::FaultAnnounced(fault) => {
            write!(f, "fault {} announced: {} on ", fault.id, fault.kind)?;
            let targets = fault.targets.iter().map(ToString::to_string);
            let all: Vec<String> = fault.nodes.iter().cloned().chain(targets).collect();
            f.write_str(&all.join(", "))?;
            match &fault.claim {
                Some(claim) => write!(f, ", for the claim `{claim}`"),
                None => Ok(()),
            }
        }
        EventKind::FaultEnded { id, how, hits } => {
            write!(f, "fault {id} ended: {how}")?;
            match hits {
                Some(hits) => write!(f, "; it hit {hits}"),
                None => Ok(()),
            }
        }
        EventKind::Burn { slo, alert, firing } => {
            let what = if *firing { "began" } else { "ended" };
            write!(f, "slo {slo}: {alert} {what}")
        }
        other => write!(f, "{other:?}"),
    }
}

fn write_incident(incident: &Incident, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let state = match (incident.state, &incident.merged_into) {
        (_, Some(other)) => format!("merged into {other}"),
        (IncidentState::Open, None) => "open".to_owned(),
        (IncidentState::Closed, None) => "closed".to_owned(),
    };
    write!(
        f,
        "incident {} {state}: {} in {}, {} hurt, {} masked",
        incident.id,
        incident.class,
        incident.domain,
        incident.hurt(),
        incident.masked()
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::FaultHits;
    use crate::id::InstanceId;
    use crate::taxonomy::ExitCause;

    #[test]
    fn lines_read_well() {
        let instance = InstanceId::new("catalog", 1);
        let exited = EventKind::InstanceExited {
            instance: instance.clone(),
            pid: 42,
            cause: ExitCause::Signal(9),
            expected: false,
        };
        assert_eq!(
            exited.to_string(),
            "catalog/1 exited unexpectedly: pid 42, killed by SIGKILL"
        );
        let waiting = EventKind::InstanceBackingOff {
            instance,
            wait_ns: 137_400_000,
        };
        assert_eq!(waiting.to_string(), "catalog/1 starts again in 137.4 ms");
    }

    #[test]
    fn no_kind_falls_through_to_its_debug_form() {
        let instance = InstanceId::new("catalog", 1);
        let kinds = [
            EventKind::NodeStopped,
            EventKind::InstanceAdopted {
                instance: instance.clone(),
                pid: 1,
            },
            EventKind::InstanceStopped { instance },
            EventKind::Breaker {
                service: "catalog".to_owned(),
                state: "open".to_owned(),
            },
            EventKind::FaultEnded {
                id: "f".to_owned(),
                how: "expired".to_owned(),
                hits: Some(FaultHits::default()),
            },
        ];
        for kind in kinds {
            assert!(!kind.to_string().contains('{'), "{kind}");
        }
    }
}
