//! The configuration as the data threads use it: indexes instead of names.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use ninefold_config::model::{
    self, Balance, Breaker, Bulkhead, Cache, Criticality, File, Limits, Listener, LocalFirst, Name,
    Overload, Protocol, ProxyVersion, RateLimit, Redundancy, Retry, Route, Service, ServiceKind,
    ServiceProtocol, Span, Split,
};
use ninefold_core::balance::{LocalityRules, Wanted};
use ninefold_core::ejection::EjectionRules;
use ninefold_core::policy::{DimmerConfig, HedgeConfig};

use crate::certificate::CertificateError;
use crate::checks::CheckPlan;
use crate::fallback::{Fallback, FallbackError, Fixed};
use crate::guard::GuardLimits;
use crate::places::Places;
use crate::strict::HeadLimits;
use crate::table::RouteTable;
use crate::upstream::UpstreamTls;

/// The name under which requests without a route are counted.
pub(crate) const NO_ROUTE: &str = "none";

/// Everything that does not change while the gateway runs.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) listeners: Vec<ListenerPlan>,
    pub(crate) routes: Vec<RoutePlan>,
    pub(crate) services: Vec<ServicePlan>,
    /// None where the gateway is in no zone.
    pub(crate) places: Option<Places>,
    /// Where connections to loopback come from, if not from where the system chooses.
    pub(crate) source: Option<Ipv4Addr>,
}

#[derive(Debug)]
pub(crate) struct ListenerPlan {
    pub(crate) limits: Limits,
    pub(crate) guard: GuardLimits,
    pub(crate) tls: bool,
    pub(crate) trust_forwarded: bool,
    pub(crate) proxy_protocol: bool,
    /// Index of the route, if plain TCP is spoken.
    pub(crate) tcp: Option<usize>,
    pub(crate) table: RouteTable,
}

#[derive(Debug)]
pub(crate) struct RoutePlan {
    pub(crate) name: Arc<str>,
    /// Index of the service.
    pub(crate) service: usize,
    /// The services that its requests may reach, and the how-manieth route of each this is.
    slots: Vec<(usize, usize)>,
    pub(crate) timeout: Duration,
    pub(crate) try_timeout: Duration,
    pub(crate) retry: Option<Retry>,
    pub(crate) criticality: Criticality,
    pub(crate) rate_limit: Option<RateLimit>,
    pub(crate) bulkhead: Option<Bulkhead>,
    pub(crate) hedge: Option<HedgeConfig>,
    pub(crate) fallback: Option<Fallback>,
    pub(crate) cache: Option<Cache>,
    pub(crate) split: Option<Split>,
    pub(crate) brownout: Option<DimmerConfig>,
    /// Index of the canary.
    pub(crate) canary: Option<usize>,
    /// Which gets copies: its index, and the share of the requests.
    pub(crate) mirror: Option<(usize, f64)>,
    /// How its answers are checked.
    pub(crate) checks: Option<Arc<CheckPlan>>,
    /// Bytes of a body that are kept, so that it can be sent again.
    pub(crate) keep_max: u64,
    pub(crate) send_proxy_protocol: Option<ProxyVersion>,
    /// Bounds in nanoseconds that the latency histogram must have exactly.
    pub(crate) thresholds: Vec<u64>,
}

#[derive(Debug)]
pub(crate) struct ServicePlan {
    pub(crate) name: Arc<str>,
    pub(crate) rules: EjectionRules,
    pub(crate) balance: Balance,
    pub(crate) wanted: Wanted,
    /// How traffic stays near; none where all endpoints are equally far.
    pub(crate) locality: Option<LocalityRules>,
    /// By place, the weight of the endpoints that there should be.
    pub(crate) wanted_at: Vec<f64>,
    pub(crate) slow_start: Duration,
    pub(crate) connect_timeout: Duration,
    /// To each endpoint at most.
    pub(crate) connections: Option<u32>,
    pub(crate) active_passive: bool,
    /// Whether Ninefold only routes to it.
    pub(crate) external: bool,
    pub(crate) overload: Option<Overload>,
    pub(crate) breaker: Option<Breaker>,
    pub(crate) http2: bool,
    pub(crate) tls: Option<Arc<UpstreamTls>>,
    /// Names of the routes to it, by slot.
    pub(crate) routes: Vec<Arc<str>>,
}

