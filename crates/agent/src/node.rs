//! One node from start to stop.

use std::ffi::OsString;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use ninefold_config::model;
use ninefold_core::address::Address;
use ninefold_core::event::{Event, EventKind};
use ninefold_core::status::NodeStatus;
use ninefold_gateway::Succession;
use ninefold_observe::journal::JournalError;
use ninefold_observe::slo_ledger::LedgerError;
use ninefold_supervise::Place;

use crate::begin::{Arrival, How};
use crate::cluster::ClusterOptions;
use crate::control::now;
use crate::reload::{ReloadReport, ReloadRequest, TURN_MAX, reload};
use crate::stand::{Remains, Setup, Stand};
use crate::state::{StateError, StateFolder};
use crate::takeover::{TakeError, Taken, Taker};

/// How long the folder of a node that is handed over is waited for.
const TAKE_LOCK_MAX: Duration = Duration::from_secs(10);

/// Requests in flight get so long when the node stops.
const DRAIN_MAX: Duration = Duration::from_secs(10);

/// Idle connections get so long of it: a request may be on its way.
const IDLE_MAX: Duration = Duration::from_secs(1);

/// Connections wait so long, at most, for the first look at what should be ready already: what was
/// adopted, and external endpoints. A probe takes a millisecond; longer than this it is better to
/// say that nobody is there.
pub(crate) const FIRST_LOOK_MAX: Duration = Duration::from_secs(1);

/// Why one of several nodes on a machine does not hand over.
const KEPT: &str = "it is one of the nodes of `ninefold up --nodes`, which holds it; run `ninefold stop`, then `ninefold up --nodes` anew";

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
    /// Its part in a cluster; nothing where it is alone.
    pub cluster: Option<ClusterOptions>,
    /// Arguments of `up` besides the file and the state folder, for a successor.
    pub arguments: Vec<OsString>,
    /// Which of several nodes this is, if it is one of several. On a loopback address all of them share
    /// the machine, and every file it goes on by is [read as this node's](ninefold_config::at_loopback).
    pub place: Option<Place>,
    /// Called with every event of the journal, on whichever thread recorded it.
    pub on_event: Arc<dyn Fn(&Event) + Send + Sync>,
}

