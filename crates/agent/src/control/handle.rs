//! The control plane as the admin API sees it.

use std::ffi::OsString;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use ninefold_core::event::{Event, FaultNotice, Incident};
use ninefold_core::id::InstanceId;
use ninefold_core::status::NodeStatus;
use ninefold_observe::journal::Journal;
use ninefold_observe::metrics::Format;
use ninefold_supervise::{Place, Report};
use prometheus_client::registry::Registry;
use tokio::sync::{mpsc, watch};

use super::cluster::Cluster;
use super::core::Control;
use crate::lock::lock;
use crate::state::StateFolder;

/// How often is looked at what others told.
const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// What it takes to go on with another supervisor.
#[derive(Debug)]
pub(crate) struct Launch {
    pub(crate) state: StateFolder,
    /// The command that runs a keeper.
    pub(crate) keeper: Vec<OsString>,
    /// How `up` was called, for a successor.
    pub(crate) arguments: Vec<OsString>,
    /// Which of several nodes this is.
    pub(crate) place: Option<Place>,
    /// Where supervisors report.
    pub(crate) reports: mpsc::Sender<Report>,
    /// Held by whoever changes what this node runs: one at a time.
    pub(crate) turn: Arc<tokio::sync::Mutex<()>>,
}

/// A shared control plane.
#[derive(Clone, Debug)]
pub(crate) struct Handle {
    control: Arc<Mutex<Control>>,
    journal: Journal,
    newest: watch::Receiver<u64>,
    stop: watch::Sender<Option<String>>,
    registry: Arc<Registry>,
    launch: Arc<Launch>,
}

impl Handle {
    pub(crate) fn new(
        control: Arc<Mutex<Control>>,
        journal: Journal,
        newest: watch::Receiver<u64>,
        stop: watch::Sender<Option<String>>,
        registry: Arc<Registry>,
        launch: Launch,
    ) -> Self {
        Self {
            control,
            journal,
            newest,
            stop,
            registry,
            launch: Arc::new(launch),
        }
    }

    /// Waits until every other node that is there has told of what it runs, at most for `limit`. Where the node is
    /// alone there is nothing to wait for.
    pub(crate) async fn told_by_all(&self, limit: Duration) {
        let is_told = || self.lock().cluster.as_ref().is_none_or(Cluster::knows_all);
        let asked = std::time::Instant::now();
        while !is_told() && asked.elapsed() < limit {
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }

    /// Resolves when the cluster is known in another way than before; never, where the node is alone.
    pub(crate) async fn cluster_changes(&self) {
        let shared = self
            .lock()
            .cluster
            .as_ref()
            .map(|cluster| Arc::clone(cluster.gossip.shared()));
        match shared {
            Some(shared) => shared.changed.notified().await,
            None => std::future::pending().await,
        }
    }

    /// Its state, until the guard goes.
    pub(crate) fn lock(&self) -> MutexGuard<'_, Control> {
        lock(&self.control)
    }

    pub(crate) fn launch(&self) -> &Launch {
        &self.launch
    }

    pub(crate) fn status(&self) -> NodeStatus {
        self.lock().status()
    }

    pub(crate) fn metrics(&self, format: Format) -> Result<String, std::fmt::Error> {
        let gateway = {
            let control = self.lock();
            let status = control.status();
            let metrics = &control.parts.metrics;
            metrics.set_open_incidents(status.open_incidents.len());
            metrics.set_journal_healthy(control.parts.journal.problem().is_none());
            metrics.set_instances(&status.instances);
            metrics.set_slos(&status.slos);
            metrics.set_opinions(&status.opinions);
            metrics.set_state_write(control.spies.write_time());
            if let Some(gossip) = &status.gossip {
                metrics.set_cluster(&status.members, gossip);
            }
            Arc::clone(&control.parts.gateway)
        };
        match format {
            Format::Text => ninefold_observe::metrics::encode(&self.registry),
            Format::OpenMetrics => {
                // Before the counters, so that these have them in.
                let exemplars = gateway.exemplars().by_sample();
                ninefold_observe::metrics::encode_open(&self.registry, &exemplars)
            }
        }
    }

    /// Events after `seq`; waits for the first one if there is none yet.
    pub(crate) async fn events(&self, seq: u64, limit: usize, wait: Duration) -> Vec<Event> {
        let mut newest = self.newest.clone();
        // A journal that ended or a wait that ran out both mean: what there is, is all.
        drop(tokio::time::timeout(wait, newest.wait_for(|newest| *newest > seq)).await);
        self.journal.since(seq, limit)
    }

    pub(crate) fn incidents(&self) -> Vec<Incident> {
        self.lock().parts.incidents.list().cloned().collect()
    }

    pub(crate) fn incident(&self, id: &str) -> Option<Incident> {
        self.lock().parts.incidents.get(id).cloned()
    }

    pub(crate) fn ask_to_stop(&self, reason: String) {
        self.stop.send_replace(Some(reason));
    }

    /// Takes note of a fault durably, and spares its targets' restart budget.
    pub(crate) async fn announce_fault(&self, notice: FaultNotice) -> Result<(), String> {
        let (targets, ttl) = (notice.targets.clone(), Duration::from_nanos(notice.ttl_ns));
        let supervisor = {
            let mut control = self.lock();
            control.announce_fault(notice)?;
            control.parts.supervisor.clone()
        };
        for target in targets {
            // An external endpoint has no budget to spare.
            drop(supervisor.excuse(&target, ttl).await);
        }
        Ok(())
    }

    /// Takes an instance back that is in quarantine.
    pub(crate) fn readmit(&self, instance: &InstanceId) -> Result<(), String> {
        self.lock().readmit(instance)
    }

    pub(crate) fn end_fault(&self, id: &str, how: &str) -> bool {
        self.lock().end_fault(id, how)
    }
}
