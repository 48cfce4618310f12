//! What the gateway counted: sums over its threads since it started.

use std::sync::Arc;
use std::time::Duration;

use ninefold_core::address::Address;
use ninefold_core::balance::WhenTooFew;
use ninefold_core::id::InstanceId;
use ninefold_core::observation::{Ballot, CallerReport, EjectionGround};
use ninefold_core::policy::Criticality;
use ninefold_core::status::Rotation;
use serde::{Deserialize, Serialize};

use crate::cache::CacheResult;
use crate::checks::Checked;
use crate::fallback::FallbackCause;
use crate::fleet::Cause;
use crate::meter::Histogram;
use crate::mirror::Mirrored;
use crate::request_end::RequestEnd;

/// All counters at one moment.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Counters {
    /// By listener, in the order of the file.
    pub listeners: Vec<ListenerCounters>,
    /// By route in the order of the file; the last one, `none`, holds what reached no route.
    pub routes: Vec<RouteCounters>,
    /// By service whose overload is looked at, in the order of their names.
    pub services: Vec<ServiceCounters>,
    /// By service with a breaker, in the order of their names.
    #[serde(default)]
    pub breakers: Vec<BreakerCounters>,
    /// By service, in the order of their names. Only the present gateway's own word counts, so that
    /// nobody passes it on.
    #[serde(skip)]
    pub pools: Vec<PoolCounters>,
    /// By endpoint that was ever published.
    pub endpoints: Vec<EndpointCounters>,
    /// Lines that the access logs dropped because the disk was too slow or full.
    pub access_log_dropped: u64,
}

/// One listener.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ListenerCounters {
    /// The address it is bound to.
    pub address: Address,
    /// Connections open now.
    pub connections_open: u64,
    /// Connections accepted.
    pub connections_total: u64,
    /// Connections closed at once because the limit was reached.
    pub refused: u64,
    /// Times that the system could not accept, as in "too many open files".
    pub accept_errors: u64,
    /// TLS handshakes that failed or took too long.
    pub handshakes_failed: u64,
}

/// One route. `requests` is the sum of `ok`, `failed`, `cancelled` and `refused` and of what is
/// under way.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RouteCounters {
    /// The route's name; `none` for requests that reached no route.
    pub route: Arc<str>,
    /// The service behind it; empty for `none`.
    pub service: Arc<str>,
    /// Requests that began.
    pub requests: u64,
    /// A final status below 500 was delivered.
    pub ok: u64,
    /// A status of 500 or above, of the service or the gateway, or an answer that broke off.
    pub failed: u64,
    /// The client left first, or did not allow the time that the route gives one try.
    pub cancelled: u64,
    /// A 4xx made by the gateway: malformed, over a limit, no route.
    pub refused: u64,
    /// Of `ok`: requests with a failed attempt.
    pub masked: u64,
    /// Requests that asked instances to leave the optional part of their answer out.
    #[serde(default)]
    pub dimmed: u64,
    /// The share of requests that get the optional part now; none without a brownout.
    #[serde(default)]
    pub optional_share: Option<f64>,
    /// Requests that an injected fault hit, however they ended. They are not in `latency`.
    #[serde(default)]
    pub injected: u64,
    /// Of `failed`: requests that an injected fault hit.
    #[serde(default)]
    pub injected_failed: u64,
    /// Requests that got an answer below 500 from the service or its fallback; these are in
    /// `latency`.
    pub answered: u64,
    /// From the request's head to the answer's head.
    pub latency: Histogram,
    /// Of `refused`: requests that came too often.
    pub rate_limited: u64,
    /// The shares of its clients or tenants; none on a route without a bulkhead.
    #[serde(default)]
    pub bulkhead: Option<BulkheadCounters>,
    /// Of `failed`, `cancelled` and `refused`: who ended them, in which phase, and why.
    #[serde(default)]
    pub ends: Vec<(RequestEnd, u64)>,
    /// Of `ends`: requests for which no endpoint was asked, as none might be.
    #[serde(default)]
    pub unserved: Vec<(RequestEnd, u64)>,
    /// Requests that a fallback answered, by why it did; below 500 they are `ok`.
    pub fallbacks: Vec<(FallbackCause, u64)>,
    /// What its cache holds and did; none on a route without one.
    pub cache: Option<CacheCounters>,
    /// How its canary does; none on a route without one.
    pub split: Option<SplitCounters>,
    /// Copies for another service, by what became of them; none on a route without a mirror.
    #[serde(default)]
    pub mirrored: Vec<(Mirrored, u64)>,
    /// Checks of answers, by what came of them; none on a route without any.
    #[serde(default)]
    pub checked: Vec<(Checked, u64)>,
    /// Attempts after the first one.
    pub retries: u64,
    /// Retries that the budget did not allow.
    pub retries_denied: u64,
    /// Second attempts beside slow ones.
    pub hedges: u64,
    /// Those of them whose answer was taken.
    pub hedges_won: u64,
    /// How slow a request has to be for a second attempt, where that is known.
    pub hedge_delay: Option<Duration>,
    /// Bytes of request bodies.
    pub bytes_in: u64,
    /// Bytes of answers' bodies.
    pub bytes_out: u64,
}