impl NodeOptions {
    fn into_parts(self) -> (Setup, Arc<model::File>, String) {
        let setup = Setup {
            state: self.state,
            keeper: self.keeper,
            cluster: self.cluster,
            arguments: self.arguments,
            place: self.place,
            on_event: self.on_event,
        };
        (setup, self.file, self.config)
    }
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
    /// The node that runs.
    #[error(transparent)]
    Take(#[from] TakeError),
    /// The socket for gossip.
    #[error("gossip cannot listen on {address}: {source}; is another node there?")]
    Gossip {
        /// Where.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The cluster's authority.
    #[error(transparent)]
    Joins(#[from] ninefold_trust::JoinServerError),
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
    setup: Setup,
    stand: Stand,
}

/// Why a node stops.
pub type StopReason = String;

/// How a hand-over ended.
#[derive(Debug)]
pub enum HandOver {
    /// The other process runs the node, and everything of this one has drained.
    Done,
    /// This one goes on, and why.
    Kept(Box<Node>, String),
}

impl Node {
    /// Begins: takes the folder, undoes faults that a killed controller left, opens the books,
    /// listens, adopts what still runs, and starts what is missing. Connections are accepted once
    /// what ran already was probed: a service that went on all the time has no 503 at its beginning.
    ///
    /// # Errors
    /// When the folder is taken, an address is in use, or the books cannot be opened.
    pub async fn start(options: NodeOptions) -> Result<Self, NodeError> {
        let (setup, file, config) = options.into_parts();
        let arrival = Arrival {
            gateway: None,
            admin: None,
            how: How::Fresh,
        };
        let stand = Stand::up(&setup, file, config, arrival, None, Duration::ZERO).await?;
        stand.gateway.open();
        stand.handle.lock().opened();
        Ok(Self { setup, stand })
    }

    /// Takes over from the process that runs this node, without a lost request and without a restart
    /// of its services; where none runs, it begins as [`Node::start`] does.
    ///
    /// # Errors
    /// When the node before does not agree, or as [`Node::start`]. The one before goes on then.
    pub async fn take_over(options: NodeOptions) -> Result<Self, NodeError> {
        let Some(taken) = Taken::from(&options.state, &options.file).await? else {
            return Self::start(options).await;
        };
        let (setup, file, config) = options.into_parts();
        let Taken {
            gateway,
            admin,
            counted,
            from,
            version,
            mut handing,
        } = taken;
        if let Some(counted) = &counted {
            gateway.counted_elsewhere(counted.clone());
        }
        let arrival = Arrival {
            gateway: Some(Arc::clone(&gateway)),
            admin,
            how: How::TookOver { from, version },
        };
        let stood = Stand::up(&setup, file, config, arrival, counted, TAKE_LOCK_MAX).await;
        let stand = match stood {
            Ok(stand) => stand,
            Err(error) => {
                handing.failed(error.to_string()).await;
                return Err(error);
            }
        };
        let memory = match handing.may_open().await {
            Ok(memory) => memory,
            Err(error) => {
                drop(stand.leave().await);
                return Err(error.into());
            }
        };
        let turn = Arc::clone(&stand.handle.launch().turn).lock_owned().await;
        stand.handle.lock().recall(memory);
        gateway.open();
        handing.opened(turn).await;
        stand.handle.lock().opened();
        Ok(Self { setup, stand })
    }

    /// The listeners, as bound.
    #[must_use]
    pub fn addresses(&self) -> Vec<Address> {
        self.stand.gateway.addresses()
    }

    /// The admin API on loopback, if any.
    #[must_use]
    pub const fn admin(&self) -> Option<SocketAddr> {
        self.stand.admin
    }

    /// What is up.
    #[must_use]
    pub fn status(&self) -> NodeStatus {
        self.stand.handle.status()
    }

    /// Waits until somebody asks for a stop over the admin API.
    pub async fn stop_asked(&self) -> StopReason {
        let mut stop = self.stand.stop.clone();
        match stop.wait_for(Option::is_some).await {
            Ok(reason) => reason.clone().unwrap_or_default(),
            Err(_closed) => std::future::pending().await,
        }
    }

    /// Waits until another process wants to take over.
    pub async fn taker(&self) -> Taker {
        Taker::next(&self.stand.takers).await
    }

    /// Hands over to another process. Whatever goes wrong before that one accepts connections, this
    /// one goes on.
    ///
    /// # Errors
    /// When the other process failed, and then this one could not take its folder again. The
    /// instances live on, for the next `up`.
    pub async fn hand_over(self, mut taker: Taker) -> Result<HandOver, NodeError> {
        let kept = |node: Self, why: String| Ok(HandOver::Kept(Box::new(node), why));
        if self.is_kept() {
            taker.refuse(KEPT).await;
            return kept(self, KEPT.to_owned());
        }
        let turn = Arc::clone(&self.stand.handle.launch().turn).lock_owned();
        let Ok(turn) = tokio::time::timeout(TURN_MAX, turn).await else {
            let why = "another reload or upgrade is under way, or what the gateway before has open takes long (`node.drain`)";
            taker.refuse(why).await;
            return kept(self, why.to_owned());
        };
        let prepared = taker.prepare(&self.stand.gateway, self.stand.spare.as_ref());
        if let Err(why) = prepared.await {
            taker.refuse(&why).await;
            return kept(self, why);
        }
        let Self { setup, stand } = self;
        let Remains {
            gateway,
            file,
            config,
            admin,
            counted,
        } = stand.leave().await;
        drop(turn);
        let stands = match taker.yours(counted.clone(), gateway.memory()).await {
            Ok(()) => taker.open(&gateway).await,
            Err(why) => Err(why),
        };
        match stands {
            Ok(()) => {
                drop(admin);
                leave(taker, gateway, file.node.drain.0).await;
                Ok(HandOver::Done)
            }
            Err(why) => {
                taker.refuse(&why).await;
                drop(taker);
                let arrival = Arrival {
                    gateway: Some(gateway),
                    admin,
                    how: How::Kept { why: why.clone() },
                };
                let counted = Some(counted);
                let stand =
                    Stand::up(&setup, file, config, arrival, counted, TAKE_LOCK_MAX).await?;
                stand.handle.lock().opened();
                kept(Self { setup, stand }, why)
            }
        }
    }

    /// Whether it is one of several on a machine: then whoever started it would lose sight of its
    /// successor.
    fn is_kept(&self) -> bool {
        let place = self.setup.place.as_ref();
        place.is_some_and(|place| place.address.is_loopback())
    }

    /// Goes on by another file, or by the same one read again. See `ninefold reload`.
    ///
    /// # Errors
    /// Why nothing was reloaded, in words for a person; everything is as before then.
    pub fn reload(
        &self,
        request: ReloadRequest,
    ) -> impl Future<Output = Result<ReloadReport, String>> + use<> {
        let handle = self.stand.handle.clone();
        async move {
            let done = reload(handle, request).await;
            done.map_err(|error| error.to_string())
        }
    }

    /// Stops in order: no new connections, requests in flight end, instances out of routing,
    /// drained, signalled and, after their grace, killed.
    pub async fn stop(self, reason: &str) {
        let Self { setup, mut stand } = self;
        stand.handle.lock().stopping(reason);
        let report = stand.gateway.drain(IDLE_MAX, DRAIN_MAX).await;
        tracing::debug!(?report, "gateway drained");
        // Whoever is just replacing the supervisor does so first.
        let turn = Arc::clone(&stand.handle.launch().turn);
        drop(tokio::time::timeout(DRAIN_MAX, turn.lock()).await);
        let (supervisor, journal) = {
            let control = stand.handle.lock();
            let parts = &control.parts;
            (parts.supervisor.clone(), parts.journal.clone())
        };
        stand.end_gossip(true).await;
        supervisor.stop().await;
        stand.end_tasks().await;
        journal.record(now(), EventKind::NodeStopped);
        for socket in [setup.state.socket(), setup.state.handover()] {
            if let Err(error) = std::fs::remove_file(socket) {
                tracing::debug!(%error, "a socket could not be removed");
            }
        }
        halt(Arc::clone(&stand.gateway)).await;
    }
}

/// Drains, tells what is counted meanwhile, and ends the gateway.
async fn leave(mut taker: Taker, gateway: Arc<Succession>, limit: Duration) {
    taker.leave(&gateway, limit).await;
    halt(Arc::clone(&gateway)).await;
    // What was ended by force is counted too.
    taker.tell(gateway.counters()).await;
}

async fn halt(gateway: Arc<Succession>) {
    // Joining threads blocks.
    if let Err(error) = tokio::task::spawn_blocking(move || gateway.halt()).await {
        tracing::error!(%error, "the gateway ended badly");
    }
}