impl Plan {
    /// A route and its service.
    pub(crate) fn route(&self, index: usize) -> Option<(&RoutePlan, &ServicePlan)> {
        let route = self.routes.get(index)?;
        Some((route, self.services.get(route.service)?))
    }

    /// A route and one of the services that its requests may reach.
    pub(crate) fn target(
        &self,
        route: usize,
        service: usize,
    ) -> Option<(&RoutePlan, &ServicePlan)> {
        Some((self.routes.get(route)?, self.services.get(service)?))
    }

    /// Makes the plan of a file.
    ///
    /// # Errors
    ///
    /// If the body of a fallback cannot be read.
    pub(crate) fn new(file: &File) -> Result<Self, FallbackError> {
        let places = Places::new(file);
        let service = |(name, service): (&Name, &Service)| {
            let mut plan = ServicePlan::new(name.shared(), service);
            if let Some(places) = &places {
                plan.locality = plan.locality_of(service);
                plan.wanted_at = places.wanted(file, service);
            }
            plan
        };
        let mut services: Vec<ServicePlan> = file.services.iter().map(service).collect();
        let index: BTreeMap<Arc<str>, usize> = services
            .iter()
            .enumerate()
            .map(|(index, service)| (Arc::clone(&service.name), index))
            .collect();
        let index = |name: &str| index.get(name).copied().unwrap_or(usize::MAX);
        let mut routes = Vec::new();
        let mut listeners = Vec::new();
        for listener in &file.listeners {
            let mut table = RouteTable::default();
            let tcp = (listener.protocol == Protocol::Tcp).then_some(routes.len());
            for route in &listener.routes {
                table.add(route, routes.len());
                let mut plan = RoutePlan::new(file, route, &index)?;
                for service in route.services().map(|name| index(name)) {
                    if let Some(of) = services.get_mut(service) {
                        of.routes.push(route.name.shared());
                        plan.slots.push((service, of.routes.len() - 1));
                    }
                }
                routes.push(plan);
            }
            listeners.push(ListenerPlan::new(listener, table, tcp));
        }
        Ok(Self {
            listeners,
            routes,
            services,
            places,
            source: file.node.source,
        })
    }
}

impl RoutePlan {
    fn new(
        file: &File,
        route: &Route,
        index: &impl Fn(&str) -> usize,
    ) -> Result<Self, FallbackError> {
        let fallback = match &route.fallback {
            None => None,
            Some(model::Fallback::Service(name)) => Some(Fallback::Service(index(name))),
            Some(model::Fallback::Answer(answer)) => Some(Fallback::Fixed(Fixed::load(
                answer,
                &route.name,
                &file.folder(),
            )?)),
        };
        let again = Retry::default().body_size.0;
        let again = matches!(fallback, Some(Fallback::Service(_))).then_some(again);
        let keep_max = route.retry.as_ref().map(|retry| retry.body_size.0);
        Ok(Self {
            name: route.name.shared(),
            service: index(&route.service),
            slots: Vec::new(),
            timeout: route.timeout.0,
            try_timeout: route.try_timeout.0,
            retry: route.retry.clone(),
            criticality: route.criticality,
            rate_limit: route.rate_limit.clone(),
            bulkhead: route.bulkhead.clone(),
            keep_max: keep_max.or(again).unwrap_or(0),
            hedge: route.hedge.as_ref().map(hedge),
            fallback,
            cache: route.cache.clone(),
            canary: route.split.as_ref().map(|split| index(&split.service)),
            split: route.split.clone(),
            brownout: route.brownout.as_ref().map(brownout),
            mirror: route
                .mirror
                .as_ref()
                .map(|mirror| (index(&mirror.service), mirror.share.as_f64())),
            checks: CheckPlan::new(route),
            send_proxy_protocol: route.send_proxy_protocol,
            thresholds: thresholds(file, &route.name),
        })
    }

    /// Whether a service is the route's own or its canary, and does not just stand in.
    pub(crate) fn is_own(&self, service: usize) -> bool {
        self.service == service || self.canary == Some(service)
    }

    /// The how-manieth route of a service this is.
    pub(crate) fn slot(&self, service: usize) -> Option<usize> {
        let mut slots = self.slots.iter();
        slots.find(|(of, _)| *of == service).map(|(_, slot)| *slot)
    }

