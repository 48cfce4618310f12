//! One data thread: everything that a request needs without asking another thread.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime};

use http::HeaderValue;
use ninefold_core::balance::Standing;
use ninefold_core::id::InstanceId;
use ninefold_core::policy::RetryBudget;
use ninefold_core::rng::Rng;
use ninefold_core::time::Timestamp;
use tokio::sync::Notify;

use crate::checks::Polls;
use crate::choice::{Ask, Group, Local, Turn};
use crate::fleet::{Hub, Member};
use crate::http1::imf_fixdate;
use crate::meter::RouteCells;
use crate::upstream::Upstream;

/// The state of one data thread.
#[derive(Debug)]
pub(crate) struct Worker {
    pub(crate) hub: Arc<Hub>,
    pub(crate) thread: usize,
    draining: Cell<bool>,
    /// Wakes connections when a drain begins.
    drain: Notify,
    closing: Cell<bool>,
    /// Wakes connections when even idle ones end.
    close: Notify,
    view: RefCell<View>,
    date: RefCell<HeaderValue>,
    /// How often the time was looked at: about once a second.
    second: Cell<u32>,
    rng: RefCell<Rng>,
    budgets: Vec<Option<Arc<RetryBudget>>>,
    /// Copies for other services that are under way.
    pub(crate) copies: Cell<u32>,
    /// Votes that are under way.
    pub(crate) polls: Polls,
    /// By route, its whole time as a header's value: what most requests have left.
    timeouts: Vec<(Duration, HeaderValue)>,
}

#[derive(Debug, Default)]
struct View {
    generation: u64,
    services: Vec<Group>,
}

impl Worker {
    pub(crate) fn new(hub: Arc<Hub>, thread: usize, seed: u64) -> Self {
        let timeouts = hub.plan.routes.iter().map(|route| route.timeout);
        Self {
            timeouts: timeouts.map(|time| (time, millis(time))).collect(),
            budgets: hub.budgets_of(thread),
            hub,
            thread,
            draining: Cell::new(false),
            drain: Notify::new(),
            closing: Cell::new(false),
            close: Notify::new(),
            view: RefCell::default(),
            date: RefCell::new(date()),
            second: Cell::new(1),
            rng: RefCell::new(Rng::new(seed)),
            copies: Cell::new(0),
            polls: Polls::default(),
        }
    }

    /// Whether a drain has begun.
    pub(crate) const fn is_draining(&self) -> bool {
        self.draining.get()
    }

    /// Begins a drain.
    pub(crate) fn begin_drain(&self) {
        self.draining.set(true);
        self.drain.notify_waiters();
    }

    /// Waits for a drain to begin.
    pub(crate) async fn draining(&self) {
        let notified = self.drain.notified();
        if !self.draining.get() {
            notified.await;
        }
    }

    /// Whether a client is told with each answer to come back on another connection.
    pub(crate) fn sends_away(&self) -> bool {
        self.draining.get() || (self.thread == 0 && self.hub.yielding.load(Ordering::Relaxed))
    }

    /// Whether connections end that have nothing under way.
    pub(crate) const fn is_closing(&self) -> bool {
        self.closing.get()
    }

    /// Ends connections that have nothing under way, and others after their answer.
    pub(crate) fn begin_close(&self) {
        self.begin_drain();
        self.closing.set(true);
        self.close.notify_waiters();
    }

    /// Waits until connections end that have nothing under way.
    pub(crate) async fn closing(&self) {
        let notified = self.close.notified();
        if !self.closing.get() {
            notified.await;
        }
    }

    /// This thread's cells of a route; of `none` for an index beyond the routes.
    pub(crate) fn cells(&self, route: usize) -> Option<&RouteCells> {
        let cells = self.hub.routes.get(self.thread)?;
        cells.get(route).or_else(|| cells.last())
    }

    /// 64 random bits for ids.
    pub(crate) fn random(&self) -> u64 {
        self.rng.borrow_mut().next_u64()
    }

    /// Uniform between 0 and 1.
    pub(crate) fn unit(&self) -> f64 {
        self.rng.borrow_mut().unit()
    }

    /// The time that a request on `route` has left, as the value of a header: milliseconds.
    pub(crate) fn millis(&self, route: usize, left: Duration) -> HeaderValue {
        match self.timeouts.get(route) {
            Some((whole, value)) if *whole == left => value.clone(),
            _ => millis(left),
        }
    }

    /// A first attempt on a route.
    pub(crate) fn deposit(&self, route: usize, now: Timestamp) {
        if let Some(Some(budget)) = self.budgets.get(route) {
            budget.deposit(now);
        }
    }

    /// Whether one more retry is within the route's budget.
    pub(crate) fn withdraw(&self, route: usize, now: Timestamp) -> bool {
        match self.budgets.get(route) {
            Some(Some(budget)) => budget.withdraw(now).is_ok(),
            _ => false,
        }
    }

