//! From the configuration to running data threads.

use std::io;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::Duration;

use ninefold_config::model::File;
use ninefold_core::address::Address;
use ninefold_core::ejection::Judge;
use rustls::ServerConfig;
use tokio::runtime::LocalOptions;
use tokio::sync::watch;
use tokio::time::MissedTickBehavior;
use tokio_rustls::TlsAcceptor;

use crate::access_log::{AccessLogs, LogThread, OpenLogError};
use crate::certificate::CertificateError;
use crate::checks::send_canaries;
use crate::fallback::FallbackError;
use crate::fleet::Hub;
use crate::listen::{
    Acceptor, BindError, Bound, Certificates, Sockets, accept, begin_to_listen, bind, inherit,
};
use crate::plan::Plan;
use crate::worker::Worker;

/// How often certificates are looked at and kept connections tidied.
const EVERY: Duration = Duration::from_secs(1);

/// How often ejections are ended and endpoints compared with their peers.
const LOOK_EVERY: Duration = Judge::<()>::EVERY;

/// Why a gateway cannot start. Nothing of it runs then.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A listener's address.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// A listener's certificate.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// An access log.
    #[error(transparent)]
    AccessLog(#[from] OpenLogError),
    /// The body of a fallback.
    #[error(transparent)]
    Fallback(#[from] FallbackError),
    /// A thread or its runtime.
    #[error("a data thread cannot be started: {0}")]
    Thread(#[source] io::Error),
    /// There are no descriptors for another handle on the sockets.
    #[error("the listening sockets cannot be handed on: {0}")]
    Sockets(#[source] io::Error),
}

/// What data threads are told, one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Order {
    Hold,
    /// Only the first thread serves.
    Trial,
    Serve,
    /// No new connections; those there are end as soon as their clients can know.
    Drain,
    /// Connections end that have nothing under way.
    Close,
    Stop,
}

/// What is left of the gateway before.
#[derive(Debug)]
pub(crate) enum Heritage {
    /// It is gone: the ports that the system chose for it, in the order of the file.
    Ports(Vec<SocketAddr>),
    /// It serves still, and hands over.
    Living {
        sockets: Sockets,
        /// Where it lives in this process.
        elder: Option<Arc<Hub>>,
    },
}

/// What a started gateway consists of.
#[derive(Debug)]
pub(crate) struct Started {
    pub(crate) hub: Arc<Hub>,
    pub(crate) orders: watch::Sender<Order>,
    pub(crate) threads: Vec<JoinHandle<()>>,
    pub(crate) log_thread: LogThread,
    pub(crate) sockets: Sockets,
}

/// A thread's part of a listener.
struct Share {
    listener: usize,
    socket: OwnedFd,
    address: Address,
    tls: Option<Arc<ServerConfig>>,
}

/// Binds, reads certificates, and starts the threads.
pub(crate) fn start(file: &File, state: &Path, heritage: Heritage) -> Result<Started, StartError> {
    let threads = match file.threads {
        Some(threads) => usize::from(threads.get()),
        None => std::thread::available_parallelism().map_or(1, usize::from),
    };
    let mut tls = Vec::new();
    let mut certificates = Vec::new();
    for listener in &file.listeners {
        if listener.tls.is_empty() {
            tls.push(None);
            continue;
        }
        let loaded = Certificates::load(listener, &file.folder())?;
        tls.push(Some(loaded.server_config()?));
        certificates.push(loaded);
    }
    let mut heritage = heritage;
    let mut bound: Vec<Bound> = Vec::new();
    for listener in &file.listeners {
        bound.push(match &mut heritage {
            Heritage::Living { sockets, .. } => inherit(listener, threads, sockets)?,
            Heritage::Ports(ports) => bind(listener, threads, ports)?,
        });
    }
    let elder = match heritage {
        Heritage::Living { elder, .. } => elder,
        Heritage::Ports(_) => None,
    };
    let addresses = bound.iter().map(|bound| bound.address.clone()).collect();
    let sockets = Sockets::of(&bound).map_err(StartError::Sockets)?;
    let (logs, log_thread) = AccessLogs::open(file, state)?;
    let mut plan = Plan::new(file)?;
    plan.secure(file)?;
    let hub = Hub::new(plan, threads, addresses, logs, elder.as_ref());
    let hub = Arc::new(hub);
    let (orders, told) = watch::channel(Order::Hold);
    let mut started = Started {
        hub,
        orders,
        threads: Vec::new(),
        log_thread,
        sockets,
    };
    let mut shares = share_out(bound, &tls, threads);
    for thread in 0..threads {
        let shares = shares
            .get_mut(thread)
            .map(std::mem::take)
            .unwrap_or_default();
        let spawned = spawn(&started.hub, thread, shares, told.clone());
        started.threads.push(spawned.map_err(StartError::Thread)?);
    }
    let spawned = spawn_control(Arc::clone(&started.hub), certificates, told);
    started.threads.push(spawned.map_err(StartError::Thread)?);
    Ok(started)
}

/// Gives every socket to a thread, in turn: an inherited one has to be accepted from, also where
/// there are fewer threads than before.
fn share_out(
    bound: Vec<Bound>,
    tls: &[Option<Arc<ServerConfig>>],
    threads: usize,
) -> Vec<Vec<Share>> {
    let mut shares: Vec<Vec<Share>> = (0..threads).map(|_| Vec::new()).collect();
    for ((listener, bound), tls) in bound.into_iter().enumerate().zip(tls) {
        for (index, socket) in bound.sockets.into_iter().enumerate() {
            if let Some(share) = shares.get_mut(index % threads.max(1)) {
                share.push(Share {
                    listener,
                    socket,
                    address: bound.address.clone(),
                    tls: tls.clone(),
                });
            }
        }
    }
    shares
}

/// Tasks that a data thread runs before it asks for events again, if so many are ready. Each asking costs a system call, and
/// what has come meanwhile waits no longer than the few hundred microseconds that these take.
const EVENT_INTERVAL: u32 = 256;

fn spawn(
    hub: &Arc<Hub>,
    thread: usize,
    shares: Vec<Share>,
    told: watch::Receiver<Order>,
) -> io::Result<JoinHandle<()>> {
    let hub = Arc::clone(hub);
    let seed = rand_seed().rotate_left(u32::try_from(thread % 64).unwrap_or(0));
    let named = std::thread::Builder::new().name(format!("data-{thread}"));
    // The runtime cannot leave its thread, so it is the thread that says whether there is one.
    let (began, begun) = std::sync::mpsc::sync_channel(1);
    let handle = named.spawn(move || {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        let built = builder
            .enable_all()
            .event_interval(EVENT_INTERVAL)
            .build_local(LocalOptions::default());
        let runtime = match built {
            Ok(runtime) => runtime,
            Err(error) => return drop(began.send(Err(error))),
        };
        drop(began.send(Ok(())));
        let door = Rc::new(Door(Arc::clone(&hub)));
        let worker = Rc::new(Worker::new(hub, thread, seed));
        runtime.block_on(run(Rc::clone(&worker), shares, told, door));
        // It chooses no more.
        worker.see(u64::MAX);
    })?;
    begun.recv().map_err(io::Error::other)??;
    Ok(handle)
}

/// A thread that may still take connections, for as long as one of its accept loops has it.
#[derive(Debug)]
struct Door(Arc<Hub>);

impl Drop for Door {
    fn drop(&mut self) {
        self.0.accepting.fetch_sub(1, Ordering::Release);
    }
}

/// One data thread.
async fn run(
    worker: Rc<Worker>,
    shares: Vec<Share>,
    mut told: watch::Receiver<Order>,
    door: Rc<Door>,
) {
    // Until then connections wait in the sockets' queues.
    let first = worker.thread == 0;
    let begins = |order: &Order| *order > Order::Trial || (first && *order == Order::Trial);
    match told.wait_for(begins).await {
        // What is only now told to end never served: who does, accepts.
        Ok(order) if *order < Order::Drain => {}
        _ => return,
    }
    // The loop below takes note of it too.
    told.mark_changed();
    let mut published = worker.hub.published.subscribe();
    worker.see(0);
    worker.refresh();
    for share in shares {
        let socket = begin_to_listen(&share.socket)
            .and_then(|()| Acceptor::new(share.socket, &share.address));
        match socket {
            Ok(socket) => {
                let tls = share.tls.map(TlsAcceptor::from);
                let loops = accept(Rc::clone(&worker), share.listener, socket, tls);
                let door = Rc::clone(&door);
                drop(tokio::task::spawn_local(async move {
                    loops.await;
                    drop(door);
                }));
            }
            Err(error) => tracing::error!(%error, "a listener is lost"),
        }
    }
    drop(door);
    if first {
        send_canaries(&worker);
    }
    let mut tick = tokio::time::interval(EVERY);
    loop {
        tokio::select! {
            _ = tick.tick() => worker.tidy(),
            Ok(()) = published.changed() => worker.refresh(),
            changed = told.changed() => {
                let order = *told.borrow_and_update();
                if changed.is_err() || order == Order::Stop {
                    return;
                }
                match order {
                    Order::Drain => worker.begin_drain(),
                    Order::Close => worker.begin_close(),
                    Order::Hold | Order::Trial | Order::Serve | Order::Stop => {}
                }
            }
        }
    }
}

/// The thread for what may block or compares endpoints: certificates, and who is out of rotation.
fn spawn_control(
    hub: Arc<Hub>,
    certificates: Vec<Arc<Certificates>>,
    mut told: watch::Receiver<Order>,
) -> io::Result<JoinHandle<()>> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()?;
    let named = std::thread::Builder::new().name("gateway-control".to_owned());
    named.spawn(move || {
        runtime.block_on(async {
            let mut tick = tokio::time::interval(EVERY);
            let mut look = tokio::time::interval(LOOK_EVERY);
            look.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                tokio::select! {
                    _ = look.tick() => {
                        hub.sweep();
                        hub.judge();
                        hub.compare();
                        hub.look_at_bulkheads();
                    }
                    _ = tick.tick() => {
                        for certificates in &certificates {
                            certificates.reload();
                        }
                        for tls in hub.plan.services.iter().filter_map(|service| service.tls.as_ref()) {
                            tls.reload();
                        }
                    }
                    changed = told.changed() => {
                        if changed.is_err() || *told.borrow_and_update() == Order::Stop {
                            return;
                        }
                    }
                }
            }
        });
    })
}

/// A seed that differs from run to run.
fn rand_seed() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(std::process::id())
}
