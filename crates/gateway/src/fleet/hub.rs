//! What data threads and control plane share.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use arc_swap::ArcSwap;
use ninefold_core::address::Address;
use ninefold_core::id::InstanceId;
use ninefold_core::policy::{Dimmer, HedgePolicy, RetryBudget};
use ninefold_core::time::Timestamp;
use tokio::sync::watch;

use super::budgets::{Budgets, budgets};
use super::endpoint::{Fate, Loss};
use super::memory::EndpointEntry;
use super::outliers::Pool;
use super::{Endpoint, EndpointView, Member, Place, Snapshot, heirlooms};
use crate::access_log::AccessLogs;
use crate::cache::Caches;
use crate::clock::Clock;
use crate::counters::Notice;
use crate::fault::Faults;
use crate::isolation::{RouteBulkhead, ServiceBreaker, Turn};
use crate::knock::Knocks;
use crate::meter::{EndpointCells, ListenerCells, RouteCells, bounds, load};
use crate::overload::Gate;
use crate::plan::Plan;
use crate::rate_limit::RouteLimit;
use crate::split::Split;

/// Notices kept at most until the control plane takes them; older ones are dropped.
const NOTICES_MAX: usize = 1_024;

/// Instances whose counters are kept at most.
const INSTANCES_MAX: usize = 10_000;

/// The shared state. Data threads read it; only failures, connections and the control plane write.
#[derive(Debug)]
pub(crate) struct Hub {
    pub(crate) plan: Plan,
    pub(crate) clock: Clock,
    pub(crate) threads: usize,
    pub(crate) addresses: Vec<Address>,
    pub(crate) snapshot: ArcSwap<Snapshot>,
    pub(crate) generation: AtomicU64,
    /// By thread, then by route; the last route is `none`.
    pub(crate) routes: Vec<Vec<RouteCells>>,
    pub(crate) listeners: Vec<ListenerCells>,
    pub(crate) logs: AccessLogs,
    /// Connections of this generation that are open.
    pub(crate) live: AtomicU64,
    /// Data threads that may still take connections.
    pub(crate) accepting: AtomicUsize,
    /// By thread, the generation of endpoints that it chooses from; `MAX` while it chooses none.
    pub(crate) seen: Vec<AtomicU64>,
    /// Wakes the threads for a new generation.
    pub(crate) published: watch::Sender<u64>,
    /// Whether the first thread's connections are to go to a successor on trial.
    pub(crate) yielding: AtomicBool,
    /// Whether what waits to be accepted is somebody else's.
    pub(crate) withdrawn: AtomicBool,
    pub(super) budgets: Budgets,
    /// The generation before, while it lives: what it knows of endpoints goes on here.
    elder: Weak<Self>,
    known: Mutex<BTreeMap<InstanceId, Arc<Endpoint>>>,
    /// What another process held against who is not published yet, and since when it is known here.
    pub(super) bequest: Arc<Mutex<BTreeMap<InstanceId, (EndpointEntry, Timestamp)>>>,
    /// By service.
    pub(super) pools: Vec<Pool>,
    notices: Mutex<VecDeque<Notice>>,
    /// By route; none where requests may come as often as they like.
    pub(crate) limits: Vec<Option<RouteLimit>>,
    /// By route; none where no second endpoint is asked.
    pub(crate) hedges: Vec<Option<Arc<HedgePolicy>>>,
    /// By route; none where nothing is ever left out.
    pub(crate) dimmers: Vec<Option<Arc<Dimmer>>>,
    pub(crate) caches: Caches,
    /// By route; none where all goes to one service.
    pub(crate) splits: Vec<Option<Arc<Split>>>,
    /// By service; none where overload is not looked at.
    pub(crate) overload: Vec<Option<Arc<Gate>>>,
    /// By route; none where nobody has a share of his own.
    pub(crate) bulkheads: Vec<Option<RouteBulkhead>>,
    /// What is injected on purpose.
    pub(crate) faults: Arc<Faults>,
    /// Connections of the node's own, which are none of a client.
    pub(crate) knocks: Knocks,
    /// By service; none where it is always asked.
    pub(crate) breakers: Vec<Option<ServiceBreaker>>,
}

