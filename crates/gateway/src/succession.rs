//! The gateways of one node, one after the other.
//!
//! A reload and an upgrade are the same: a gateway gives its listening sockets, the same open
//! sockets, to a successor that is made from another file, maybe in another process; the successor
//! is shown the endpoints and opened, and then the one before drains. Nothing that waits in a queue
//! is lost, since at any moment somebody owns the queue.
//!
//! **Invariant:** at most two gateways live: the present one, and either a successor that is not
//! yet in its place or one that leaves. **Invariant:** counters are those of all of them, and of
//! those that are gone: none goes back.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ninefold_config::model::File;
use ninefold_core::address::Address;
use ninefold_core::id::InstanceId;
use prometheus_client::collector::Collector;
use rustls_pki_types::ServerName;
use tokio_rustls::TlsConnector;

use crate::collector::GatewayCollector;
use crate::counters::{Counters, DrainReport, Notice};
use crate::exemplars::Exemplars;
use crate::fleet::{EndpointView, Memory, Recalled};
use crate::gateway::Gateway;
use crate::knock::Knocks;
use crate::listen::Sockets;
use crate::start::StartError;
use crate::sums;

/// Routes, services and listeners whose counts are kept although no gateway has them any more; beyond, they
/// are forgotten.
const GONE_ROUTES_MAX: usize = 4_096;

/// The same for endpoints.
const GONE_ENDPOINTS_MAX: usize = 10_000;

/// What two gateways counted since the successor serves beside the one before.
#[derive(Clone, Debug)]
pub struct Compared {
    /// The present one, since it began.
    pub present: Counters,
    /// The successor, since it began.
    pub successor: Counters,
}

/// The gateways of one node. See the module.
#[derive(Debug)]
pub struct Succession {
    line: Mutex<Line>,
}

#[derive(Debug)]
struct Line {
    present: Arc<Gateway>,
    successor: Option<Arc<Gateway>>,
    leaving: Option<Arc<Gateway>>,
    /// What those counted that are gone.
    gone: Counters,
    /// Requests of theirs that stand for others.
    gone_exemplars: Exemplars,
    /// What a gateway of another process counted, which leaves.
    elsewhere: Option<Counters>,
    /// What was published last.
    views: Vec<EndpointView>,
}

impl Line {
    fn living(&self) -> impl Iterator<Item = &Arc<Gateway>> {
        let others = self.successor.iter().chain(&self.leaving);
        std::iter::once(&self.present).chain(others)
    }

    fn bound(&mut self) {
        let present = sums::counters(self.present.hub());
        let gone = &mut self.gone;
        if gone.routes.len() > GONE_ROUTES_MAX {
            let has = |name: &str| present.routes.iter().any(|route| *route.route == *name);
            gone.routes.retain(|route| has(&route.route));
            let exemplars = &mut self.gone_exemplars.routes;
            exemplars.retain(|route| has(&route.route));
        }
        if gone.listeners.len() > GONE_ROUTES_MAX {
            let has = |at: &Address| present.listeners.iter().any(|known| known.address == *at);
            gone.listeners.retain(|listener| has(&listener.address));
        }
        if gone.services.len() > GONE_ROUTES_MAX {
            let has = |name: &str| present.services.iter().any(|one| *one.service == *name);
            gone.services.retain(|one| has(&one.service));
        }
        if gone.breakers.len() > GONE_ROUTES_MAX {
            let has = |name: &str| present.breakers.iter().any(|one| *one.service == *name);
            gone.breakers.retain(|one| has(&one.service));
        }
        if gone.endpoints.len() > GONE_ENDPOINTS_MAX {
            let known = &present.endpoints;
            gone.endpoints
                .retain(|gone| known.iter().any(|known| known.instance == gone.instance));
        }
    }
}

impl Succession {
    /// A line that begins with `first`.
    #[must_use]
    pub fn new(first: Gateway) -> Self {
        Self {
            line: Mutex::new(Line {
                present: Arc::new(first),
                successor: None,
                leaving: None,
                gone: Counters::default(),
                gone_exemplars: Exemplars::default(),
                elsewhere: None,
                views: Vec::new(),
            }),
        }
    }

