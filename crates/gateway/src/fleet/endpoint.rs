//! One endpoint over all threads.

use std::pin::pin;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use ninefold_core::address::Address;
use ninefold_core::ejection::{EjectionRules, EndpointHealth};
use ninefold_core::id::InstanceId;
use ninefold_core::observation::EjectionGround;
use ninefold_core::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::memory::EndpointEntry;
use crate::meter::EndpointCells;

/// One endpoint as the control plane publishes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndpointView {
    /// Which instance.
    pub instance: InstanceId,
    /// Where it listens.
    pub address: Address,
    /// Its zone.
    pub zone: Option<Arc<str>>,
    /// Whether it may take traffic.
    pub admitted: bool,
    /// Whether it says itself that others should be asked first.
    pub degraded: bool,
    /// Whether it runs and was ready, and is no longer: better than nothing, if nothing is left.
    pub doubtful: bool,
    /// Its share of traffic beside the others'.
    pub weight: u32,
    /// Whether it takes traffic only in the absence of the others.
    pub backup: bool,
    /// Since when it is ready; slow start counts from here.
    pub ready_since: Option<Instant>,
    /// Whose certificate is expected of it; nothing where the file says it, or its address.
    pub host: Option<Arc<str>>,
    /// Which process it is. What traffic held against the one before does not count against a
    /// new one; a mere return to readiness changes nothing.
    pub incarnation: u64,
    /// Whether this node probes it: then it is from here that it is sent canaries.
    pub own: bool,
}

/// One process of an instance. What is counted belongs to the instance, what is held against it to
/// the process.
#[derive(Debug)]
pub(crate) struct Endpoint {
    pub(crate) instance: InstanceId,
    /// The instance's name, as metrics and logs show it.
    pub(crate) label: Arc<str>,
    pub(crate) address: Address,
    pub(crate) host: Option<Arc<str>>,
    pub(crate) incarnation: u64,
    pub(crate) zone: Option<Arc<str>>,
    /// Which of the gateway's places its zone is, and how far that is: 0 is nearest. Both 0 where all
    /// are equally far.
    pub(crate) place: usize,
    pub(crate) tier: usize,
    /// Counters by thread.
    pub(crate) cells: Arc<[EndpointCells]>,
    pub(crate) ejections: Arc<Ejections>,
    pub(crate) fate: Arc<Fate>,
    /// Connections to it, where they are limited.
    pub(super) connections: AtomicU32,
    pub(crate) loss: Loss,
    /// When any thread last sent it the copy of a request, in nanoseconds of the hub's clock.
    pub(super) shadowed_at: AtomicU64,
}

impl Endpoint {
    /// The copy of a request failed: the next one comes so much sooner. Of who fails now and then a judgement takes more
    /// answers than of who is slow, and failures say more than successes.
    pub(crate) fn hurry_shadow(&self, sooner: Duration) {
        let sooner = u64::try_from(sooner.as_nanos()).unwrap_or(u64::MAX);
        let earlier = |at: u64| Some(at.saturating_sub(sooner));
        // It cannot fail: there is always an earlier time, or the first one.
        self.shadowed_at
            .fetch_update(Relaxed, Relaxed, earlier)
            .ok();
    }

    /// Whether it may be sent the copy of a request; notes that it is.
    pub(crate) fn takes_shadow(&self, now: Timestamp, pause: Duration) -> bool {
        let last = self.shadowed_at.load(Relaxed);
        let due = now.since(Timestamp::from_nanos(last)) >= pause;
        let now = now.as_nanos();
        due && self
            .shadowed_at
            .compare_exchange(last, now, Relaxed, Relaxed)
            .is_ok()
    }
}

/// Whether the node of an endpoint is known to be gone: then nobody needs to wait for an answer.
#[derive(Debug, Default)]
pub(crate) struct Loss {
    is_lost: AtomicBool,
    told: Notify,
}

impl Loss {
    pub(super) fn set(&self, is_lost: bool) {
        self.is_lost.store(is_lost, SeqCst);
        if is_lost {
            self.told.notify_waiters();
        }
    }

    /// Waits until it is gone.
    pub(crate) async fn known(&self) {
        let mut told = pin!(self.told.notified());
        // From here on nothing is missed.
        told.as_mut().enable();
        if !self.is_lost.load(SeqCst) {
            told.await;
        }
    }
}

/// A place for one connection to an endpoint, given back when dropped.
#[derive(Debug)]
pub(crate) struct ConnectionPlace(Option<Arc<Endpoint>>);

impl ConnectionPlace {
    /// One of at most `max`; nothing if all are taken. Without a limit nothing is counted.
    pub(crate) fn take(endpoint: &Arc<Endpoint>, max: Option<u32>) -> Option<Self> {
        let Some(max) = max else {
            return Some(Self(None));
        };
        let taken = endpoint.connections.fetch_add(1, Relaxed);
        let place = Self(Some(Arc::clone(endpoint)));
        (taken < max).then_some(place)
    }
}

