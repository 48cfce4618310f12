use std::collections::VecDeque;
use std::time::Duration;

use crate::event::{
    Event, EventKind, EvidenceLine, FaultNotice, Incident, Injection, InjectionEnd,
};
use crate::id::InstanceId;
use crate::time::Timestamp;

/// Lines remembered at most.
const LINES_MAX: usize = 256;

/// Announced faults remembered at most.
const FAULTS_MAX: usize = 64;

/// Changes of an incident at most; the newest before its onset stay.
const CHANGES_MAX: usize = 16;

/// A change longer ago than this is no suspect.
const CHANGE_REACH: Duration = Duration::from_secs(600);

/// The observer of announced faults.
const CHAOS: &str = "chaos";

/// The clocks of who announces and who observes may differ by this much.
const ANNOUNCE_SLACK: Duration = Duration::from_millis(500);

/// What happened lately that may explain an incident.
#[derive(Clone, Debug, Default)]
pub(super) struct Background {
    lines: VecDeque<Line>,
    faults: VecDeque<Known>,
}

/// An announced fault.
#[derive(Clone, Debug)]
struct Known {
    announced: Timestamp,
    notice: FaultNotice,
    ended: Option<InjectionEnd>,
}

/// On whom something was done.
#[derive(Clone, Debug)]
enum About {
    Everybody,
    Instances(Vec<InstanceId>),
    Service(String),
}

/// One thing that changed or was done.
#[derive(Clone, Debug)]
pub(super) struct Line {
    about: About,
    pub(super) evidence: EvidenceLine,
}

impl Line {
    /// A fault is a change, never an answer to the incident it makes.
    pub(super) fn is_fault(&self) -> bool {
        self.evidence.observer == CHAOS
    }

    pub(super) fn concerns(&self, incident: &Incident) -> bool {
        let is = |one: &dyn Fn(&InstanceId) -> bool| {
            let mut verdicts = incident.verdicts.iter();
            verdicts.any(|verdict| one(&verdict.instance))
        };
        match &self.about {
            About::Everybody => true,
            About::Instances(ids) => is(&|id| ids.contains(id)),
            About::Service(name) => is(&|id| *id.service == **name),
        }
    }
}

impl Background {
    /// Learns an event; the line it makes, if it is a change or an action.
    pub(super) fn learn(&mut self, event: &Event) -> Option<Line> {
        if let EventKind::FaultAnnounced(fault) = &event.kind {
            self.faults.push_back(Known {
                announced: event.at,
                notice: fault.clone(),
                ended: None,
            });
            if self.faults.len() > FAULTS_MAX {
                self.faults.pop_front();
            }
        }
        if let EventKind::FaultEnded { id, how, hits } = &event.kind
            && let Some(known) = self.faults.iter_mut().rfind(|known| known.notice.id == *id)
        {
            known.ended = Some(InjectionEnd {
                at: event.at,
                how: how.clone(),
                hits: *hits,
            });
        }
        let line = line(event)?;
        self.lines.push_back(line.clone());
        if self.lines.len() > LINES_MAX {
            self.lines.pop_front();
        }
        Some(line)
    }

    /// Sets what changed before the incident, and adds what was done since to its actions.
    pub(super) fn explain(&self, incident: &mut Incident) {
        incident.changes = self
            .lines
            .iter()
            .filter(|line| line.evidence.at < incident.onset || line.is_fault())
            .filter(|line| line.evidence.at <= incident.detected)
            .filter(|line| incident.onset.since(line.evidence.at) <= CHANGE_REACH)
            .filter(|line| line.concerns(incident))
            .map(|line| line.evidence.clone())
            .collect();
        let surplus = incident.changes.len().saturating_sub(CHANGES_MAX);
        incident.changes.drain(..surplus);
        for line in &self.lines {
            if line.evidence.at >= incident.onset && !line.is_fault() && line.concerns(incident) {
                super::entry::act(incident, line.evidence.clone());
            }
        }
    }

    /// Blames the newest announced fault that explains one of the incident's verdicts, if there is one.
    pub(super) fn blame(&self, incident: &mut Incident) {
        let mut faults = self.faults.iter().rev();
        let Some(known) = faults.find(|known| explains(known, incident)) else {
            return;
        };
        incident.onset = incident.onset.max(known.announced).min(incident.detected);
        incident.injected = Some(known.notice.id.clone());
        incident.injection = Some(Injection {
            kind: known.notice.kind.clone(),
            claim: known.notice.claim.clone(),
            in_gateway: known.notice.gateway.is_some(),
            ended: known.ended.clone(),
        });
    }
}

fn explains(known: &Known, incident: &Incident) -> bool {
    let from = known.announced - ANNOUNCE_SLACK;
    let until = known.announced + Duration::from_nanos(known.notice.ttl_ns);
    incident.verdicts.iter().any(|verdict| {
        known.notice.targets.contains(&verdict.instance)
            && verdict.onset <= until
            && verdict.detected >= from
    })
}

fn line(event: &Event) -> Option<Line> {
    let (about, observer) = match &event.kind {
        EventKind::NodeStarted { .. }
        | EventKind::NodeStopping { .. }
        | EventKind::ConfigChanged { .. }
        | EventKind::ReloadRolledBack { .. }
        | EventKind::TookOver { .. }
        | EventKind::Disturbed { .. } => (About::Everybody, "ninefold"),
        EventKind::Member { .. } | EventKind::Standing { .. } => (About::Everybody, "members"),
        EventKind::InstanceStarted { instance, .. }
        | EventKind::InstanceAdopted { instance, .. }
        | EventKind::InstanceReady { instance, .. }
        | EventKind::InstanceNotReady { instance, .. }
        | EventKind::InstanceSpawnFailed { instance, .. }
        | EventKind::InstanceBackingOff { instance, .. }
        | EventKind::InstanceCrashLoop { instance, .. }
        | EventKind::InstanceStopped { instance }
        | EventKind::InstanceExited { instance, .. } => {
            (About::Instances(vec![instance.clone()]), "supervisor")
        }
        EventKind::EndpointEjected { instance, .. }
        | EventKind::EndpointReadmitted { instance } => {
            (About::Instances(vec![instance.clone()]), "gateway")
        }
        EventKind::Breaker { service, .. } => (About::Service(service.clone()), "gateway"),
        EventKind::Action { instance, .. } => {
            (About::Instances(vec![instance.clone()]), "ninefold")
        }
        EventKind::FaultAnnounced(fault) => (About::Instances(fault.targets.clone()), CHAOS),
        EventKind::NodeStopped
        | EventKind::Verdict(_)
        | EventKind::Opinion(_)
        | EventKind::Incident(_)
        | EventKind::FaultEnded { .. }
        | EventKind::Burn { .. }
        | EventKind::Notice { .. } => return None,
    };
    if matches!(&event.kind, EventKind::FaultAnnounced(fault) if fault.targets.is_empty()) {
        return None;
    }
    let evidence = EvidenceLine {
        at: event.at,
        observer: observer.to_owned(),
        what: event.kind.to_string(),
    };
    Some(Line { about, evidence })
}