    /// A line is only locked for reading and for assignments, which cannot panic half way.
    fn lock(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The present gateway.
    #[must_use]
    pub fn present(&self) -> Arc<Gateway> {
        Arc::clone(&self.lock().present)
    }

    /// Accepts connections from now on, those that wait first.
    pub fn open(&self) {
        self.present().open();
    }

    /// How TLS is spoken with an endpoint, see [`Gateway::tls_towards`]; that of a successor where only
    /// that one knows its service.
    #[must_use]
    pub fn tls_towards(
        &self,
        instance: &InstanceId,
        host: Option<&str>,
        address: &Address,
    ) -> Option<(TlsConnector, ServerName<'static>)> {
        let line = self.lock();
        let mut living = line.living();
        living.find_map(|gateway| gateway.tls_towards(instance, host, address))
    }

    /// What a successor in another process has to know.
    #[must_use]
    pub fn memory(&self) -> Memory {
        self.present().memory()
    }

    /// Goes on from what a gateway of another process knew, before it is opened. Nothing is published
    /// meanwhile.
    pub fn recall(&self, memory: Memory) -> Recalled {
        self.lock().present.recall(memory)
    }

    /// The addresses of the present gateway, in the order of its file's listeners.
    #[must_use]
    pub fn addresses(&self) -> Vec<Address> {
        self.present().addresses()
    }

    /// By what it is seen whether the listeners of the present gateway accept; and its data threads, each of which has a
    /// socket of its own for each listener.
    #[must_use]
    pub fn knocks(&self) -> (Knocks, usize) {
        let present = self.present();
        (present.knocks(), present.hub().threads)
    }

    /// The addresses of the successor, if there is one.
    #[must_use]
    pub fn successor_addresses(&self) -> Option<Vec<Address>> {
        let line = self.lock();
        line.successor.as_ref().map(|next| next.addresses())
    }

    /// Other handles on the listening sockets of the present gateway.
    ///
    /// # Errors
    ///
    /// If the process may have no more descriptors.
    pub fn sockets(&self) -> std::io::Result<Sockets> {
        self.present().sockets()
    }

    /// Replaces the endpoints of all services at once, in all gateways.
    pub fn publish(&self, endpoints: Vec<EndpointView>) {
        let mut line = self.lock();
        // The elder first: what it holds against a process goes on in the younger one.
        if let Some(leaving) = &line.leaving {
            leaving.publish(endpoints.clone());
        }
        line.present.publish(endpoints.clone());
        if let Some(successor) = &line.successor {
            successor.publish(endpoints.clone());
        }
        line.views = endpoints;
    }

    /// As [`Gateway::abandon`], in all gateways.
    pub fn abandon(&self, instance: &InstanceId) {
        let line = self.lock();
        let others = line.leaving.iter().chain(&line.successor);
        line.present.abandon(instance);
        others.for_each(|gateway| gateway.abandon(instance));
    }

    /// Whether every gateway chooses from the endpoints that were published last: see
    /// [`Gateway::is_known`].
    #[must_use]
    pub fn is_known(&self) -> bool {
        self.lock().living().all(|gateway| gateway.is_known())
    }

    /// The counters of all gateways there are and were.
    #[must_use]
    pub fn counters(&self) -> Counters {
        let line = self.lock();
        let mut all = sums::counters(line.present.hub());
        for other in line.living().skip(1) {
            all.merge(&sums::counters_beside(line.present.hub(), other.hub()));
        }
        if let Some(elsewhere) = &line.elsewhere {
            all.merge(elsewhere);
        }
        all.merge(&line.gone);
        all
    }

    /// Requests that stand for others, of all gateways of this process there are and were. What is
    /// read of the counters afterwards has them in it.
    #[must_use]
    pub fn exemplars(&self) -> Exemplars {
        let line = self.lock();
        let mut all = line.gone_exemplars.clone();
        for gateway in line.living() {
            all.merge(&gateway.exemplars());
        }
        all
    }

    /// What happened since the last call.
    #[must_use]
    pub fn take_notices(&self) -> Vec<Notice> {
        let living: Vec<_> = self.lock().living().cloned().collect();
        living
            .iter()
            .flat_map(|gateway| gateway.take_notices())
            .collect()
    }

    /// The metrics of all of them for a Prometheus registry.
    #[must_use]
    pub fn collector(self: &Arc<Self>) -> Box<dyn Collector> {
        Box::new(GatewayCollector::of(Arc::clone(self)))
    }

    /// What the gateway of another process has counted so far, of which this one took over.
    pub fn counted_elsewhere(&self, counters: Counters) {
        self.lock().elsewhere = Some(counters);
    }

    /// The gateway of the other process is gone: what it said last is final.
    pub fn settle_elsewhere(&self) {
        let mut line = self.lock();
        if let Some(mut last) = line.elsewhere.take() {
            last.settle();
            line.gone.merge(&last);
            line.bound();
        }
    }

    /// Makes a successor from another file; it holds. It blocks.
    ///
    /// # Errors
    ///
    /// What [`Gateway::inherit`] says; nothing has changed then.
    pub fn stage(&self, file: &File, state: &Path) -> Result<(), StartError> {
        let next = Arc::new(self.present().succeed(file, state)?);
        let mut line = self.lock();
        next.publish(line.views.clone());
        // Two at a time are the callers' to prevent; the one before would never have served.
        line.successor = Some(next);
        Ok(())
    }

    /// The successor's first thread accepts beside that of the present gateway, whose clients are
    /// told to come back on another connection.
    pub fn try_first(&self) {
        let line = self.lock();
        if let Some(next) = &line.successor {
            next.open_first();
            line.present.yield_first(true);
        }
    }

    /// The present gateway and its successor beside each other.
    #[must_use]
    pub fn compare(&self) -> Option<Compared> {
        let line = self.lock();
        let next = line.successor.as_ref()?;
        Some(Compared {
            present: sums::counters(line.present.hub()),
            successor: sums::counters(next.hub()),
        })
    }

    /// The successor takes the place of the present gateway, which leaves.
    pub fn promote(&self) {
        let mut line = self.lock();
        let Some(next) = line.successor.take() else {
            return;
        };
        next.open();
        let before = std::mem::replace(&mut line.present, next);
        before.leave();
        line.leaving = Some(before);
    }

    /// Whether one that leaves may still accept a connection.
    #[must_use]
    pub fn leaving_accepts(&self) -> bool {
        let line = self.lock();
        line.leaving.as_ref().is_some_and(|one| one.accepts())
    }

    /// Whether any of them may still accept a connection.
    #[must_use]
    pub fn accepts(&self) -> bool {
        self.lock().living().any(|gateway| gateway.accepts())
    }

    /// The present gateway stays, and its successor leaves.
    pub fn withdraw(&self) {
        let mut line = self.lock();
        line.present.yield_first(false);
        if let Some(next) = line.successor.take() {
            next.withdraw();
            line.leaving = Some(next);
        }
    }

    /// Drains the one that leaves, as [`Gateway::drain`] does, ends it, and keeps its counts.
    /// Nothing if none leaves.
    pub async fn retire(&self, patience: Duration, limit: Duration) -> Option<DrainReport> {
        let leaving = self.lock().leaving.clone()?;
        let report = leaving.drain(patience, limit).await;
        let halting = Arc::clone(&leaving);
        // Joining threads blocks.
        if let Err(error) = tokio::task::spawn_blocking(move || halting.halt()).await {
            tracing::error!(%error, "a gateway ended badly");
        }
        let mut last = sums::counters(leaving.hub());
        last.settle();
        let mut line = self.lock();
        line.leaving = None;
        line.gone.merge(&last);
        line.gone_exemplars.merge(&leaving.exemplars());
        line.bound();
        Some(report)
    }

    /// Another process has taken over: the files of Unix sockets are its own.
    pub fn disown(&self) {
        for gateway in self.lock().living() {
            gateway.disown();
        }
    }

    /// Drains all of them; the ports are free from here on, unless somebody else has the sockets.
    pub async fn drain(&self, patience: Duration, limit: Duration) -> DrainReport {
        let living: Vec<_> = self.lock().living().cloned().collect();
        let drains = living.iter().map(|gateway| gateway.drain(patience, limit));
        let reports = futures_util::future::join_all(drains).await;
        DrainReport {
            took: reports.iter().map(|one| one.took).max().unwrap_or_default(),
            connections_left: reports.iter().map(|one| one.connections_left).sum(),
        }
    }

    /// Ends all of them, whatever is under way. It blocks.
    pub fn halt(&self) {
        let living: Vec<_> = self.lock().living().cloned().collect();
        for gateway in living {
            gateway.halt();
        }
    }
}
