//! One node from start to stop.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ninefold_chaos::VerifyOptions;
use ninefold_config::model;
use ninefold_core::event::{Event, EventKind};
use ninefold_core::incident::Incidents;
use ninefold_core::status::NodeStatus;
use ninefold_gateway::Gateway;
use ninefold_observe::journal::{Journal, JournalError, JournalLimits};
use ninefold_observe::metrics::Metrics;
use ninefold_observe::slo_ledger::{LedgerError, SloLedger};
use ninefold_supervise::{Recorder, Supervisor};
use prometheus_client::registry::Registry;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use crate::admin;
use crate::control::{self, Control, Handle, Parts, now};
use crate::state::{NodeRecord, StateError, StateFolder, StateLock};

/// Reports of the supervisor that wait at most; beyond, the supervisor waits.
const REPORTS_MAX: usize = 4_096;
/// Requests in flight get so long when the node stops.
const DRAIN_MAX: Duration = Duration::from_secs(10);
/// One journal file, before the next begins.
const JOURNAL_FILE_SHARE: u64 = 8;

/// What a node needs to begin.
pub struct NodeOptions {
    /// The valid file.
    pub file: Arc<model::File>,
    /// A short hash of the file's text.
    pub config: String,
    /// Where its state lies.
    pub state: StateFolder,
    /// The command that runs a keeper; its folder is appended.
    pub keeper: Vec<OsString>,
    /// Called with every event of the journal, on whichever thread recorded it.
    pub on_event: Box<dyn Fn(&Event) + Send + Sync>,
}

impl fmt::Debug for NodeOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NodeOptions")
            .field("file", &self.file.path)
            .field("config", &self.config)
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}

