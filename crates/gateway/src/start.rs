//! From the configuration to running data threads.

use std::io;
use std::net::TcpListener;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use ninefold_config::model::File;
use ninefold_core::ejection::Judge;
use rustls::ServerConfig;
use tokio::runtime::LocalOptions;
use tokio::sync::watch;
use tokio::time::MissedTickBehavior;
use tokio_rustls::TlsAcceptor;

use crate::access_log::{AccessLogs, LogThread, OpenLogError};
use crate::certificate::CertificateError;
use crate::fallback::FallbackError;
use crate::fleet::Hub;
use crate::listen::{BindError, Bound, Certificates, accept, bind};
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
}

/// What data threads are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Order {
    Hold,
    Serve,
    Drain,
    Stop,
}

/// What a started gateway consists of.
#[derive(Debug)]
pub(crate) struct Started {
    pub(crate) hub: Arc<Hub>,
    pub(crate) orders: watch::Sender<Order>,
    pub(crate) threads: Vec<JoinHandle<()>>,
    pub(crate) log_thread: LogThread,
}

/// One listener's part of a thread.
struct Share {
    socket: TcpListener,
    tls: Option<Arc<ServerConfig>>,
}

/// Binds, reads certificates, and starts the threads.
pub(crate) fn start(file: &File, state: &Path) -> Result<Started, StartError> {
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
    let mut bound: Vec<Bound> = Vec::new();
    for listener in &file.listeners {
        bound.push(bind(listener.address, threads)?);
    }
    let addresses = bound.iter().map(|bound| bound.address).collect();
    let (logs, log_thread) = AccessLogs::open(file, state)?;
    let mut plan = Plan::new(file)?;
    plan.secure(file)?;
    let hub = Arc::new(Hub::new(plan, threads, addresses, logs));
    let (orders, told) = watch::channel(Order::Hold);
    let mut started = Started {
        hub,
        orders,
        threads: Vec::new(),
        log_thread,
    };
    for thread in 0..threads {
        let shares = bound
            .iter_mut()
            .zip(&tls)
            .filter_map(|(bound, tls)| {
                let socket = bound.sockets.pop()?;
                let tls = tls.clone();
                Some(Share { socket, tls })
            })
            .collect();
        let spawned = spawn(&started.hub, thread, shares, told.clone());
        started.threads.push(spawned.map_err(StartError::Thread)?);
    }
    let spawned = spawn_control(Arc::clone(&started.hub), certificates, told);
    started.threads.push(spawned.map_err(StartError::Thread)?);
    Ok(started)
}

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
        let built = builder.enable_all().build_local(LocalOptions::default());
        let runtime = match built {
            Ok(runtime) => runtime,
            Err(error) => return drop(began.send(Err(error))),
        };
        drop(began.send(Ok(())));
        let worker = Rc::new(Worker::new(hub, thread, seed));
        runtime.block_on(run(worker, shares, told));
    })?;
    begun.recv().map_err(io::Error::other)??;
    Ok(handle)
}

/// One data thread.
async fn run(worker: Rc<Worker>, shares: Vec<Share>, mut told: watch::Receiver<Order>) {
    // Until then connections wait in the sockets' queues.
    match told.wait_for(|order| *order > Order::Hold).await {
        Ok(order) if *order < Order::Stop => {}
        _ => return,
    }
    // The loop below takes note of it too.
    told.mark_changed();
    for (listener, share) in shares.into_iter().enumerate() {
        match tokio::net::TcpListener::from_std(share.socket) {
            Ok(socket) => {
                let tls = share.tls.map(TlsAcceptor::from);
                let loops = accept(Rc::clone(&worker), listener, socket, tls);
                drop(tokio::task::spawn_local(loops));
            }
            Err(error) => tracing::error!(%error, "a listener is lost"),
        }
    }
    let mut tick = tokio::time::interval(EVERY);
    loop {
        tokio::select! {
            _ = tick.tick() => worker.tidy(),
            changed = told.changed() => {
                let order = *told.borrow_and_update();
                if changed.is_err() || order == Order::Stop {
                    return;
                }
                if order == Order::Drain {
                    worker.begin_drain();
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
