//! A node's control plane, from its beginning to its end. The gateway is there before and after.

use std::ffi::OsString;
use std::net::{SocketAddr, TcpListener as StdListener};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use ninefold_config::model;
use ninefold_core::event::Event;
use ninefold_gateway::{Counters, Succession};
use ninefold_supervise::{Place, Report};
use ninefold_trust::JoinServer;
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinHandle, JoinSet};

use crate::admin;
use crate::begin::{Arrival, Begun, begin};
use crate::cluster::{ClusterOptions, Gossip};
use crate::control::{self, Cluster, Control, Handle, Launch};
use crate::node::{FIRST_LOOK_MAX, NodeError};
use crate::spy::{Doors, Spies};
use crate::state::{StateFolder, StateLock};
use crate::takeover;

/// What does not change while a node lives, whoever runs it.
#[derive(Clone)]
pub(crate) struct Setup {
    pub(crate) state: StateFolder,
    /// The command that runs a keeper; its folder is appended.
    pub(crate) keeper: Vec<OsString>,
    /// Its part in a cluster.
    pub(crate) cluster: Option<ClusterOptions>,
    /// How `up` was called, for a successor: what stands behind the program and its file.
    pub(crate) arguments: Vec<OsString>,
    /// Which of several nodes it is.
    pub(crate) place: Option<Place>,
    /// Called with every event of the journal.
    pub(crate) on_event: Arc<dyn Fn(&Event) + Send + Sync>,
}

impl Setup {
    /// What the supervisors that follow the first are started with.
    fn launch(&self, reports: mpsc::Sender<Report>) -> Launch {
        Launch {
            state: self.state.clone(),
            keeper: self.keeper.clone(),
            arguments: self.arguments.clone(),
            place: self.place.clone(),
            reports,
            turn: Arc::default(),
        }
    }
}

impl std::fmt::Debug for Setup {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Setup")
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}

/// A control plane that runs: it holds the folder and the books.
#[derive(Debug)]
pub(crate) struct Stand {
    pub(crate) handle: Handle,
    pub(crate) gateway: Arc<Succession>,
    /// The admin API on loopback.
    pub(crate) admin: Option<SocketAddr>,
    pub(crate) spare: Option<StdListener>,
    pub(crate) stop: watch::Receiver<Option<String>>,
    pub(crate) takers: UnixListener,
    end: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
    _spies: Spies,
    _lock: StateLock,
}

/// What is left of a control plane that ended, and whose gateway serves on.
#[derive(Debug)]
pub(crate) struct Remains {
    pub(crate) gateway: Arc<Succession>,
    pub(crate) file: Arc<model::File>,
    pub(crate) config: String,
    pub(crate) admin: Option<StdListener>,
    /// What was booked.
    pub(crate) counted: Counters,
}