/// Why a node could not begin. Nothing of it runs then, besides instances it may have adopted.
#[derive(Debug, thiserror::Error)]
pub enum NodeError {
    /// The state folder.
    #[error(transparent)]
    State(#[from] StateError),
    /// The journal.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The SLO ledger.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The gateway.
    #[error(transparent)]
    Gateway(#[from] ninefold_gateway::StartError),
    /// The supervisor.
    #[error(transparent)]
    Supervisor(#[from] ninefold_supervise::StartError),
    /// A name that is none.
    #[error(transparent)]
    Name(model::InvalidName),
    /// The admin API.
    #[error("the admin API cannot listen on {what}: {source}; choose another with `node.admin`")]
    Admin {
        /// Where.
        what: String,
        /// What the system said.
        source: io::Error,
    },
}

/// A running node.
#[derive(Debug)]
pub struct Node {
    handle: Handle,
    gateway: Arc<Gateway>,
    supervisor: Supervisor,
    journal: Journal,
    state: StateFolder,
    admin: Option<SocketAddr>,
    stop: watch::Receiver<Option<String>>,
    end: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
    _lock: StateLock,
}

/// Why a node stops.
pub type StopReason = String;

/// The supervisor's view of the journal.
#[derive(Debug)]
struct JournalRecorder(Journal);

impl Recorder for JournalRecorder {
    fn record(&self, kind: EventKind) {
        self.0.record(now(), kind);
    }
}

impl Node {
    /// Begins: takes the folder, undoes faults that a killed controller left, opens the books,
    /// listens, adopts what still runs, and starts what is missing.
    ///
    /// # Errors
    /// When the folder is taken, an address is in use, or the books cannot be opened.
    pub async fn start(options: NodeOptions) -> Result<Self, NodeError> {
        let NodeOptions {
            file,
            config,
            state,
            keeper,
            on_event,
        } = options;
        let lock = state.open()?;
        let limits = JournalLimits {
            file_bytes: file.node.journal_size.0 / JOURNAL_FILE_SHARE,
            total_bytes: file.node.journal_size.0,
        };
        let (journal, history) = Journal::open(&state.journal(), limits)?;
        let (newest_tx, newest) = watch::channel(history.last().map_or(0, |event| event.seq));
        journal.on_record(Box::new(move |event| {
            newest_tx.send_replace(event.seq);
            on_event(event);
        }));
        undo_left_faults(&state, &journal);

        let listeners = admin::bind(&state.socket(), file.node.admin).await?;
        let gateway = Arc::new(Gateway::start(&file, state.path())?);
        let ledger = open_ledger(&file, &state, &journal)?;
        record_start(&journal, &history, &config);
        let mut incidents = Incidents::restore(&history);
        let detector = control::judges(&file, &mut incidents);
        let events_seen = history.last().map_or(0, |event| event.seq);
        drop(history);

        let (reports_tx, reports) = mpsc::channel(REPORTS_MAX);
        let supervisor = Supervisor::start(ninefold_supervise::Options {
            file: Arc::clone(&file),
            state: state.path().to_owned(),
            keeper,
            addresses: service_addresses(&file, &gateway.addresses()),
            reports: reports_tx,
            journal: Arc::new(JournalRecorder(journal.clone())),
        })
        .await?;
        state.write_record(&NodeRecord {
            pid: std::process::id(),
            cluster: file.cluster.name.to_string(),
            file: std::path::absolute(&file.path).unwrap_or_else(|_| file.path.clone()),
            admin: listeners.address,
        })?;

        let mut registry = Registry::default();
        let metrics = Metrics::register(&mut registry, env!("CARGO_PKG_VERSION"));
        registry.register_collector(gateway.collector());
        let parts = Parts {
            detector,
            file,
            config,
            journal: journal.clone(),
            gateway: Arc::clone(&gateway),
            supervisor: supervisor.clone(),
            incidents,
            ledger,
            metrics,
            events_seen,
        };
        let control = Arc::new(Mutex::new(Control::new(parts)));
        let (stop_tx, stop) = watch::channel(None);
        let handle = Handle::new(
            control,
            journal.clone(),
            newest,
            stop_tx,
            Arc::new(registry),
        );
        let (end, ended) = watch::channel(false);
        let admin = listeners.address;
        let tasks = vec![
            tokio::spawn(control::run(handle.clone(), reports, ended.clone())),
            tokio::spawn(admin::serve(listeners, handle.clone(), ended)),
        ];
        Ok(Self {
            handle,
            gateway,
            supervisor,
            journal,
            state,
            admin,
            stop,
            end,
            tasks,
            _lock: lock,
        })
    }

    /// The listeners, as bound.
    #[must_use]
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.gateway.addresses()
    }

    /// The admin API on loopback, if any.
    #[must_use]
    pub const fn admin(&self) -> Option<SocketAddr> {
        self.admin
    }

    /// What is up.
    #[must_use]
    pub fn status(&self) -> NodeStatus {
        self.handle.status()
    }

    /// Waits until somebody asks for a stop over the admin API.
    pub async fn stop_asked(&self) -> StopReason {
        let mut stop = self.stop.clone();
        match stop.wait_for(Option::is_some).await {
            Ok(reason) => reason.clone().unwrap_or_default(),
            Err(_closed) => std::future::pending().await,
        }
    }

    /// Stops in order: no new connections, requests in flight end, instances out of routing,
    /// drained, signalled and, after their grace, killed.
    pub async fn stop(self, reason: &str) {
        self.handle.lock().stopping(reason);
        let report = self.gateway.drain(DRAIN_MAX).await;
        tracing::debug!(?report, "gateway drained");
        self.supervisor.stop().await;
        self.end.send_replace(true);
        for task in self.tasks {
            if let Err(error) = task.await {
                tracing::error!(%error, "a task of the node ended badly");
            }
        }
        self.journal.record(now(), EventKind::NodeStopped);
        if let Err(error) = std::fs::remove_file(self.state.socket()) {
            tracing::debug!(%error, "the admin socket could not be removed");
        }
        drop(self.handle);
        if let Some(gateway) = Arc::into_inner(self.gateway) {
            // Joining threads blocks; nothing else runs here any more.
            if let Err(error) = tokio::task::spawn_blocking(move || gateway.stop()).await {
                tracing::error!(%error, "the gateway ended badly");
            }
        }
    }
}

/// Undoes what controllers that died with their reapers left open.
fn undo_left_faults(state: &StateFolder, journal: &Journal) {
    let ledger = VerifyOptions::ledger_folder(state.path());
    let notice = |text| drop(journal.record(now(), EventKind::Notice { text }));
    match ninefold_chaos::reaper::recover(&ledger) {
        Err(error) => notice(format!("the fault ledger cannot be read: {error}")),
        Ok(recovered) => {
            for (id, what) in recovered.undone {
                let how = format!("undone at start: {}", what.join("; "));
                journal.record(now(), EventKind::FaultEnded { id, how });
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
}

fn open_ledger(
    file: &model::File,
    state: &StateFolder,
    journal: &Journal,
) -> Result<SloLedger, LedgerError> {
    let objectives = control::objectives(file);
    let routes = file
        .listeners
        .iter()
        .flat_map(|listener| listener.routes.iter().map(|route| route.name.to_string()))
        .collect();
    let (ledger, notices) = SloLedger::open(&state.ledger(), objectives, routes, now())?;
    for text in notices {
        journal.record(now(), EventKind::Notice { text });
    }
    Ok(ledger)
}

fn record_start(journal: &Journal, history: &[Event], config: &str) {
    let before = history.iter().rev().find_map(|event| match &event.kind {
        EventKind::NodeStarted { config, .. } => Some(config.clone()),
        _ => None,
    });
    journal.record(
        now(),
        EventKind::NodeStarted {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            pid: std::process::id(),
            config: config.to_owned(),
        },
    );
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

/// Where each service is reached through the gateway: the first listener that routes to it.
fn service_addresses(file: &model::File, bound: &[SocketAddr]) -> BTreeMap<String, SocketAddr> {
    let mut addresses = BTreeMap::new();
    for (listener, address) in file.listeners.iter().zip(bound) {
        let reachable = match address.ip() {
            ip if !ip.is_unspecified() => *address,
            std::net::IpAddr::V4(_) => SocketAddr::from(([127, 0, 0, 1], address.port())),
            std::net::IpAddr::V6(_) => {
                SocketAddr::from((std::net::Ipv6Addr::LOCALHOST, address.port()))
            }
        };
        for route in &listener.routes {
            addresses
                .entry(route.service.to_string())
                .or_insert(reachable);
        }
    }
    addresses
}
