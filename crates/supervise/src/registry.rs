//! What every instance does, for whoever asks.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use ninefold_core::address::Address;
use ninefold_core::id::InstanceId;
use ninefold_core::status::{InstanceStatus, SourceStatus};
use tokio::sync::watch;

/// Where an instance may be reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SupervisedEndpoint {
    /// Which instance.
    pub instance: InstanceId,
    /// Where it listens.
    pub address: Address,
    /// Its zone.
    pub zone: Option<Arc<str>>,
    /// Whether it may receive new requests.
    pub admitted: bool,
    /// Whether it is ready and says that others should be asked first.
    pub degraded: bool,
    /// Whether it runs and was ready, and is no longer: better than nothing, if nothing is left.
    pub doubtful: bool,
    /// Its share of traffic beside the others'.
    pub weight: u32,
    /// Whether it takes traffic only in the absence of the others.
    pub backup: bool,
    /// Since when it is ready; nothing while it is not. For slow start.
    pub ready_since: Option<Instant>,
    /// Whose certificate is expected of it; nothing where that is for others to say.
    pub host: Option<Arc<str>>,
    /// Which process it is: another one after a restart. Always 0 for an external endpoint.
    pub incarnation: u64,
}

/// One instance, as published by its driver.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) status: InstanceStatus,
    pub(crate) endpoint: Option<SupervisedEndpoint>,
    /// False while it is expected to be ready already and no probe has said so yet or otherwise.
    pub(crate) settled: bool,
}

impl Entry {
    /// Whether nobody could tell the two apart.
    fn same(&self, other: &Self) -> bool {
        let (a, b) = (&self.status, &other.status);
        (&self.endpoint, self.settled) == (&other.endpoint, other.settled)
            && (a.state, &a.reason, a.since) == (b.state, &b.reason, b.since)
            && (a.pid, a.pid_start, a.restarts) == (b.pid, b.pid_start, b.restarts)
            && a.address == b.address
    }
}

/// All instances. Drivers write, everybody reads.
#[derive(Debug)]
pub(crate) struct Registry {
    entries: Mutex<BTreeMap<InstanceId, Entry>>,
    /// By service, how those are found that come and go.
    sources: Mutex<BTreeMap<Arc<str>, SourceStatus>>,
    version: watch::Sender<u64>,
}

impl Registry {
    pub(crate) fn new() -> Self {
        Self {
            entries: Mutex::new(BTreeMap::new()),
            sources: Mutex::new(BTreeMap::new()),
            version: watch::Sender::new(0),
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<InstanceId, Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Publishes an entry. Whether it differs from the one before.
    pub(crate) fn publish(&self, entry: Entry) -> bool {
        let mut entries = self.lock();
        let before = entries.get(&entry.status.instance);
        if before.is_some_and(|before| before.same(&entry)) {
            return false;
        }
        entries.insert(entry.status.instance.clone(), entry);
        drop(entries);
        self.version.send_modify(|version| *version += 1);
        true
    }

    /// Takes out an entry.
    pub(crate) fn withdraw(&self, instance: &InstanceId) {
        if self.lock().remove(instance).is_some() {
            self.version.send_modify(|version| *version += 1);
        }
    }

    /// Says how the endpoints of a service are found.
    pub(crate) fn source(&self, service: &Arc<str>, status: SourceStatus) {
        let sources = self.sources.lock();
        let mut sources = sources.unwrap_or_else(PoisonError::into_inner);
        sources.insert(Arc::clone(service), status);
    }

    pub(crate) fn sources(&self) -> BTreeMap<Arc<str>, SourceStatus> {
        let sources = self.sources.lock();
        sources.unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn get(&self, instance: &InstanceId) -> Option<Entry> {
        self.lock().get(instance).cloned()
    }

    pub(crate) fn statuses(&self) -> Vec<InstanceStatus> {
        self.lock()
            .values()
            .map(|entry| entry.status.clone())
            .collect()
    }

    pub(crate) fn endpoints(&self) -> Vec<SupervisedEndpoint> {
        self.lock()
            .values()
            .filter_map(|entry| entry.endpoint.clone())
            .collect()
    }

    /// Waits until `holds` is true of the entries.
    pub(crate) async fn until(&self, holds: impl Fn(&BTreeMap<InstanceId, Entry>) -> bool) {
        let mut versions = self.version.subscribe();
        loop {
            versions.mark_unchanged();
            if holds(&self.lock()) {
                return;
            }
            if versions.changed().await.is_err() {
                return;
            }
        }
    }
}
