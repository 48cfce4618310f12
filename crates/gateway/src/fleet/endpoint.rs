//! One endpoint over all threads.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use ninefold_core::ejection::EndpointHealth;
use ninefold_core::id::InstanceId;

use crate::meter::EndpointCells;

/// One endpoint as the control plane publishes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndpointView {
    /// Which instance.
    pub instance: InstanceId,
    /// Where it listens.
    pub address: SocketAddr,
    /// Its zone.
    pub zone: Option<Arc<str>>,
    /// Whether it may take traffic.
    pub admitted: bool,
    /// Since when it is ready; slow start counts from here.
    pub ready_since: Option<Instant>,
    /// Which process it is. What traffic held against the one before does not count against a
    /// new one; a mere return to readiness changes nothing.
    pub incarnation: u64,
}

/// One process of an instance. What is counted belongs to the instance, what is held against it to
/// the process.
#[derive(Debug)]
pub(crate) struct Endpoint {
    pub(crate) instance: InstanceId,
    /// The instance's name, as metrics and logs show it.
    pub(crate) label: Arc<str>,
    pub(crate) address: SocketAddr,
    pub(crate) incarnation: u64,
    /// Counters by thread.
    pub(crate) cells: Arc<[EndpointCells]>,
    pub(crate) ejections: Arc<AtomicU64>,
    pub(crate) fate: Arc<Fate>,
}

/// What live traffic has to say about an endpoint. Decided under the service's lock; the atomics
/// let every thread see it without one.
#[derive(Debug, Default)]
pub(crate) struct Fate {
    pub(crate) health: Mutex<EndpointHealth>,
    /// Nanoseconds of the gateway's clock; 0 if not ejected.
    ejected_until: AtomicU64,
    /// Whether a success would change anything.
    troubled: AtomicBool,
}

impl Fate {
    /// Whether it is ejected at `now`, in nanoseconds of the gateway's clock.
    pub(crate) fn ejected(&self, now: u64) -> bool {
        let until = self.ejected_until.load(Relaxed);
        until != 0 && now < until
    }

    /// Whether an ejection is noted, be it over or not.
    pub(crate) fn noted(&self) -> bool {
        self.ejected_until.load(Relaxed) != 0
    }

    /// Whether something is held against it that a success would clear.
    pub(crate) fn troubled(&self) -> bool {
        self.troubled.load(Relaxed)
    }

    pub(super) fn show(&self, health: &EndpointHealth, ejected_until: u64) {
        self.troubled.store(!health.is_clear(), Relaxed);
        self.ejected_until.store(ejected_until, Relaxed);
    }
}