    /// Takes over a new snapshot, if there is one. Pools and latencies of endpoints that stay are
    /// kept.
    pub(crate) fn refresh(&self) {
        let generation = self.hub.generation.load(Ordering::Acquire);
        let mut view = self.view.borrow_mut();
        if view.generation == generation {
            return;
        }
        let (locals, mut groups): (Vec<_>, Vec<_>) =
            view.services.drain(..).map(Group::into_locals).unzip();
        let mut old: BTreeMap<InstanceId, Rc<Upstream>> = locals
            .into_iter()
            .flatten()
            .map(|local| (local.upstream.endpoint.instance.clone(), local.upstream))
            .collect();
        groups.resize_with(self.hub.plan.services.len(), Group::default);
        let snapshot = self.hub.snapshot.load();
        view.services = snapshot
            .services
            .iter()
            .zip(groups)
            .enumerate()
            .map(|(service, (members, group))| {
                let local = |member: &Member| Local {
                    upstream: old
                        .remove(&member.endpoint.instance)
                        .filter(|kept| Arc::ptr_eq(&kept.endpoint, &member.endpoint))
                        .unwrap_or_else(|| {
                            Rc::new(Upstream::new(
                                Arc::clone(&member.endpoint),
                                service,
                                self.thread,
                                &self.hub,
                            ))
                        }),
                    member: member.clone(),
                };
                let locals = members.iter().map(local).collect();
                Group::new(locals, self.hub.plan.services.get(service), group)
            })
            .collect();
        view.generation = generation;
        self.see(generation);
    }

    /// Says which endpoints are chosen from.
    pub(crate) fn see(&self, generation: u64) {
        if let Some(seen) = self.hub.seen.get(self.thread) {
            seen.store(generation, Ordering::Release);
        }
    }

    /// Chooses an endpoint of `service`, one that is not in `tried` where there is one. Says also
    /// whether it is a new one. `None` if none may be taken.
    pub(crate) fn choose(
        &self,
        service: usize,
        tried: &[Rc<Upstream>],
        ask: Ask,
    ) -> Option<(Rc<Upstream>, bool)> {
        self.refresh();
        let plan = self.hub.plan.services.get(service)?;
        let mut view = self.view.borrow_mut();
        let group = view.services.get_mut(service)?;
        if plan.active_passive {
            let active = Rc::clone(group.active()?);
            let fresh = !tried.iter().any(|used| Rc::ptr_eq(used, &active));
            return Some((active, fresh));
        }
        group.look(&self.hub, service, plan);
        let rng = &mut self.rng.borrow_mut();
        group.ask_around(&self.hub, plan, rng);
        let turn = Turn { plan, ask, tried };
        if tried.is_empty()
            && let Some(canary) = group.canary(&self.hub, turn, rng)
        {
            return Some((canary, true));
        }
        if let Some(drawn) = group.draw(turn, rng) {
            return Some((drawn, true));
        }
        let again = group.draw(Turn { tried: &[], ..turn }, rng)?;
        Some((again, false))
    }

    /// An endpoint of a service that the balancer leaves out, if it is to be looked after now; see [`Group::left_out`].
    pub(crate) fn left_out(
        &self,
        service: usize,
        beside: &Upstream,
        now: Timestamp,
    ) -> Option<Rc<Upstream>> {
        let plan = self.hub.plan.services.get(service)?;
        let mut view = self.view.borrow_mut();
        view.services.get_mut(service)?.left_out(plan, beside, now)
    }

    /// The endpoints of a service that may take traffic: those that this node probes, or all.
    pub(crate) fn upstreams(&self, service: usize, all: bool) -> Vec<Rc<Upstream>> {
        self.refresh();
        let view = self.view.borrow();
        let locals = view.services.get(service).map_or(&[][..], Group::locals);
        let own = locals
            .iter()
            .filter(|local| local.member.admitted && (all || local.member.own));
        own.map(|local| Rc::clone(&local.upstream)).collect()
    }

    /// Some of the other endpoints of its service, at most `count` of those that take traffic.
    pub(crate) fn others(&self, of: &Rc<Upstream>, count: usize) -> Vec<Rc<Upstream>> {
        self.refresh();
        let view = self.view.borrow();
        let locals = view.services.get(of.service).map_or(&[][..], Group::locals);
        let takes = |local: &&Local| {
            let stands = matches!(local.member.standing(), Standing::In | Standing::Degraded);
            stands && !local.member.backup && !Arc::ptr_eq(&local.upstream.endpoint, &of.endpoint)
        };
        let mut left: Vec<_> = locals.iter().filter(takes).collect();
        let mut chosen = Vec::new();
        while chosen.len() < count && !left.is_empty() {
            let bound = u64::try_from(left.len()).unwrap_or(u64::MAX);
            let lot = usize::try_from(self.random() % bound).unwrap_or(0);
            chosen.push(Rc::clone(&left.swap_remove(lot).upstream));
        }
        chosen
    }

    /// Whether an endpoint is the one that an active-passive service uses; so as long as none is up.
    pub(crate) fn is_active(&self, upstream: &Upstream) -> bool {
        self.refresh();
        let view = self.view.borrow();
        let group = view.services.get(upstream.service);
        let active = group.and_then(Group::active);
        active.is_none_or(|active| std::ptr::eq(&raw const **active, upstream))
    }

    /// The date, for answers without one; a second old at most.
    pub(crate) fn date(&self) -> HeaderValue {
        self.date.borrow().clone()
    }

    /// Which second of this thread it is; never 0.
    pub(crate) const fn second(&self) -> u32 {
        self.second.get()
    }

    /// Looks at the time. Closes kept connections that were idle for too long or belong to nobody any more.
    pub(crate) fn tidy(&self) {
        self.date.replace(date());
        self.second.set(self.second.get().wrapping_add(1).max(1));
        self.refresh();
        for local in self.view.borrow().services.iter().flat_map(Group::locals) {
            local.upstream.tidy();
        }
    }
}

fn date() -> HeaderValue {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    imf_fixdate(since.map_or(0, |since| since.as_secs()))
}

/// No request is sent on with no time at all.
fn millis(left: Duration) -> HeaderValue {
    HeaderValue::from(u64::try_from(left.as_millis()).unwrap_or(u64::MAX).max(1))
}
