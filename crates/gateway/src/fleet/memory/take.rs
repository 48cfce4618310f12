//! From a memory to a gateway that is not open yet.

use std::fmt::Debug;
use std::sync::atomic::Ordering::Release;
use std::time::Instant;

use ninefold_core::policy::retry_budget::BudgetMemento;

use super::entry::{EndpointEntry, Entry, Named, PoolEntry, mark};
use super::{Memory, Recalled};
use crate::fleet::endpoint::Fate;
use crate::fleet::hub::lock;
use crate::fleet::{EndpointView, Hub};
use crate::plan::{RoutePlan, ServicePlan};

impl Hub {
    /// Goes on from what another process knew. For a gateway that has the endpoints and is not open: who
    /// is published later gets what is held against him then.
    pub(crate) fn recall(&self, memory: Memory) -> Recalled {
        let mut recalled = Recalled {
            left_out: memory.left_out,
            ..Recalled::default()
        };
        for entry in memory.entries {
            let count = match &entry {
                Entry::Endpoint(one) if one.health.is_out() => Some(&mut recalled.ejected),
                Entry::Breaker(_) => Some(&mut recalled.breakers),
                Entry::Limit(of) if of.known.is_learnt() => Some(&mut recalled.limits),
                Entry::Split(_) => Some(&mut recalled.rolled_back),
                Entry::Fault(_) => Some(&mut recalled.faults),
                Entry::Endpoint(_)
                | Entry::Limit(_)
                | Entry::Pool(_)
                | Entry::Dimmer(_)
                | Entry::Budget(_)
                | Entry::Rate(_) => None,
            };
            if self.take(entry).is_none() {
                recalled.others += 1;
                continue;
            }
            recalled.taken += 1;
            if let Some(count) = count {
                *count += 1;
            }
        }
        recalled
    }

    /// Nothing if it is none of this gateway's.
    fn take(&self, entry: Entry) -> Option<()> {
        match entry {
            Entry::Fault(fault) => self.faults.resume(&fault, Instant::now()).ok(),
            Entry::Endpoint(endpoint) => self.take_endpoint(endpoint),
            Entry::Pool(pool) => self.take_pool(&pool),
            Entry::Breaker(of) => {
                let index = self.service(&of, |service| service.breaker.as_ref())?;
                self.breakers.get(index)?.as_ref()?.restore(&of.known);
                Some(())
            }
            Entry::Limit(of) => {
                let index = self.service(&of, |service| service.overload.as_ref())?;
                self.overload.get(index)?.as_ref()?.restore(&of.known);
                Some(())
            }
            Entry::Split(of) => {
                let index = self.route(&of, |route| route.split.as_ref())?;
                self.splits.get(index)?.as_ref()?.go_back(of.known);
                Some(())
            }
            Entry::Dimmer(of) => {
                let index = self.route(&of, |route| route.brownout.as_ref())?;
                self.dimmers.get(index)?.as_ref()?.restore(&of.known);
                Some(())
            }
            Entry::Rate(of) => {
                let index = self.route(&of, |route| route.rate_limit.as_ref())?;
                self.limits.get(index)?.as_ref()?.owe(&of.known);
                Some(())
            }
            Entry::Budget(of) => {
                let settings = |route: &RoutePlan| {
                    let retry = route.retry.as_ref()?;
                    Some((retry.budget, retry.budget_min))
                };
                let index = self.route(&of, settings)?;
                self.take_budget(index, &of.known);
                Some(())
            }
        }
    }

    /// The service of this name, if its settings are those.
    fn service<'a, T, S: Debug>(
        &'a self,
        of: &Named<T>,
        settings: impl Fn(&'a ServicePlan) -> Option<S>,
    ) -> Option<usize> {
        let mut services = self.plan.services.iter().enumerate();
        let (index, service) = services.find(|(_, service)| *service.name == *of.name)?;
        (mark(&settings(service)?) == of.settings).then_some(index)
    }

    /// The same for a route.
    fn route<'a, T, S: Debug>(
        &'a self,
        of: &Named<T>,
        settings: impl Fn(&'a RoutePlan) -> Option<S>,
    ) -> Option<usize> {
        let mut routes = self.plan.routes.iter().enumerate();
        let (index, route) = routes.find(|(_, route)| *route.name == *of.name)?;
        (mark(&settings(route)?) == of.settings).then_some(index)
    }

    /// Each thread has its part.
    fn take_budget(&self, route: usize, known: &BudgetMemento) {
        let part = known.part_of(u32::try_from(self.threads).unwrap_or(u32::MAX));
        let now = self.clock.now();
        for routes in &self.budgets {
            if let Some(Some(budget)) = routes.get(route) {
                budget.restore(&part, now);
            }
        }
    }

    fn take_pool(&self, of: &PoolEntry) -> Option<()> {
        let mut services = self.plan.services.iter().zip(&self.pools);
        let (plan, pool) = services.find(|(plan, _)| *plan.name == *of.service)?;
        if plan.rules.is_on() {
            pool.be_slow_above(of.slow_above);
        }
        if plan.locality.is_some() {
            pool.spill.restore(&of.zone, &of.region);
        }
        Some(())
    }

    fn take_endpoint(&self, entry: EndpointEntry) -> Option<()> {
        let mut services = self.plan.services.iter().zip(&self.pools);
        let (plan, pool) = services.find(|(plan, _)| plan.name == entry.instance.service)?;
        if !plan.rules.is_on() {
            return None;
        }
        let known = self.known_of(&entry.instance);
        let Some(known) = known else {
            // Nobody knows it yet.
            lock(&self.bequest).insert(entry.instance.clone(), (entry, self.clock.now()));
            return Some(());
        };
        if known.address != entry.address || known.incarnation != entry.incarnation {
            return None;
        }
        let gate = lock(&pool.gate);
        known.fate.restore(&entry, self.clock.now(), &plan.rules);
        pool.version.fetch_add(1, Release);
        drop(gate);
        Some(())
    }

    /// What another process held against one that is only now published.
    pub(in crate::fleet) fn bequeathed(
        &self,
        view: &EndpointView,
        plan: &ServicePlan,
    ) -> Option<Fate> {
        let (entry, at) = lock(&self.bequest).remove(&view.instance)?;
        let same = entry.address == view.address && entry.incarnation == view.incarnation;
        same.then(|| {
            let fate = Fate::default();
            fate.restore(&entry, at, &plan.rules);
            fate
        })
    }
}