/// A service and the canary beside it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SplitCounters {
    /// The canary.
    pub service: Arc<str>,
    /// Requests that the canary ended, and of these failed ones.
    pub canary: (u64, u64),
    /// Requests that the route's own service ended beside it, and of these failed ones.
    pub main: (u64, u64),
    /// Why the canary gets nothing more, if that is so.
    pub rolled_back: Option<String>,
}

/// The places of a route, which its clients or tenants share.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BulkheadCounters {
    /// All places.
    pub places: u64,
    /// Requests that have one.
    pub in_flight: u64,
    /// Shards.
    pub shards: u64,
    /// Of these: without a free place.
    pub full: u64,
    /// Requests that were refused because their key used far more than others.
    pub refused_key: u64,
    /// Requests that were refused because most keys' places were taken.
    pub refused_all: u64,
}

/// The cache of one route.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CacheCounters {
    /// Bytes that are kept now.
    pub bytes: u64,
    /// Answers that are kept now.
    pub entries: u64,
    /// Requests by how it took part, in the order of [`CacheResult::ALL`].
    pub requests: [u64; 5],
}

impl CacheCounters {
    /// Requests in which it took part like this.
    #[must_use]
    pub fn count(&self, result: CacheResult) -> u64 {
        self.requests.get(result as usize).copied().unwrap_or(0)
    }
}

/// How a service is kept from more than it can do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ServiceCounters {
    /// The service's name.
    pub service: Arc<str>,
    /// Requests that may be under way now.
    pub limit: u64,
    /// Requests under way.
    pub in_flight: u64,
    /// Requests that wait for a place.
    pub waiting: u64,
    /// Requests that were refused, by criticality.
    pub refused: Vec<(Criticality, u64)>,
    /// Requests that waited for a place, whether they got one or not.
    #[serde(default)]
    pub queued: u64,
    /// How long they waited together, in nanoseconds.
    #[serde(default)]
    pub queued_ns: u64,
    /// What callers that ask are told now: 0 lets all in, 512 nobody.
    #[serde(default)]
    pub level: f64,
}

/// The breaker of a service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BreakerCounters {
    /// The service's name.
    pub service: Arc<str>,
    /// `closed`, `open` or `half_open`.
    pub state: String,
    /// Requests within its window.
    pub calls: u64,
    /// Of these: failed ones.
    pub failed: u64,
    /// While it is open, how long until some requests try the service.
    pub left: Option<Duration>,
    /// How often it opened, also after trials that failed.
    pub opened: u64,
    /// Requests that were refused because it was open.
    pub refused: u64,
}

/// Who takes a service's traffic now.
#[derive(Clone, Debug, PartialEq)]
pub struct PoolCounters {
    /// The service's name.
    pub service: Arc<str>,
    /// How an endpoint is chosen: the algorithm's name.
    pub balance: &'static str,
    /// Endpoints in rotation, of those that should be.
    pub in_rotation: u64,
    /// How many should be.
    pub of: u64,
    /// Whether these are the backups.
    pub backups: bool,
    /// Whether they are too few.
    pub too_few: bool,
    /// What follows from that.
    pub when_too_few: WhenTooFew,
    /// Of those in rotation: those that say they are degraded while others do not.
    pub degraded: u64,
    /// The share of the traffic that these take, 0 to 1.
    pub degraded_share: f64,
    /// By zone, the gateway's own first; empty where all endpoints are equally far.
    pub zones: Vec<ZoneCounters>,
}

