//! The handle of a running gateway.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::Ordering::{Acquire, Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use ninefold_config::model::File;
use ninefold_core::address::Address;
use ninefold_core::event::FaultNotice;
use ninefold_core::fault::FaultHits;
use ninefold_core::id::InstanceId;
use prometheus_client::collector::Collector;
use rustls_pki_types::ServerName;
use tokio::sync::watch;
use tokio_rustls::TlsConnector;

use crate::access_log::LogThread;
use crate::collector::GatewayCollector;
use crate::counters::{Counters, DrainReport, Notice};
use crate::exemplars::Exemplars;
use crate::fault::InjectError;
use crate::fleet::{EndpointView, Hub, Memory, Recalled};
use crate::knock::Knocks;
use crate::listen::Sockets;
use crate::meter::load;
use crate::start::{Heritage, Order, StartError, Started, start};
use crate::sums;

/// How often a drain looks whether connections are left.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// A running gateway. It serves on its own threads, whatever happens to the control plane, with
/// the endpoints that were published last. Dropping it stops it.
#[derive(Debug)]
pub struct Gateway {
    hub: Arc<Hub>,
    orders: watch::Sender<Order>,
    /// Handles for a successor; none once a drain began.
    sockets: Mutex<Option<Sockets>>,
    running: Mutex<Running>,
}

/// What ends with the gateway.
#[derive(Debug)]
struct Running {
    threads: Vec<JoinHandle<()>>,
    log_thread: Option<LogThread>,
}