impl Stand {
    /// Takes the folder, opens the books, adopts and starts, and looks once at what should be ready;
    /// then the gateway is told who is. It is not opened. `counted`: what of the gateway is booked
    /// already. Waits for the folder for `patience`.
    pub(crate) async fn up(
        setup: &Setup,
        file: Arc<model::File>,
        config: String,
        arrival: Arrival,
        counted: Option<Counters>,
        patience: Duration,
    ) -> Result<Self, NodeError> {
        let asked = Instant::now();
        let lock = loop {
            match setup.state.open() {
                Ok(lock) => break lock,
                Err(error) if asked.elapsed() >= patience => return Err(error.into()),
                Err(_held) => {}
            }
        };
        // Before anything is started: a node that cannot gossip starts nothing.
        let cluster = join(setup, &file.cluster.name).await?;
        let begun = begin(setup, file, config, arrival).await?;
        let Begun {
            parts,
            newest,
            mut listeners,
            reports,
            reporting,
            registry,
            faults,
        } = begun;
        let takers =
            takeover::bind(&setup.state.handover()).map_err(|source| NodeError::Admin {
                what: setup.state.handover().display().to_string(),
                source,
            })?;
        let (journal, supervisor) = (parts.journal.clone(), parts.supervisor.clone());
        let gateway = Arc::clone(&parts.gateway);
        let spies = Spies::start(setup.state.canary(), Doors::of(&gateway, listeners.address));
        let mut control = Control::new(parts, faults, spies.board());
        control.cluster = cluster;
        // A gateway that serves already knows better who is ready than who was just begun to probe.
        control.hold();
        if let Some(counted) = counted {
            control.booked(counted);
        }
        let (stop_tx, stop) = watch::channel(None);
        let launch = setup.launch(reporting);
        let control = Arc::new(Mutex::new(control));
        let handle = Handle::new(
            control,
            journal,
            newest,
            stop_tx,
            Arc::new(registry),
            launch,
        );
        let (end, ended) = watch::channel(false);
        let (admin, spare) = (listeners.address, listeners.spare.take());
        let tasks = vec![
            tokio::spawn(control::run(handle.clone(), reports, ended.clone())),
            tokio::spawn(admin::serve(listeners, handle.clone(), ended)),
        ];
        if !supervisor.settled(FIRST_LOOK_MAX).await {
            tracing::warn!("some endpoints have not answered a probe yet; serving without them");
        }
        handle.lock().tell_all();
        handle.told_by_all(FIRST_LOOK_MAX).await;
        // The routing must know before the first request asks it.
        handle.lock().release();
        Ok(Self {
            handle,
            gateway,
            admin,
            spare,
            stop,
            takers,
            end,
            tasks,
            _spies: spies,
            _lock: lock,
        })
    }

    /// Ends this node's part in its cluster: it leaves, or falls silent so that another process goes on.
    pub(crate) async fn end_gossip(&self, leave: bool) {
        let cluster = self.handle.lock().cluster.take();
        if let Some(cluster) = cluster {
            cluster.end(leave).await;
        }
    }

    /// Ends the tasks: nothing is decided or served by the admin API any more.
    pub(crate) async fn end_tasks(&mut self) {
        self.end.send_replace(true);
        for task in self.tasks.drain(..) {
            if let Err(error) = task.await {
                tracing::error!(%error, "a task of the node ended badly");
            }
        }
    }

    /// Ends the control plane and gives up the folder. Instances and gateway go on as they are.
    pub(crate) async fn leave(mut self) -> Remains {
        let supervisor = self.handle.lock().parts.supervisor.clone();
        supervisor.leave().await;
        self.end_gossip(false).await;
        self.end_tasks().await;
        let mut control = self.handle.lock();
        let counted = control.settle();
        Remains {
            gateway: Arc::clone(&self.gateway),
            file: Arc::clone(&control.parts.file),
            config: control.parts.config.clone(),
            admin: self.spare.take(),
            counted,
        }
    }
}

/// Begins to gossip, and to answer joins where that is this node's to do, unless the node is alone.
async fn join(setup: &Setup, cluster: &str) -> Result<Option<Cluster>, NodeError> {
    let Some(options) = &setup.cluster else {
        return Ok(None);
    };
    let incarnation = setup.state.incarnation();
    let address = options.gossip;
    let refused = |source| NodeError::Gossip { address, source };
    let gossip = Gossip::start(options, cluster, incarnation).map_err(refused)?;
    let shared = Arc::clone(gossip.shared());
    let joins = JoinServer::load(options.secrets.clone(), move || shared.view().roster())?;
    let mut answering = JoinSet::new();
    if let Some(server) = joins {
        let listener = TcpListener::bind(address).await.map_err(refused)?;
        answering.spawn(async move {
            if let Err(error) = server.serve(listener).await {
                tracing::error!(%error, "joins are not answered any more");
            }
        });
    }
    Ok(Some(Cluster::new(
        (gossip, answering),
        options,
        setup.state.clone(),
    )))
}
