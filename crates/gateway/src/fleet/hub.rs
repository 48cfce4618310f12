//! What data threads and control plane share.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;
use ninefold_core::ejection::PoolState;
use ninefold_core::id::InstanceId;
use ninefold_core::time::{Timestamp, nanos};

use super::{Endpoint, EndpointView, Member, Snapshot};
use crate::access_log::AccessLogs;
use crate::clock::Clock;
use crate::counters::Notice;
use crate::meter::{EndpointCells, ListenerCells, RouteCells, bounds};
use crate::overload::Gate;
use crate::plan::{Plan, RoutePlan, ServicePlan};
use crate::rate_limit::RouteLimit;

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
    pub(crate) addresses: Vec<SocketAddr>,
    pub(crate) snapshot: ArcSwap<Snapshot>,
    pub(crate) generation: AtomicU64,
    /// By thread, then by route; the last route is `none`.
    pub(crate) routes: Vec<Vec<RouteCells>>,
    pub(crate) listeners: Vec<ListenerCells>,
    pub(crate) logs: AccessLogs,
    known: Mutex<BTreeMap<InstanceId, Arc<Endpoint>>>,
    /// One lock per service, so that two threads never eject the last two endpoints at once.
    gates: Vec<Mutex<()>>,
    notices: Mutex<VecDeque<Notice>>,
    /// By route; none where requests may come as often as they like.
    pub(crate) limits: Vec<Option<RouteLimit>>,
    /// By service; none where overload is not looked at.
    pub(crate) overload: Vec<Option<Arc<Gate>>>,
}

/// A lock is only ever held for a few assignments, which cannot panic half way.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn gate(service: &ServicePlan) -> Option<Arc<Gate>> {
    let gate = Gate::new(service.overload.as_ref()?);
    // A valid file has valid limits.
    gate.map(Arc::new).ok()
}

fn limit(route: &RoutePlan) -> Option<RouteLimit> {
    RouteLimit::new(route.rate_limit.as_ref()?).ok()
}