/// A lock is only held for assignments, which cannot panic half way.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Gateway {
    /// As [`Gateway::hold`] and [`Gateway::open`]: serves at once, with 503 until endpoints are
    /// published.
    ///
    /// # Errors
    ///
    /// As [`Gateway::hold`].
    pub fn start(file: &File, state: &Path) -> Result<Self, StartError> {
        let gateway = Self::hold(file, state, Vec::new())?;
        gateway.open();
        Ok(gateway)
    }

    /// Binds all listeners, reads certificates, opens access logs (those without a path in the
    /// folder `state`), and starts the data threads. Nothing is accepted yet: connections wait in
    /// the system's queue until [`Gateway::open`]. Listeners with port 0 get those of `ports`, in
    /// turn, where they are free: who was told one may still use it.
    ///
    /// # Errors
    ///
    /// If an address is in use or refused, a certificate or log cannot be used, or a thread cannot
    /// be started; nothing runs then.
    pub fn hold(file: &File, state: &Path, ports: Vec<SocketAddr>) -> Result<Self, StartError> {
        start(file, state, Heritage::Ports(ports)).map(Self::of)
    }

    /// As [`Gateway::hold`], with listening sockets of a gateway before, maybe of another process.
    /// Listeners that it does not have are bound, and do not listen before they are opened.
    ///
    /// # Errors
    ///
    /// As [`Gateway::hold`].
    pub fn inherit(file: &File, state: &Path, sockets: Sockets) -> Result<Self, StartError> {
        let heritage = Heritage::Living {
            sockets,
            elder: None,
        };
        start(file, state, heritage).map(Self::of)
    }

    /// A successor from another file, which shares the listening sockets, and what is known of
    /// endpoints and budgets. It holds.
    pub(crate) fn succeed(&self, file: &File, state: &Path) -> Result<Self, StartError> {
        let heritage = Heritage::Living {
            sockets: self.sockets().map_err(StartError::Sockets)?,
            elder: Some(Arc::clone(&self.hub)),
        };
        start(file, state, heritage).map(Self::of)
    }

    fn of(started: Started) -> Self {
        let Started {
            hub,
            orders,
            threads,
            log_thread,
            sockets,
        } = started;
        Self {
            hub,
            orders,
            sockets: Mutex::new(Some(sockets)),
            running: Mutex::new(Running {
                threads,
                log_thread: Some(log_thread),
            }),
        }
    }

    /// Other handles on the listening sockets; none once a drain began.
    ///
    /// # Errors
    ///
    /// If the process may have no more descriptors.
    pub fn sockets(&self) -> std::io::Result<Sockets> {
        match &*lock(&self.sockets) {
            Some(sockets) => sockets.try_clone(),
            None => Ok(Sockets::default()),
        }
    }

    /// Accepts connections on the first thread only.
    pub(crate) fn open_first(&self) {
        self.order(Order::Trial);
    }

    /// Whether clients of the first thread are told to come back on another connection, for a
    /// successor on trial.
    pub(crate) fn yield_first(&self, yields: bool) {
        self.hub.yielding.store(yields, Relaxed);
    }

    /// Another gateway serves in this one's place: connections that wait are for that one.
    pub(crate) fn withdraw(&self) {
        self.hub.withdrawn.store(true, Relaxed);
    }

    pub(crate) const fn hub(&self) -> &Arc<Hub> {
        &self.hub
    }

    /// Accepts connections from now on, those that wait first.
    pub fn open(&self) {
        if let Some(sockets) = &*lock(&self.sockets) {
            sockets.own_files(true);
            sockets.apply_modes();
        }
        self.order(Order::Serve);
    }

    /// The files of its Unix sockets are another process's from here on, which removes them at its
    /// end.
    pub(crate) fn disown(&self) {
        if let Some(sockets) = &*lock(&self.sockets) {
            sockets.own_files(false);
        }
    }

    /// The addresses as bound, in the order of the file's listeners.
    #[must_use]
    pub fn addresses(&self) -> Vec<Address> {
        self.hub.addresses.clone()
    }

    /// By what it is seen whether its listeners accept.
    pub(crate) fn knocks(&self) -> Knocks {
        self.hub.knocks.clone()
    }

    /// Replaces the endpoints of all services at once. Requests under way end where they are; an
    /// endpoint of an unknown service is ignored.
    pub fn publish(&self, endpoints: Vec<EndpointView>) {
        self.hub.publish(endpoints);
    }

    /// The node of an instance is gone: what may be sent again is not waited for any longer, and tried elsewhere. Until
    /// it is published again.
    pub fn abandon(&self, instance: &InstanceId) {
        self.hub.abandon(instance);
    }

    /// Whether every thread chooses from the endpoints that were published last. What it chose before
    /// is counted as in flight then, so an instance that was taken out and has nothing in flight gets
    /// nothing more.
    #[must_use]
    pub fn is_known(&self) -> bool {
        self.hub.is_known()
    }

    /// The counters, summed over the threads.
    #[must_use]
    pub fn counters(&self) -> Counters {
        sums::counters(&self.hub)
    }

    /// Requests that stand for others, of all threads.
    #[must_use]
    pub fn exemplars(&self) -> Exemplars {
        sums::exemplars(&self.hub)
    }

    /// What happened since the last call; at most 1,024 notices are kept.
    #[must_use]
    pub fn take_notices(&self) -> Vec<Notice> {
        self.hub.take_notices()
    }

    /// Injects a fault into attempts at its targets, from now on until it is ended, and no longer than
    /// its notice says, whatever becomes of whoever ordered it. A successor goes on with it.
    ///
    /// # Errors
    ///
    /// If the notice asks for nothing that the gateway could do, or too many faults are injected.
    pub fn inject(&self, notice: &FaultNotice) -> Result<(), InjectError> {
        self.hub.faults.inject(notice, Instant::now())
    }

    /// Ends an injected fault, if there is one of this id. What it hit until now, and how that ended.
    pub fn end_fault(&self, id: &str) -> Option<FaultHits> {
        self.hub.faults.end(id, Instant::now())
    }

    /// What a successor in another process has to know.
    #[must_use]
    pub fn memory(&self) -> Memory {
        self.hub.memory()
    }

    /// Goes on from what a gateway of another process knew. For one that has its endpoints and is not
    /// open.
    pub fn recall(&self, memory: Memory) -> Recalled {
        self.hub.recall(memory)
    }

    /// How TLS is spoken with an endpoint of a service: who is believed, and who is expected at
    /// `address`, which was found as `host` if it was. Nothing where the service speaks plain text.
    #[must_use]
    pub fn tls_towards(
        &self,
        instance: &InstanceId,
        host: Option<&str>,
        address: &Address,
    ) -> Option<(TlsConnector, ServerName<'static>)> {
        let mut services = self.hub.plan.services.iter();
        let plan = services.find(|plan| plan.name == instance.service)?;
        plan.tls.as_ref()?.identity(instance.ordinal, host, address)
    }

    /// The metrics for a Prometheus registry.
    #[must_use]
    pub fn collector(&self) -> Box<dyn Collector> {
        Box::new(GatewayCollector::new(Arc::clone(&self.hub)))
    }

    /// Begins a drain: what waits now is still accepted, and then nothing more.
    pub(crate) fn leave(&self) {
        // The last handle closes a socket with all that waits there: that has to be a thread's.
        lock(&self.sockets).take();
        self.order(Order::Drain);
    }

    /// Whether any thread may still accept a connection.
    pub(crate) fn accepts(&self) -> bool {
        self.hub.accepting.load(Acquire) > 0
    }

    /// Stops accepting, and waits up to `limit` until all connections have ended. HTTP/2 is told to
    /// go (GOAWAY); of HTTP/1 a client learns it with its next answer (`connection: close`), since
    /// a request may be on its way when an idle connection is closed. Those that are idle for
    /// `patience` are closed all the same. The listeners' ports are free from here on, unless
    /// a successor has them.
    pub async fn drain(&self, patience: Duration, limit: Duration) -> DrainReport {
        let began = Instant::now();
        self.leave();
        loop {
            // In this order: a connection counts before its thread has taken its last one.
            let closed = !self.accepts();
            let left = load(&self.hub.live);
            let took = began.elapsed();
            if closed && left == 0 || took >= limit {
                return DrainReport {
                    took,
                    connections_left: left,
                };
            }
            if took >= patience {
                self.order(Order::Close);
            }
            tokio::time::sleep(LOOK_EVERY.min(limit.saturating_sub(took))).await;
        }
    }

    /// Ends all threads, whatever is under way, and waits for them.
    pub fn stop(self) {
        self.halt();
    }

    fn order(&self, order: Order) {
        self.orders.send_if_modified(|current| {
            let later = order > *current;
            if later {
                *current = order;
            }
            later
        });
    }

    /// Does so for one that others still look at. It blocks.
    pub(crate) fn halt(&self) {
        self.order(Order::Stop);
        let mut running = lock(&self.running);
        for thread in running.threads.drain(..) {
            if thread.join().is_err() {
                tracing::error!("a thread of the gateway panicked");
            }
        }
        if let Some(log) = running.log_thread.take() {
            self.hub.logs.close();
            log.join();
        }
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.halt();
    }
}