/// A lock is only ever held for a few assignments, which cannot panic half way.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Hub {
    pub(crate) fn new(
        plan: Plan,
        threads: usize,
        addresses: Vec<Address>,
        logs: AccessLogs,
        before: Option<&Arc<Self>>,
    ) -> Self {
        let elder = before.map(Arc::as_ref);
        let route_cells = || {
            let thresholds = plan.routes.iter().map(|route| route.thresholds.as_slice());
            thresholds
                .chain([[].as_slice()])
                .map(|thresholds| RouteCells::new(bounds(thresholds)))
                .collect()
        };
        Self {
            routes: (0..threads).map(|_| route_cells()).collect(),
            listeners: plan
                .listeners
                .iter()
                .map(|_| ListenerCells::default())
                .collect(),
            caches: heirlooms::caches(&plan, elder),
            splits: heirlooms::splits(&plan, elder),
            limits: heirlooms::limits(&plan, elder),
            overload: heirlooms::gates(&plan, elder),
            breakers: heirlooms::breakers(&plan, elder),
            bulkheads: heirlooms::bulkheads(&plan, elder),
            hedges: heirlooms::hedges(&plan, elder),
            dimmers: heirlooms::dimmers(&plan, elder),
            faults: elder
                .map(|elder| Arc::clone(&elder.faults))
                .unwrap_or_default(),
            knocks: elder.map(|elder| elder.knocks.clone()).unwrap_or_default(),
            pools: heirlooms::pools(&plan, elder),
            snapshot: ArcSwap::from_pointee(Snapshot::default()),
            generation: AtomicU64::new(1),
            known: Mutex::default(),
            bequest: elder
                .map(|elder| Arc::clone(&elder.bequest))
                .unwrap_or_default(),
            notices: Mutex::default(),
            clock: elder.map_or_else(Clock::new, |elder| elder.clock),
            budgets: budgets(&plan, threads, elder),
            elder: before.map_or_else(Weak::new, Arc::downgrade),
            live: AtomicU64::new(0),
            accepting: AtomicUsize::new(threads),
            seen: (0..threads).map(|_| AtomicU64::new(u64::MAX)).collect(),
            published: watch::Sender::new(0),
            yielding: AtomicBool::new(false),
            withdrawn: AtomicBool::new(false),
            plan,
            threads,
            addresses,
            logs,
        }
    }

    /// Replaces all endpoints. Endpoints of unknown services are ignored.
    pub(crate) fn publish(&self, views: Vec<EndpointView>) {
        let mut services: Vec<Vec<Member>> = self.plan.services.iter().map(|_| vec![]).collect();
        let mut known = lock(&self.known);
        for view in views {
            let position = self
                .plan
                .services
                .iter()
                .position(|service| service.name == view.instance.service);
            let Some(index) = position else { continue };
            let ready_since = view.ready_since.map(|since| self.clock.at(since));
            let (admitted, doubtful) = (view.admitted, view.doubtful);
            let degraded = view.degraded;
            let (weight, backup, own) = (view.weight, view.backup, view.own);
            let Some(endpoint) = self.endpoint(&mut known, view, index) else {
                continue;
            };
            // Who tells of it is there again.
            endpoint.loss.set(false);
            if let Some(members) = services.get_mut(index) {
                members.push(Member {
                    endpoint,
                    admitted,
                    degraded,
                    doubtful,
                    weight,
                    backup,
                    own,
                    ready_since,
                });
            }
        }
        for members in &mut services {
            members.sort_by_key(|member| member.endpoint.instance.ordinal);
        }
        drop(known);
        let before = self.snapshot.swap(Arc::new(Snapshot { services }));
        self.look_who_returned(&before);
        let generation = self.generation.fetch_add(1, Ordering::Release);
        self.published.send_replace(generation.wrapping_add(1));
    }

    /// Nobody needs to wait any longer for an answer of these.
    pub(crate) fn abandon(&self, instance: &InstanceId) {
        if let Some(endpoint) = lock(&self.known).get(instance) {
            endpoint.loss.set(true);
        }
    }

    /// Whether no thread chooses from endpoints of before any more. What one of them chose until then
    /// is counted as in flight.
    pub(crate) fn is_known(&self) -> bool {
        let generation = self.generation.load(Ordering::Acquire);
        let mut seen = self.seen.iter();
        seen.all(|seen| seen.load(Ordering::Acquire) >= generation)
    }

    fn endpoint(
        &self,
        known: &mut BTreeMap<InstanceId, Arc<Endpoint>>,
        view: EndpointView,
        service: usize,
    ) -> Option<Arc<Endpoint>> {
        let old = known.get(&view.instance);
        if let Some(old) = old.filter(|old| {
            old.address == view.address
                && old.incarnation == view.incarnation
                && old.host == view.host
                && old.zone == view.zone
        }) {
            return Some(Arc::clone(old));
        }
        if old.is_none() && known.len() >= INSTANCES_MAX {
            return None;
        }
        let slots = self.plan.services.get(service)?.routes.len();
        let cells = || {
            (0..self.threads)
                .map(|_| EndpointCells::new(slots))
                .collect()
        };
        let plan = self.plan.services.get(service);
        let places = plan.and_then(|plan| plan.locality.as_ref().and(self.plan.places.as_ref()));
        let place = places.map_or(0, |places| places.find(view.zone.as_deref()));
        let endpoint = Arc::new(Endpoint {
            label: view.instance.to_string().into(),
            address: view.address.clone(),
            host: view.host.clone(),
            incarnation: view.incarnation,
            cells: old.map_or_else(cells, |old| Arc::clone(&old.cells)),
            ejections: old
                .map(|old| Arc::clone(&old.ejections))
                .unwrap_or_default(),
            fate: self.fate(&view, service),
            connections: AtomicU32::new(0),
            loss: Loss::default(),
            shadowed_at: AtomicU64::new(0),
            place,
            tier: places.map_or(0, |places| places.tier(place)),
            zone: view.zone,
            instance: view.instance,
        });
        if old.is_some_and(|old| old.fate.place() != Place::In) {
            self.notify(Notice::Readmitted {
                instance: endpoint.instance.clone(),
            });
        }
        known.insert(endpoint.instance.clone(), Arc::clone(&endpoint));
        Some(endpoint)
    }

    /// What the generation before holds against this very process, so that both hold it, or another
    /// process did; else nothing yet.
    fn fate(&self, view: &EndpointView, service: usize) -> Arc<Fate> {
        let plan = self.plan.services.get(service);
        // Nobody would ever take it back.
        let Some(plan) = plan.filter(|plan| plan.rules.is_on()) else {
            return Arc::default();
        };
        let elder = self.elder.upgrade();
        let known = elder.and_then(|elder| lock(&elder.known).get(&view.instance).cloned());
        let kept = known
            .filter(|known| known.address == view.address && known.incarnation == view.incarnation)
            .map(|known| Arc::clone(&known.fate));
        kept.or_else(|| self.bequeathed(view, plan).map(Arc::new))
            .unwrap_or_default()
    }

    /// A thread's retry budgets, by route.
    pub(crate) fn budgets_of(&self, thread: usize) -> Vec<Option<Arc<RetryBudget>>> {
        self.budgets.get(thread).cloned().unwrap_or_default()
    }

    /// Connections that the generation before still has open on the listener of this address.
    pub(crate) fn elder_open(&self, listener: usize) -> u64 {
        let Some(elder) = self.elder.upgrade() else {
            return 0;
        };
        let same = |address: &Address| self.addresses.get(listener) == Some(address);
        let before = elder.addresses.iter().position(same);
        before
            .and_then(|before| elder.listeners.get(before))
            .map_or(0, |cells| load(&cells.open))
    }

    /// An endpoint that was published, at its last address.
    pub(super) fn known_of(&self, instance: &InstanceId) -> Option<Arc<Endpoint>> {
        lock(&self.known).get(instance).map(Arc::clone)
    }

    /// Every endpoint that was ever published, by instance, at its last address.
    pub(crate) fn known(&self) -> Vec<Arc<Endpoint>> {
        lock(&self.known).values().map(Arc::clone).collect()
    }

    pub(crate) fn notify(&self, notice: Notice) {
        let mut notices = lock(&self.notices);
        if notices.len() >= NOTICES_MAX {
            notices.pop_front();
        }
        notices.push_back(notice);
    }

    /// Tells which bulkheads have begun to refuse requests, and which do so no more.
    pub(crate) fn look_at_bulkheads(&self) {
        let now = self.clock.now();
        for (route, bulkhead) in self.plan.routes.iter().zip(&self.bulkheads) {
            let Some(bulkhead) = bulkhead else { continue };
            let refused = match bulkhead.look(now) {
                None => continue,
                Some(Turn::Began) => None,
                Some(Turn::Ended(refused)) => Some(refused),
            };
            let (now, of) = bulkhead.view();
            self.notify(Notice::Bulkhead {
                route: Arc::clone(&route.name),
                full: (now.full, of.shards),
                refused,
            });
        }
    }

    fn tell_breakers(&self) {
        for (plan, breaker) in self.plan.services.iter().zip(&self.breakers) {
            let Some(breaker) = breaker else { continue };
            for state in breaker.take_changes() {
                let service = Arc::clone(&plan.name);
                self.notify(Notice::Breaker { service, state });
            }
        }
    }

    /// Takes the notices since the last call.
    pub(crate) fn take_notices(&self) -> Vec<Notice> {
        self.sweep();
        self.tell_breakers();
        lock(&self.notices).drain(..).collect()
    }
}
