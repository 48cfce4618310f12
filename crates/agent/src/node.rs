//! One node from start to stop.

use std::ffi::OsString;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ninefold_config::model;
use ninefold_core::event::{Event, EventKind};
use ninefold_core::status::NodeStatus;
use ninefold_gateway::Gateway;
use ninefold_observe::journal::{Journal, JournalError};
use ninefold_observe::slo_ledger::LedgerError;
use ninefold_supervise::Supervisor;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::admin;
use crate::begin::{Begun, begin};
use crate::control::{self, Control, Handle, now};
use crate::state::{StateError, StateFolder, StateLock};

/// Requests in flight get so long when the node stops.
const DRAIN_MAX: Duration = Duration::from_secs(10);

/// Connections wait so long, at most, for the first look at what should be ready already: what was
/// adopted, and external endpoints. A probe takes a millisecond; longer than this it is better to
/// say that nobody is there.
const FIRST_LOOK_MAX: Duration = Duration::from_secs(1);

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

impl Node {
    /// Begins: takes the folder, undoes faults that a killed controller left, opens the books,
    /// listens, adopts what still runs, and starts what is missing. Connections are accepted once
    /// what ran already was probed: a service that went on all the time has no 503 at its beginning.
    ///
    /// # Errors
    /// When the folder is taken, an address is in use, or the books cannot be opened.
    pub async fn start(options: NodeOptions) -> Result<Self, NodeError> {
        let lock = options.state.open()?;
        let begun = begin(options).await?;
        let Begun {
            parts,
            newest,
            listeners,
            reports,
            registry,
            state,
        } = begun;
        let (journal, gateway, supervisor) = (
            parts.journal.clone(),
            Arc::clone(&parts.gateway),
            parts.supervisor.clone(),
        );
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
        if !supervisor.settled(FIRST_LOOK_MAX).await {
            tracing::warn!("some endpoints have not answered a probe yet; serving without them");
        }
        // The routing must know before the first request asks it.
        handle.lock().publish();
        gateway.open();
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
