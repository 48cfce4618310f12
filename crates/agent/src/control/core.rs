//! The control plane's state.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use ninefold_chaos::ledger::Ledger;
use ninefold_config::model;
use ninefold_core::detect::Detector;
use ninefold_core::event::EventKind;
use ninefold_core::id::InstanceId;
use ninefold_core::incident::Incidents;
use ninefold_core::observation::{Observation, Seen};
use ninefold_core::quarantine::Quarantine;
use ninefold_core::slo::BadEvents;
use ninefold_core::time::Timestamp;
use ninefold_gateway::{Counters, Notice, Succession};
use ninefold_observe::journal::Journal;
use ninefold_observe::metrics::Metrics;
use ninefold_observe::slo_ledger::SloLedger;
use ninefold_supervise::{Place, PrepareState, Report, Supervisor};

use super::cluster::Cluster;
use super::deltas::Deltas;
use super::faults::Faults;
use super::opinions::Opinions;
use super::routing::Routing;
use super::traces::Traces;
use crate::cluster::About;
use crate::spy::Board;

/// The wall clock. The only place in this crate that reads it.
pub(crate) fn now() -> Timestamp {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Timestamp::from_nanos(u64::try_from(since.as_nanos()).unwrap_or(u64::MAX))
}

/// What the node is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Its gateway is not open, or another one before it may still accept.
    Starting,
    /// It serves.
    Running,
    /// It stops in order.
    Stopping,
}

impl Phase {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Running => "running",
            Self::Stopping => "stopping",
        }
    }
}

/// What the control plane is made of.
#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) file: Arc<model::File>,
    /// Which of several nodes this is.
    pub(crate) place: Option<Place>,
    pub(crate) config: String,
    pub(crate) journal: Journal,
    pub(crate) gateway: Arc<Succession>,
    pub(crate) supervisor: Supervisor,
    pub(crate) detector: Detector,
    pub(crate) incidents: Incidents,
    pub(crate) quarantine: Quarantine,
    pub(crate) ledger: SloLedger,
    /// Where `verify` keeps what it injects; nothing if it cannot be read.
    pub(crate) fault_ledger: Option<Ledger>,
    pub(crate) metrics: Metrics,
    pub(crate) events_seen: u64,
}

/// The control plane's state, stepped by [`super::run`].
#[derive(Debug)]
pub(crate) struct Control {
    pub(crate) parts: Parts,
    /// Its part of a cluster, where it has one.
    pub(crate) cluster: Option<Cluster>,
    /// What it tells the others of itself.
    pub(super) about: About,
    /// Those that the gateways of other nodes have ejected, and why.
    pub(super) condemned: BTreeMap<InstanceId, String>,
    /// The file whose instances are judged.
    pub(super) judged: Arc<model::File>,
    /// Endpoints that are judged although no file names them.
    pub(super) found: BTreeSet<InstanceId>,
    pub(super) started: Timestamp,
    pub(super) phase: Phase,
    pub(super) routing: Routing,
    pub(super) deltas: Deltas,
    pub(super) faults: Faults,
    pub(super) ledger_problem: Option<String>,
    /// Commands that must end well before what waits for them is started, and how it goes.
    pub(super) preparing: BTreeMap<String, String>,
    /// By an objective's key.
    pub(super) bad: BTreeMap<String, BadEvents>,
    pub(super) opinions: Opinions,
    /// What this node's own clocks, disk and listeners say.
    pub(super) spies: Arc<Board>,
}

impl Control {
    /// One that goes on with the faults of before.
    pub(crate) fn new(mut parts: Parts, faults: Faults, spies: Arc<Board>) -> Self {
        // Unless it is said otherwise by who knows: a gateway that ended ejects nobody.
        parts.incidents.still_ejected([]);
        Self {
            judged: Arc::clone(&parts.file),
            about: About::of(&parts.file),
            found: BTreeSet::new(),
            parts,
            cluster: None,
            condemned: BTreeMap::new(),
            started: now(),
            phase: Phase::Starting,
            routing: Routing::default(),
            deltas: Deltas::default(),
            faults,
            ledger_problem: None,
            preparing: BTreeMap::new(),
            bad: BTreeMap::new(),
            opinions: Opinions::default(),
            spies,
        }
    }

    /// What was booked already by whoever ran this node before.
    pub(crate) fn booked(&mut self, counted: Counters) {
        let ejected = counted.endpoints.iter().filter(|one| one.ejected());
        let incidents = &mut self.parts.incidents;
        incidents.still_ejected(ejected.map(|one| one.instance.clone()));
        let traces = Traces::new(Arc::clone(&self.parts.gateway), now());
        drop(self.deltas.advance(counted, &traces));
    }

    /// Books everything that is counted until now, and says how much that is.
    pub(crate) fn settle(&mut self) -> Counters {
        let counted = self.parts.gateway.counters();
        self.book(counted.clone());
        self.learn_events();
        self.parts.journal.flush(now());
        counted
    }

    /// Whether it stops.
    pub(crate) fn is_stopping(&self) -> bool {
        self.phase == Phase::Stopping
    }

