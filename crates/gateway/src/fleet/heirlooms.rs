//! What a gateway takes over from the one before, where their files say the same of it: two
//! generations together let no more pass, and forget no more, than one.

use std::sync::Arc;

use ninefold_core::policy::{Dimmer, HedgePolicy};

use super::Hub;
use super::outliers::Pool;
use crate::cache::{Caches, RouteCache};
use crate::isolation::{RouteBulkhead, ServiceBreaker};
use crate::overload::Gate;
use crate::plan::{Plan, RoutePlan, ServicePlan};
use crate::rate_limit::RouteLimit;
use crate::split::Split;

/// By route: how often requests may come.
pub(super) fn limits(plan: &Plan, elder: Option<&Hub>) -> Vec<Option<RouteLimit>> {
    let limit = |route: &RoutePlan| {
        let settings = route.rate_limit.as_ref()?;
        let kept = elder.and_then(|elder| {
            let mut routes = elder.plan.routes.iter().zip(&elder.limits);
            let (before, limit) = routes.find(|(before, _)| before.name == route.name)?;
            let limit = limit.as_ref()?;
            (before.rate_limit.as_ref() == Some(settings)).then(|| limit.shared())
        });
        kept.or_else(|| RouteLimit::new(settings).ok())
    };
    plan.routes.iter().map(limit).collect()
}

/// By service: how many requests may be under way.
pub(super) fn gates(plan: &Plan, elder: Option<&Hub>) -> Vec<Option<Arc<Gate>>> {
    let gate = |service: &ServicePlan| {
        let settings = service.overload.as_ref()?;
        let kept = elder.and_then(|elder| {
            let mut services = elder.plan.services.iter().zip(&elder.overload);
            let (before, gate) = services.find(|(before, _)| before.name == service.name)?;
            let gate = gate.as_ref()?;
            (before.overload.as_ref() == Some(settings)).then(|| gate.shared())
        });
        // A valid file has valid limits.
        kept.or_else(|| Gate::new(settings).ok()).map(Arc::new)
    };
    plan.services.iter().map(gate).collect()
}

/// By service: when it is not asked at all.
pub(super) fn breakers(plan: &Plan, elder: Option<&Hub>) -> Vec<Option<ServiceBreaker>> {
    let breaker = |service: &ServicePlan| {
        let settings = service.breaker.as_ref()?;
        let kept = elder.and_then(|elder| {
            let mut services = elder.plan.services.iter().zip(&elder.breakers);
            let (before, breaker) = services.find(|(before, _)| before.name == service.name)?;
            let breaker = breaker.as_ref()?;
            (before.breaker.as_ref() == Some(settings)).then(|| breaker.shared())
        });
        // A valid file has valid breakers.
        kept.or_else(|| ServiceBreaker::new(settings).ok())
    };
    plan.services.iter().map(breaker).collect()
}

/// By route: the shares of its clients or tenants.
pub(super) fn bulkheads(plan: &Plan, elder: Option<&Hub>) -> Vec<Option<RouteBulkhead>> {
    let bulkhead = |route: &RoutePlan| {
        let settings = route.bulkhead.as_ref()?;
        let kept = elder.and_then(|elder| {
            let mut routes = elder.plan.routes.iter().zip(&elder.bulkheads);
            let (before, bulkhead) = routes.find(|(before, _)| before.name == route.name)?;
            let bulkhead = bulkhead.as_ref()?;
            (before.bulkhead.as_ref() == Some(settings)).then(|| bulkhead.shared())
        });
        // A valid file has valid bulkheads.
        kept.or_else(|| RouteBulkhead::new(settings).ok())
    };
    plan.routes.iter().map(bulkhead).collect()
}

/// By service: what decides who is ejected.
pub(super) fn pools(plan: &Plan, elder: Option<&Hub>) -> Vec<Pool> {
    let pool = |service: &ServicePlan| {
        let kept = elder.and_then(|elder| {
            let mut services = elder.plan.services.iter().zip(&elder.pools);
            services.find(|(before, _)| before.name == service.name)
        });
        kept.map(|(_, pool)| pool.shared()).unwrap_or_default()
    };
    plan.services.iter().map(pool).collect()
}

/// By route: what is kept of answers of the same service.
pub(super) fn caches(plan: &Plan, elder: Option<&Hub>) -> Caches {
    let service = |plan: &Plan, route: &RoutePlan| {
        let service = plan.services.get(route.service);
        service.map(|service| Arc::clone(&service.name))
    };
    let cache = |route: &RoutePlan| {
        let settings = route.cache.as_ref()?;
        let kept = elder.and_then(|elder| {
            let mut routes = elder.plan.routes.iter().enumerate();
            let (index, before) = routes.find(|(_, before)| before.name == route.name)?;
            let same = before.cache.as_ref() == Some(settings)
                && service(&elder.plan, before) == service(plan, route);
            elder.caches.of(index).filter(|_| same).map(Arc::clone)
        });
        Some(kept.unwrap_or_else(|| Arc::new(RouteCache::new(settings))))
    };
    Caches::new(plan.routes.iter().map(cache).collect())
}

/// By route: its canary, with what is known of it. One that went back stays back as long as the file
/// says the same of it.
pub(super) fn splits(plan: &Plan, elder: Option<&Hub>) -> Vec<Option<Arc<Split>>> {
    let split = |route: &RoutePlan| {
        let settings = route.split.as_ref()?;
        let kept = elder.and_then(|elder| {
            let mut routes = elder.plan.routes.iter().zip(&elder.splits);
            let (before, split) = routes.find(|(before, _)| before.name == route.name)?;
            let split = split.as_ref()?;
            (before.split.as_ref() == Some(settings)).then(|| Arc::clone(split))
        });
        Some(kept.unwrap_or_else(|| Arc::new(Split::new(settings))))
    };
    plan.routes.iter().map(split).collect()
}

/// By route: how much of the optional work is left out.
pub(super) fn dimmers(plan: &Plan, elder: Option<&Hub>) -> Vec<Option<Arc<Dimmer>>> {
    let dimmer = |route: &RoutePlan| {
        let settings = route.brownout?;
        let kept = elder.and_then(|elder| {
            let mut routes = elder.plan.routes.iter().zip(&elder.dimmers);
            let (before, dimmer) = routes.find(|(before, _)| before.name == route.name)?;
            dimmer.clone().filter(|_| before.brownout == Some(settings))
        });
        // A valid file has valid brownouts.
        kept.or_else(|| Dimmer::new(settings).map(Arc::new).ok())
    };
    plan.routes.iter().map(dimmer).collect()
}

/// By route: how long requests take, where second endpoints are asked.
pub(super) fn hedges(plan: &Plan, elder: Option<&Hub>) -> Vec<Option<Arc<HedgePolicy>>> {
    let hedge = |route: &RoutePlan| {
        let settings = route.hedge?;
        let kept = elder.and_then(|elder| {
            let mut routes = elder.plan.routes.iter().zip(&elder.hedges);
            let (before, hedge) = routes.find(|(before, _)| before.name == route.name)?;
            hedge.clone().filter(|_| before.hedge == Some(settings))
        });
        // A valid file has valid hedges.
        kept.or_else(|| HedgePolicy::new(settings).map(Arc::new).ok())
    };
    plan.routes.iter().map(hedge).collect()
}