impl Drop for ConnectionPlace {
    fn drop(&mut self) {
        if let Some(endpoint) = &self.0 {
            endpoint.connections.fetch_sub(1, Relaxed);
        }
    }
}

/// How often an endpoint was ejected, by cause.
#[derive(Debug, Default)]
pub(crate) struct Ejections([AtomicU64; Cause::ALL.len()]);

impl Ejections {
    pub(crate) fn add(&self, cause: Cause) {
        if let Some(count) = self.0.get(cause as usize) {
            count.fetch_add(1, Relaxed);
        }
    }

    pub(crate) fn by_cause(&self) -> [(Cause, u64); Cause::ALL.len()] {
        let count = |cause: Cause| self.0.get(cause as usize).map_or(0, |n| n.load(Relaxed));
        Cause::ALL.map(|cause| (cause, count(cause)))
    }
}

/// Why an endpoint was ejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// Failures in a row, of any kind.
    Failures,
    /// It was slower than its peers.
    Latency,
    /// It failed more often than its peers.
    SuccessRate,
    /// A request that tried it after an ejection went wrong.
    Canary,
}

impl Cause {
    const ALL: [Self; 4] = [
        Self::Failures,
        Self::Latency,
        Self::SuccessRate,
        Self::Canary,
    ];

    /// The name in metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Failures => "failures",
            Self::Latency => "latency",
            Self::SuccessRate => "success-rate",
            Self::Canary => "canary",
        }
    }
}

/// Where an endpoint stands with live traffic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    In,
    Canary,
    Ejected,
}

/// What live traffic has to say about an endpoint. Decided under the service's lock; the atomics
/// let every thread see it without one.
#[derive(Debug, Default)]
pub(crate) struct Fate {
    pub(super) health: Mutex<EndpointHealth>,
    /// What it is ejected for, while it is.
    pub(super) why: Mutex<Option<(EjectionGround, Arc<str>)>>,
    /// A [`Place`].
    place: AtomicU8,
    /// See [`EndpointHealth::over`]; nanoseconds of the gateway's clock.
    over: AtomicU64,
    /// When its last ejection ended, in nanoseconds of the gateway's clock; 0 if there was none.
    back_at: AtomicU64,
    /// Whether a success would change anything.
    troubled: AtomicBool,
}

impl Fate {
    pub(crate) fn place(&self) -> Place {
        match self.place.load(Relaxed) {
            1 => Place::Canary,
            2 => Place::Ejected,
            _ => Place::In,
        }
    }

    /// While canaries try it: whether any request may be one, and not only such as could come to no harm.
    pub(crate) fn is_over(&self, now: Timestamp) -> bool {
        now.as_nanos() >= self.over.load(Relaxed)
    }

    /// Why it is ejected, while it is.
    pub(crate) fn reason(&self) -> Option<Arc<str>> {
        let why = super::hub::lock(&self.why);
        why.as_ref().map(|(_, reason)| Arc::clone(reason))
    }

    /// On which ground it is ejected, while it is.
    pub(super) fn ground(&self) -> EjectionGround {
        let why = super::hub::lock(&self.why);
        why.as_ref().map(|(ground, _)| *ground).unwrap_or_default()
    }

    /// Since when it is back from its last ejection, if it ever was ejected.
    pub(crate) fn back_since(&self) -> Option<Timestamp> {
        let at = self.back_at.load(Relaxed);
        (at != 0).then(|| Timestamp::from_nanos(at))
    }

    /// Whether something is held against it that a success would clear.
    pub(crate) fn troubled(&self) -> bool {
        self.troubled.load(Relaxed)
    }

    /// Says whether that differs from before.
    pub(super) fn show(&self, health: &EndpointHealth) -> bool {
        let troubled = !health.is_clear();
        let place = match (health.ejected_until(), health.is_canary()) {
            (Some(_), _) => 2,
            (None, true) => 1,
            (None, false) => 0,
        };
        self.over.store(health.over().as_nanos(), Relaxed);
        let place_was = self.place.swap(place, Relaxed);
        let troubled_was = self.troubled.swap(troubled, Relaxed);
        (place_was, troubled_was) != (place, troubled)
    }

    /// Holds against it what another process did, `now`.
    pub(super) fn restore(&self, entry: &EndpointEntry, now: Timestamp, rules: &EjectionRules) {
        let mut health = super::hub::lock(&self.health);
        *health = EndpointHealth::restore(&entry.health, now, rules);
        self.show(&health);
        drop(health);
        let reason = entry.reason.as_deref();
        *super::hub::lock(&self.why) = reason.map(|reason| (entry.ground, reason.into()));
        if let Some(back) = entry.back {
            self.back(now - back);
        }
    }

    pub(super) fn back(&self, now: Timestamp) {
        self.back_at.store(now.as_nanos(), Relaxed);
    }
}