impl Hub {
    pub(crate) fn new(
        plan: Plan,
        threads: usize,
        addresses: Vec<SocketAddr>,
        logs: AccessLogs,
    ) -> Self {
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
            limits: plan.routes.iter().map(limit).collect(),
            overload: plan.services.iter().map(gate).collect(),
            gates: plan.services.iter().map(|_| Mutex::new(())).collect(),
            snapshot: ArcSwap::from_pointee(Snapshot::default()),
            generation: AtomicU64::new(1),
            known: Mutex::default(),
            notices: Mutex::default(),
            clock: Clock::new(),
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
            let admitted = view.admitted;
            let Some(endpoint) = self.endpoint(&mut known, view, index) else {
                continue;
            };
            if let Some(members) = services.get_mut(index) {
                members.push(Member {
                    endpoint,
                    admitted,
                    ready_since,
                });
            }
        }
        for members in &mut services {
            members.sort_by_key(|member| member.endpoint.instance.ordinal);
        }
        drop(known);
        self.snapshot.store(Arc::new(Snapshot { services }));
        self.generation.fetch_add(1, Ordering::Release);
    }

    fn endpoint(
        &self,
        known: &mut BTreeMap<InstanceId, Arc<Endpoint>>,
        view: EndpointView,
        service: usize,
    ) -> Option<Arc<Endpoint>> {
        let old = known.get(&view.instance);
        if let Some(old) =
            old.filter(|old| old.address == view.address && old.incarnation == view.incarnation)
        {
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
        let endpoint = Arc::new(Endpoint {
            label: view.instance.to_string().into(),
            address: view.address,
            incarnation: view.incarnation,
            cells: old.map_or_else(cells, |old| Arc::clone(&old.cells)),
            ejections: old
                .map(|old| Arc::clone(&old.ejections))
                .unwrap_or_default(),
            fate: Arc::default(),
            instance: view.instance,
        });
        if old.is_some_and(|old| old.fate.noted()) {
            self.notify(Notice::Readmitted {
                instance: endpoint.instance.clone(),
            });
        }
        known.insert(endpoint.instance.clone(), Arc::clone(&endpoint));
        Some(endpoint)
    }

    /// Every endpoint that was ever published, by instance, at its last address.
    pub(crate) fn known(&self) -> Vec<Arc<Endpoint>> {
        lock(&self.known).values().map(Arc::clone).collect()
    }

    /// An attempt failed in a way that speaks against the endpoint.
    pub(crate) fn fail(&self, service: usize, endpoint: &Endpoint, reason: &str) {
        let Some(plan) = self.plan.services.get(service) else {
            return;
        };
        if plan.rules.failures == 0 {
            return;
        }
        let gate = self.gates.get(service).map(lock);
        let now = self.clock.now();
        let pool = self.pool_state(service, now);
        let mut health = lock(&endpoint.fate.health);
        let ejected = health.fail(now, &plan.rules, pool);
        let until = health.ejected_until(now).map_or(0, as_nanos);
        // An ejection that is over stays noted until it is told.
        if ejected.is_some() || until != 0 || !endpoint.fate.noted() {
            endpoint.fate.show(&health, until);
        }
        let streak = health.streak();
        drop(health);
        drop(gate);
        if let Some(duration) = ejected {
            endpoint.ejections.fetch_add(1, Ordering::Relaxed);
            self.notify(Notice::Ejected {
                instance: endpoint.instance.clone(),
                reason: format!("{streak} failures in a row, the last one: {reason}"),
                duration,
            });
        }
    }

    /// An attempt succeeded although something was held against the endpoint.
    pub(crate) fn absolve(&self, endpoint: &Endpoint) {
        let mut health = lock(&endpoint.fate.health);
        let until = health.ejected_until(self.clock.now()).map_or(0, as_nanos);
        health.succeed();
        if until != 0 || !endpoint.fate.noted() {
            endpoint.fate.show(&health, until);
        }
    }

    /// Ends the ejections of a service because nothing else is left to serve.
    pub(crate) fn readmit_all(&self, service: usize) {
        let snapshot = self.snapshot.load();
        for member in snapshot.members(service).iter().filter(|m| m.admitted) {
            self.readmit(&member.endpoint, true);
        }
    }

    /// Ends ejections whose time is over.
    pub(crate) fn sweep(&self) {
        let snapshot = self.snapshot.load();
        for member in snapshot.services.iter().flatten() {
            if member.endpoint.fate.noted() {
                self.readmit(&member.endpoint, false);
            }
        }
    }

    fn readmit(&self, endpoint: &Endpoint, forced: bool) {
        let mut health = lock(&endpoint.fate.health);
        if health.readmit(self.clock.now(), forced) {
            endpoint.fate.show(&health, 0);
            drop(health);
            self.notify(Notice::Readmitted {
                instance: endpoint.instance.clone(),
            });
        }
    }

    fn pool_state(&self, service: usize, now: Timestamp) -> PoolState {
        let now = as_nanos(now);
        let snapshot = self.snapshot.load();
        let admitted = snapshot.members(service).iter().filter(|m| m.admitted);
        let (mut total, mut ejected) = (0, 0);
        for member in admitted {
            total += 1;
            ejected += usize::from(member.endpoint.fate.ejected(now));
        }
        let active_passive = self
            .plan
            .services
            .get(service)
            .is_some_and(|service| service.active_passive);
        // A standby must not take over because of an ejection: only readiness decides about that.
        PoolState {
            admitted: if active_passive { 1 } else { total },
            ejected,
        }
    }

    fn notify(&self, notice: Notice) {
        let mut notices = lock(&self.notices);
        if notices.len() >= NOTICES_MAX {
            notices.pop_front();
        }
        notices.push_back(notice);
    }

    /// Takes the notices since the last call.
    pub(crate) fn take_notices(&self) -> Vec<Notice> {
        self.sweep();
        lock(&self.notices).drain(..).collect()
    }
}

fn as_nanos(at: Timestamp) -> u64 {
    nanos(at.since(Timestamp::ZERO))
}