    /// Every connection comes here from now on.
    pub(crate) fn opened(&mut self) {
        if self.phase == Phase::Starting {
            self.phase = Phase::Running;
            self.spies.open(true);
        }
    }

    pub(crate) fn stopping(&mut self, reason: &str) {
        self.phase = Phase::Stopping;
        self.spies.open(false);
        self.record(EventKind::NodeStopping {
            reason: reason.to_owned(),
        });
    }

    /// One report of the supervisor.
    pub(crate) fn report(&mut self, report: Report) {
        match report {
            Report::Changed => self.publish(),
            Report::Observed(observation) => {
                self.note_exit(&observation);
                self.publish();
                if matches!(observation.seen, Seen::Started { .. }) {
                    // What callers met so far, they met at the process before.
                    self.account();
                }
                self.observed(&observation);
            }
            Report::Drain {
                instance,
                limit,
                done,
            } => {
                self.routing
                    .drain(instance, std::time::Instant::now() + limit, done);
                self.publish();
            }
            Report::Joined { instance, zone } => self.joined(instance, zone),
            Report::Left { instance } => self.left(&instance),
            Report::Prepare { command, state } => self.prepare(command, state),
        }
    }

    /// How a command that something waits for goes.
    fn prepare(&mut self, command: String, state: PrepareState) {
        match state {
            PrepareState::Started => {
                self.notice(format!("prepare: {command}"));
                let why = format!("waits for its prepare: {command}");
                self.preparing.insert(command, why);
            }
            PrepareState::Output(line) => tracing::info!(target: "prepare", "{line}"),
            PrepareState::Done => {
                self.notice(format!("prepared: {command}"));
                self.preparing.remove(&command);
            }
            PrepareState::Failed(why) => {
                self.notice(format!("prepare failed: {command}: {why}"));
                let why = format!("its prepare failed and is tried again: {command}: {why}");
                self.preparing.insert(command, why);
            }
        }
    }

    /// What must be seen soon: ejections, and drains that are done. Every 20 ms.
    pub(crate) fn fast_tick(&mut self) {
        self.spies.beat();
        for notice in self.parts.gateway.take_notices() {
            self.gateway_notice(notice);
        }
        if self.routing.is_draining() {
            // In this order: what was chosen before is counted by then.
            let known = self.parts.gateway.is_known();
            let counters = self.parts.gateway.counters();
            self.routing
                .finish_drains(&counters, known, std::time::Instant::now());
        }
    }

    /// Everything that is counted. Every 100 ms.
    pub(crate) fn slow_tick(&mut self) {
        self.disturbed();
        self.publish();
        self.account();
        self.weigh_all();
        self.learn_events();
        self.keep_incarnation();
        self.parts.journal.flush(now());
        self.end_faults();
    }

    fn gateway_notice(&mut self, notice: Notice) {
        match notice {
            Notice::Ejected {
                instance,
                reason,
                ground,
                duration,
            } => {
                self.record(EventKind::EndpointEjected {
                    instance: instance.clone(),
                    reason: reason.clone(),
                    for_ns: ninefold_core::time::nanos(duration),
                });
                self.ejected(instance, (reason, ground), duration);
            }
            Notice::RolledBack {
                route,
                service,
                reason,
            } => self.notice(format!(
                "route {route}: canary {service} rolled back: {reason}"
            )),
            Notice::Bulkhead {
                route,
                full: (full, of),
                refused,
            } => self.notice(match refused {
                None => format!(
                    "route {route}: bulkhead refuses requests, {full} of {of} shards are full"
                ),
                Some(n) => format!("route {route}: bulkhead refuses no more, {n} were refused"),
            }),
            Notice::Breaker { service, state } => self.record(EventKind::Breaker {
                service: service.to_string(),
                state: state.to_owned(),
            }),
            Notice::Canary {
                instance,
                canary,
                wrong,
            } => self.compared(
                instance,
                Seen::Canary {
                    canary: canary.to_string(),
                    right: wrong.is_none(),
                    said: wrong.unwrap_or_default(),
                },
            ),
            Notice::Vote {
                instance,
                ballot,
                said,
            } => {
                let said = said.to_string();
                self.compared(instance, Seen::Vote { ballot, said });
            }
            Notice::Readmitted { instance } => {
                self.record(EventKind::EndpointReadmitted {
                    instance: instance.clone(),
                });
                self.readmitted(instance);
            }
        }
    }

    /// What happened to this node itself.
    fn disturbed(&self) {
        for disturbance in self.spies.take() {
            self.parts.metrics.disturbed(&disturbance);
            self.record(EventKind::Disturbed { disturbance });
        }
    }

    /// An answer was compared with what it should be.
    fn compared(&mut self, instance: InstanceId, seen: Seen) {
        let at = now();
        self.observed(&Observation { instance, at, seen });
    }

    pub(crate) fn record(&self, kind: EventKind) {
        self.parts.journal.record(now(), kind);
    }

    pub(crate) fn notice(&self, text: String) {
        self.record(EventKind::Notice { text });
    }
}