/// What one zone takes of a service's traffic in this gateway.
#[derive(Clone, Debug, PartialEq)]
pub struct ZoneCounters {
    /// The zone; none for endpoints without one.
    pub zone: Option<Arc<str>>,
    /// Its region, if it is in one.
    pub region: Option<Arc<str>>,
    /// The share of the gateway's requests that goes there, 0 to 1.
    pub share: f64,
    /// The weight of the endpoints in rotation there.
    pub in_rotation: f64,
    /// The weight of those that should be.
    pub of: f64,
}

/// One endpoint.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct EndpointCounters {
    /// Which one.
    pub instance: InstanceId,
    /// How attempts ended, cumulative. An answer whose body broke off counts as `answered` and as
    /// `reset`.
    pub report: CallerReport,
    /// Its part in the choice now, as far as live traffic decides about it.
    pub rotation: Rotation,
    /// Why it was ejected, while it is.
    pub ejection: Option<Arc<str>>,
    /// How often it was ejected, by cause.
    pub ejections: [(Cause, u64); 4],
    /// Attempts without an answer now.
    pub in_flight: u64,
    /// Attempts on kept connections that had died meanwhile and were repeated at once.
    pub stale: u64,
    /// Connections that were made.
    pub connects: u64,
    /// Copies of requests that it got because the balancer leaves it out.
    #[serde(default)]
    pub shadows: u64,
    /// By route: requests that met a failed attempt here and failed, or succeeded all the same.
    pub impact: Vec<(Arc<str>, u64, u64)>,
    /// By route: how the hurt ones ended, as far as there are any.
    #[serde(default)]
    pub ends: Vec<(Arc<str>, RequestEnd, u64)>,
}

impl EndpointCounters {
    /// Whether it is ejected now, or tried by canaries only.
    #[must_use]
    pub const fn ejected(&self) -> bool {
        matches!(self.rotation, Rotation::Ejected | Rotation::Canary)
    }
}

/// Something the control plane should know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// The gateway took an endpoint out of rotation.
    Ejected {
        /// Which one.
        instance: InstanceId,
        /// Why, in words.
        reason: String,
        /// What that is by kind.
        ground: EjectionGround,
        /// For how long.
        duration: Duration,
    },
    /// A canary certainly failed more often than the service beside it, and gets nothing more.
    RolledBack {
        /// The route.
        route: Arc<str>,
        /// The canary.
        service: Arc<str>,
        /// Why, in words.
        reason: String,
    },
    /// Clients or tenants of a route find no place, or all find one again.
    Bulkhead {
        /// The route.
        route: Arc<str>,
        /// Shards without a place at this moment, of all.
        full: (u32, u32),
        /// Once nothing is refused any more, how many requests were.
        refused: Option<u64>,
    },
    /// The breaker of a service opened, tries the service, or closed.
    Breaker {
        /// The service.
        service: Arc<str>,
        /// What it is now: `open`, `half_open` or `closed`.
        state: &'static str,
    },
    /// An endpoint answered a canary in full.
    Canary {
        /// Which endpoint.
        instance: InstanceId,
        /// Which canary, as in `GET /items/1`.
        canary: Arc<str>,
        /// What was expected and what came, if that was not the known answer.
        wrong: Option<String>,
    },
    /// An answer was compared with those of others.
    Vote {
        /// Whose.
        instance: InstanceId,
        /// Where it stood.
        ballot: Ballot,
        /// Who answered what; empty where all agree.
        said: Arc<str>,
    },
    /// An endpoint is back in rotation: canaries acquitted it, or nothing else was left.
    Readmitted {
        /// Which one.
        instance: InstanceId,
    },
}

/// How a drain ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DrainReport {
    /// How long it took.
    pub took: Duration,
    /// Connections that were open at its end; 0 if all ended in time.
    pub connections_left: u64,
}