    /// What of a request's time is kept for another service: one try, as far as the first try does
    /// not need it, which has a tenth more until it is connected.
    pub(crate) fn reserve(&self, timeout: Duration) -> Duration {
        match &self.fallback {
            Some(Fallback::Service(_)) => {
                let left = timeout.saturating_sub(self.try_timeout.mul_f64(1.1));
                left.min(self.try_timeout)
            }
            _ => Duration::ZERO,
        }
    }
}

impl Plan {
    /// Reads the certificates that the services need.
    pub(crate) fn secure(&mut self, file: &File) -> Result<(), CertificateError> {
        let services = self.services.iter_mut().zip(file.services.values());
        for (plan, service) in services {
            plan.tls = UpstreamTls::load(service, &file.folder())?;
        }
        Ok(())
    }
}

impl ListenerPlan {
    fn new(listener: &Listener, table: RouteTable, tcp: Option<usize>) -> Self {
        let limits = listener.limits.clone();
        Self {
            guard: GuardLimits {
                head: HeadLimits {
                    size: usize::try_from(limits.head_size.0).unwrap_or(usize::MAX),
                    headers: limits.headers,
                },
                head_time: limits.head_time.0,
                idle: limits.idle.0,
                body_pause: limits.body_pause.0,
                body_rate_min: limits.body_rate_min.0,
            },
            limits,
            tls: !listener.tls.is_empty(),
            trust_forwarded: listener.trust_forwarded,
            proxy_protocol: listener.proxy_protocol,
            tcp,
            table,
        }
    }
}

impl ServicePlan {
    fn new(name: Arc<str>, service: &Service) -> Self {
        let (active_passive, primaries, backups) = match &service.kind {
            ServiceKind::Supervised(supervised) => {
                let passive = supervised.redundancy == Redundancy::ActivePassive;
                (passive, supervised.replicas as usize, 0)
            }
            ServiceKind::External(external) => {
                let all = external.endpoints.len();
                let backups = external.endpoints.iter().filter(|one| one.backup).count();
                (false, all - backups, backups)
            }
        };
        Self {
            name,
            rules: service.ejection.rules(),
            balance: service.balance.clone(),
            wanted: Wanted {
                primaries,
                backups,
                threshold: service.panic_threshold.as_f64(),
                when_too_few: service.when_too_few,
            },
            locality: None,
            wanted_at: Vec::new(),
            slow_start: service.slow_start.0,
            connect_timeout: service.connect_timeout.0,
            connections: service.connections,
            active_passive,
            external: matches!(service.kind, ServiceKind::External(_)),
            overload: service.overload.clone(),
            breaker: service.breaker.clone(),
            http2: service.protocol == ServiceProtocol::Http2,
            tls: None,
            routes: Vec::new(),
        }
    }

    /// How its traffic stays near, in a gateway that is in a zone.
    fn locality_of(&self, service: &Service) -> Option<LocalityRules> {
        let local = service.local_first.as_ref();
        // A standby takes over wherever it is.
        let local = local.filter(|_| !self.active_passive);
        local.map(LocalFirst::rules)
    }
}

/// How far back latencies count for hedges: as far as for the comparison of endpoints.
const HEDGE_WINDOW: Span = Span::secs(10);

fn hedge(hedge: &model::Hedge) -> HedgeConfig {
    HedgeConfig {
        quantile: hedge.quantile,
        min_delay: hedge.min_delay,
        max_delay: hedge.max_delay,
        min_samples: hedge.samples,
        window: HEDGE_WINDOW,
        ..HedgeConfig::default()
    }
}

/// How often the share of a brownout moves, at most.
const DIM_EVERY: Span = Span::millis(500);

fn brownout(brownout: &model::Brownout) -> DimmerConfig {
    DimmerConfig {
        target: brownout.target,
        min_share: brownout.min_share,
        period: DIM_EVERY.max(brownout.target),
        ..DimmerConfig::default()
    }
}

fn thresholds(file: &File, route: &str) -> Vec<u64> {
    file.slos
        .values()
        .filter(|slo| &*slo.route == route)
        .filter_map(|slo| slo.latency)
        .map(|latency| ninefold_core::time::nanos(latency.under.0))
        .collect()
}
