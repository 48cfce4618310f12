//! The steps from a valid file to everything that a node consists of.

use std::net::{IpAddr, Ipv6Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ninefold_chaos::VerifyOptions;
use ninefold_chaos::ledger::Ledger;
use ninefold_config::model;
use ninefold_core::address::Address;
use ninefold_core::event::{Event, EventKind};
use ninefold_core::id::InstanceId;
use ninefold_core::incident::Incidents;
use ninefold_core::quarantine::Quarantine;
use ninefold_gateway::{Gateway, StartError, Succession};
use ninefold_observe::journal::{Journal, JournalLimits};
use ninefold_observe::metrics::Metrics;
use ninefold_observe::slo_ledger::{LedgerError, SloLedger};
use ninefold_supervise::{Addresses, ProbeTls, Recorder, Report, Supervisor};
use prometheus_client::registry::Registry;
use rustls_pki_types::ServerName;
use tokio::sync::{mpsc, watch};
use tokio_rustls::TlsConnector;

use crate::admin::{self, AdminListeners};
use crate::control::{self, Faults, Parts, now};
use crate::node::NodeError;
use crate::stand::Setup;
use crate::state::{NodeRecord, StateFolder};

/// Reports of the supervisor that wait at most; beyond, the supervisor waits.
const REPORTS_MAX: usize = 4_096;
/// Events of a start that are looked at for faults that ended with the gateway before; there are fewer.
const ENDED_MAX: usize = 1_000;
/// One journal file takes this part of all of them.
const JOURNAL_FILE_SHARE: u64 = 8;

/// Everything that a node consists of, bound and opened; its services are being started.
pub(crate) struct Begun {
    pub(crate) parts: Parts,
    /// The journal's newest sequence number.
    pub(crate) newest: watch::Receiver<u64>,
    pub(crate) listeners: AdminListeners,
    pub(crate) reports: mpsc::Receiver<Report>,
    /// The other end, for the supervisors that follow.
    pub(crate) reporting: mpsc::Sender<Report>,
    pub(crate) registry: Registry,
    /// Those that whoever ran this node before did not end.
    pub(crate) faults: Faults,
}

/// The supervisor's view of the journal.
#[derive(Debug)]
pub(crate) struct JournalRecorder(pub(crate) Journal);

impl Recorder for JournalRecorder {
    fn record(&self, kind: EventKind) {
        self.0.record(now(), kind);
    }
}

/// Probes speak TLS as the gateway does.
#[derive(Debug)]
pub(crate) struct GatewayTls(pub(crate) Arc<Succession>);

impl ProbeTls for GatewayTls {
    fn of(
        &self,
        instance: &InstanceId,
        host: Option<&str>,
        address: &Address,
    ) -> Option<(TlsConnector, ServerName<'static>)> {
        self.0.tls_towards(instance, host, address)
    }
}

/// How a node comes to be.
#[derive(Debug)]
pub(crate) enum How {
    /// Nothing ran.
    Fresh,
    /// Another process ran it.
    TookOver { from: u32, version: String },
    /// This process ran it, and could not hand it over.
    Kept { why: String },
}

/// What is there before the node is.
#[derive(Debug)]
pub(crate) struct Arrival {
    /// It goes on; else one is made.
    pub(crate) gateway: Option<Arc<Succession>>,
    pub(crate) admin: Option<TcpListener>,
    pub(crate) how: How,
}

/// Takes the steps. Addresses are bound before anything is started, so that a node which cannot
/// serve starts nothing; connections wait there until the gateway is opened. The state folder's lock must be held.
pub(crate) async fn begin(
    setup: &Setup,
    file: Arc<model::File>,
    config: String,
    arrival: Arrival,
) -> Result<Begun, NodeError> {
    let state = &setup.state;
    let (journal, history) = Journal::open(&state.journal(), journal_limits(&file))?;
    let events_seen = history.last().map_or(0, |event| event.seq);
    let (newest_tx, newest) = watch::channel(events_seen);
    let on_event = Arc::clone(&setup.on_event);
    journal.on_record(Box::new(move |event| {
        newest_tx.send_replace(event.seq);
        on_event(event);
    }));
    let faults = left_faults(
        &fault_ledger(setup),
        &journal,
        &history,
        arrival.gateway.is_some(),
    );
    let listeners = admin::bind(&state.socket(), file.node.admin, arrival.admin).await?;
    let gateway = match arrival.gateway {
        Some(gateway) => gateway,
        None => Arc::new(Succession::new(hold(&file, state)?)),
    };
    let ledger = open_ledger(&file, state, &journal)?;
    record_start(&journal, &history, &config, &arrival.how);
    let mut incidents = Incidents::restore(&history);
    let detector = control::judges(&file, setup.place.as_ref(), &mut incidents);
    for ended in incidents.forget_unregistered() {
        journal.record(now(), EventKind::Incident(Box::new(ended)));
    }
    // With the faults that have just ended.
    let ended = journal.since(events_seen, ENDED_MAX);
    let quarantine = Quarantine::restore(history.iter().chain(&ended));
    // Before anything is started: what cannot be written ends the start with nothing left behind.
    let ports = chosen_ports(&file, &gateway.addresses());
    state.write_record(&record(&file, listeners.address, ports))?;
    let (reporting, reports) = mpsc::channel(REPORTS_MAX);
    let supervisor = Supervisor::start(ninefold_supervise::Options {
        file: Arc::clone(&file),
        state: state.path().to_owned(),
        keeper: setup.keeper.clone(),
        addresses: service_addresses(&file, &gateway.addresses()),
        reports: reporting.clone(),
        journal: Arc::new(JournalRecorder(journal.clone())),
        tls: Some(Arc::new(GatewayTls(Arc::clone(&gateway)))),
        place: setup.place.clone(),
    })
    .await?;
    let (registry, metrics) = registry(&gateway, setup.cluster.is_some());
    let parts = Parts {
        place: setup.place.clone(),
        fault_ledger: Ledger::open(&fault_ledger(setup)).ok(),
        file,
        config,
        journal,
        gateway,
        supervisor,
        detector,
        incidents,
        quarantine,
        ledger,
        metrics,
        events_seen,
    };
    Ok(Begun {
        parts,
        newest,
        listeners,
        reports,
        reporting,
        registry,
        faults,
    })
}

fn journal_limits(file: &model::File) -> JournalLimits {
    let total_bytes = file.node.journal_size.0;
    JournalLimits {
        file_bytes: total_bytes / JOURNAL_FILE_SHARE,
        total_bytes,
    }
}

/// Who runs here, for `node.json`.
fn record(file: &model::File, admin: Option<SocketAddr>, ports: Vec<SocketAddr>) -> NodeRecord {
    NodeRecord {
        pid: std::process::id(),
        cluster: file.cluster.name.to_string(),
        file: std::path::absolute(&file.path).unwrap_or_else(|_| file.path.clone()),
        admin,
        ports,
        nodes: None,
    }
}

/// A gateway of its own, at the ports that the one before had where the system chooses.
fn hold(file: &model::File, state: &StateFolder) -> Result<Gateway, StartError> {
    let before = state.record().map(|record| record.ports);
    Gateway::hold(file, state.path(), before.unwrap_or_default())
}

fn registry(gateway: &Arc<Succession>, in_cluster: bool) -> (Registry, Metrics) {
    let mut registry = Registry::default();
    let metrics = Metrics::register(&mut registry, env!("CARGO_PKG_VERSION"));
    if in_cluster {
        metrics.register_cluster(&mut registry);
    }
    registry.register_collector(gateway.collector());
    (registry, metrics)
}

/// Where faults are booked: once for all nodes that share a machine, in the folder that theirs are in.
fn fault_ledger(setup: &Setup) -> PathBuf {
    let own = setup.state.path();
    let shared = setup
        .place
        .as_ref()
        .filter(|place| place.address.is_loopback());
    let folder = shared.and_then(|_| own.parent()).unwrap_or(own);
    VerifyOptions::ledger_folder(folder)
}

/// Faults that were announced and not ended. Those of a gateway that is gone ended with it.
fn left_faults(
    ledger: &Path,
    journal: &Journal,
    history: &[Event],
    gateway_goes_on: bool,
) -> Faults {
    let mut faults = Faults::left(history);
    for id in undo_left_faults(ledger, journal) {
        faults.forget(&id);
    }
    if !gateway_goes_on {
        for id in faults.of_the_gateway() {
            faults.forget(&id);
            let how = "ended with the gateway that injected it".to_owned();
            let hits = None;
            journal.record(now(), EventKind::FaultEnded { id, how, hits });
        }
    }
    faults
}

/// Undoes what controllers that died with their reapers left open, and says which faults that were.
fn undo_left_faults(ledger: &Path, journal: &Journal) -> Vec<String> {
    let notice = |text| drop(journal.record(now(), EventKind::Notice { text }));
    let mut undone = Vec::new();
    match ninefold_chaos::reaper::recover(ledger) {
        Err(error) => notice(format!("the fault ledger cannot be read: {error}")),
        Ok(recovered) => {
            for (id, what) in recovered.undone {
                undone.push(id.clone());
                let how = match &what[..] {
                    [] => "over at start".to_owned(),
                    what => format!("undone at start: {}", what.join("; ")),
                };
                journal.record(
                    now(),
                    EventKind::FaultEnded {
                        id,
                        how,
                        hits: None,
                    },
                );
            }
            for (id, why) in recovered.stuck {
                notice(format!(
                    "fault {id} could not be undone: {}",
                    why.join("; ")
                ));
            }
            for path in recovered.damaged {
                notice(format!(
                    "a damaged fault record was set aside: {}",
                    path.display()
                ));
            }
        }
    }
    undone
}

fn open_ledger(
    file: &model::File,
    state: &StateFolder,
    journal: &Journal,
) -> Result<SloLedger, LedgerError> {
    let objectives = control::objectives(file);
    let routes = control::routes(file);
    let (ledger, notices) = SloLedger::open(&state.ledger(), objectives, routes, now())?;
    for text in notices {
        journal.record(now(), EventKind::Notice { text });
    }
    Ok(ledger)
}

fn record_start(journal: &Journal, history: &[Event], config: &str, how: &How) {
    if let How::Kept { why } = how {
        let text = format!("not handed over, and goes on: {why}");
        journal.record(now(), EventKind::Notice { text });
        return;
    }
    let mut configs = history.iter().rev().filter_map(|event| match &event.kind {
        EventKind::NodeStarted { config, .. } => Some(config),
        EventKind::ConfigChanged { to, .. } => Some(to),
        _ => None,
    });
    let before = configs.next().cloned();
    journal.record(
        now(),
        EventKind::NodeStarted {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            pid: std::process::id(),
            config: config.to_owned(),
        },
    );
    if let How::TookOver { from, version } = how {
        let (from, version) = (*from, version.clone());
        journal.record(now(), EventKind::TookOver { from, version });
    }
    if let Some(from) = before.filter(|before| before != config) {
        journal.record(
            now(),
            EventKind::ConfigChanged {
                from,
                to: config.to_owned(),
            },
        );
    }
}

/// What the system chose for listeners with port 0.
pub(crate) fn chosen_ports(file: &model::File, bound: &[Address]) -> Vec<SocketAddr> {
    let free = |address: &Address| address.tcp().is_some_and(|address| address.port() == 0);
    let listeners = file.listeners.iter().zip(bound);
    listeners
        .filter(|(listener, _)| free(&listener.address))
        .filter_map(|(_, bound)| bound.tcp())
        .collect()
}

/// Where services are reached through the gateway: each at the first listener with a port that routes
/// to it and is for everybody, and all at the first egress listener.
pub(crate) fn service_addresses(file: &model::File, bound: &[Address]) -> Addresses {
    let mut addresses = Addresses::default();
    for (listener, address) in file.listeners.iter().zip(bound) {
        if listener.egress {
            addresses.egress.get_or_insert_with(|| address.clone());
            continue;
        }
        // What takes `{address.NAME}` expects a host and a port.
        let Some(address) = address.tcp() else {
            continue;
        };
        let reachable = match address.ip() {
            ip if !ip.is_unspecified() => address,
            IpAddr::V4(_) => SocketAddr::from(([127, 0, 0, 1], address.port())),
            IpAddr::V6(_) => SocketAddr::from((Ipv6Addr::LOCALHOST, address.port())),
        };
        for route in &listener.routes {
            let services = &mut addresses.services;
            services
                .entry(route.service.to_string())
                .or_insert(reachable);
        }
    }
    addresses
}
