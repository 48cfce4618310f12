//! From a gateway to its memory.

use std::time::Instant;

use ninefold_core::policy::breaker::BreakerMemento;
use ninefold_core::policy::retry_budget::BudgetMemento;

use super::Memory;
use super::entry::{EndpointEntry, Entry, Named, PoolEntry, mark};
use super::memory::{ENTRIES_MAX, KEYS_MAX};
use crate::fleet::hub::lock;
use crate::fleet::{Endpoint, Hub};

impl Hub {
    /// What a successor in another process has to know. The first is what protects most, so that what
    /// is too much is what could be done without.
    pub(crate) fn memory(&self) -> Memory {
        let mut entries: Vec<Entry> = Vec::new();
        let faults = self.faults.going_on(Instant::now());
        entries.extend(faults.into_iter().map(Entry::Fault));
        entries.extend(self.known_splits());
        entries.extend(self.known_breakers());
        let known = self.known();
        entries.extend(
            known
                .iter()
                .filter_map(|endpoint| self.known_endpoint(endpoint)),
        );
        entries.extend(self.known_pools());
        entries.extend(self.known_limits());
        entries.extend(self.known_dimmers());
        entries.extend(self.known_budgets());
        entries.extend(self.known_rates());
        entries.truncate(ENTRIES_MAX);
        Memory {
            entries,
            left_out: Vec::new(),
        }
    }

    fn known_splits(&self) -> impl Iterator<Item = Entry> {
        let routes = self.plan.routes.iter().zip(&self.splits);
        routes.filter_map(|(route, split)| {
            let settings = mark(route.split.as_ref()?);
            let worse = split.as_ref()?.worse()?;
            Some(Entry::Split(named(&route.name, settings, worse)))
        })
    }

    fn known_breakers(&self) -> impl Iterator<Item = Entry> {
        let services = self.plan.services.iter().zip(&self.breakers);
        services.filter_map(|(service, breaker)| {
            let settings = mark(service.breaker.as_ref()?);
            let memento = breaker.as_ref()?.memento();
            let says = memento != BreakerMemento::Closed;
            says.then(|| Entry::Breaker(named(&service.name, settings, memento)))
        })
    }

    fn known_endpoint(&self, endpoint: &Endpoint) -> Option<Entry> {
        let now = self.clock.now();
        let health = lock(&endpoint.fate.health).memento(now);
        let back = endpoint.fate.back_since().map(|since| now.since(since));
        if health.is_blank() && back.is_none() {
            return None;
        }
        Some(Entry::Endpoint(EndpointEntry {
            instance: endpoint.instance.clone(),
            address: endpoint.address.clone(),
            incarnation: endpoint.incarnation,
            health,
            reason: endpoint.fate.reason().as_deref().map(str::to_owned),
            ground: endpoint.fate.ground(),
            back,
        }))
    }

    fn known_pools(&self) -> impl Iterator<Item = Entry> {
        let services = self.plan.services.iter().zip(&self.pools);
        services.map(|(service, pool)| {
            let (zone, region) = pool.spill.memento();
            Entry::Pool(PoolEntry {
                service: service.name.to_string(),
                slow_above: pool.slow_above(),
                zone,
                region,
            })
        })
    }

    fn known_limits(&self) -> impl Iterator<Item = Entry> {
        let services = self.plan.services.iter().zip(&self.overload);
        services.filter_map(|(service, gate)| {
            let settings = mark(service.overload.as_ref()?);
            let memento = gate.as_ref()?.memento();
            Some(Entry::Limit(named(&service.name, settings, memento)))
        })
    }

    fn known_dimmers(&self) -> impl Iterator<Item = Entry> {
        let routes = self.plan.routes.iter().zip(&self.dimmers);
        routes.filter_map(|(route, dimmer)| {
            let settings = mark(route.brownout.as_ref()?);
            let memento = dimmer.as_ref()?.memento();
            let says = !memento.is_bright();
            says.then(|| Entry::Dimmer(named(&route.name, settings, memento)))
        })
    }

    /// Those of all threads together.
    fn known_budgets(&self) -> impl Iterator<Item = Entry> {
        let now = self.clock.now();
        self.plan
            .routes
            .iter()
            .enumerate()
            .filter_map(move |(index, route)| {
                let retry = route.retry.as_ref()?;
                let threads = self.budgets.iter();
                let of_it = threads.filter_map(|routes| routes.get(index)?.as_ref());
                let all = of_it.fold(BudgetMemento::default(), |all, budget| {
                    all.and(&budget.memento(now))
                });
                let settings = mark(&(retry.budget, retry.budget_min));
                let says = !all.is_blank();
                says.then(|| Entry::Budget(named(&route.name, settings, all)))
            })
    }

    fn known_rates(&self) -> Vec<Entry> {
        let mut keys_left = KEYS_MAX;
        let routes = self.plan.routes.iter().zip(&self.limits);
        let rates = routes.filter_map(|(route, limit)| {
            let settings = mark(route.rate_limit.as_ref()?);
            let known = limit.as_ref()?.owed(keys_left)?;
            keys_left -= known.owed.len();
            Some(Entry::Rate(named(&route.name, settings, known)))
        });
        rates.collect()
    }
}

fn named<T>(name: &str, settings: u64, known: T) -> Named<T> {
    Named {
        name: name.to_owned(),
        settings,
        known,
    }
}
