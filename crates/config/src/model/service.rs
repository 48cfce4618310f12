//! `[service.NAME]`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use ninefold_core::balance::LocalityRules;
use ninefold_core::ejection::{EjectionRules, LatencyRules, SuccessRules};

use super::{Breaker, Health, Name, Ratio, Source, Span, WhenTooFew};

/// One service.
#[derive(Clone, Debug, PartialEq)]
pub struct Service {
    /// Whether Ninefold starts it.
    pub kind: ServiceKind,
    /// `health`.
    pub health: Health,
    /// `ejection`: passive health checks by live traffic.
    pub ejection: Ejection,
    /// `overload`. `"off"` is `None`.
    pub overload: Option<Overload>,
    /// `breaker`: when the service as a whole is no longer asked. Default: never.
    pub breaker: Option<Breaker>,
    /// `balance`: which endpoint a request goes to. Default `p2c`.
    pub balance: Balance,
    /// `when_too_few`: what happens when fewer endpoints are in rotation than `panic_threshold`
    /// wants, or none. Default `degraded`.
    pub when_too_few: WhenTooFew,
    /// `panic_threshold`: the share of all endpoints. Default 0 %: only when none is left.
    pub panic_threshold: Ratio,
    /// `local_first`: how traffic stays in the node's own zone, if it has one. `"off"` is `None`.
    pub local_first: Option<LocalFirst>,
    /// `slow_start`: how long a newcomer's share grows from 10 % to full. Default 0 s: off.
    pub slow_start: Span,
    /// `connect_timeout`. Default 500 ms.
    pub connect_timeout: Span,
    /// `connections`: to each endpoint at most, over all data threads. Default: as many as it takes.
    pub connections: Option<u32>,
    /// `protocol`: what its instances speak. Default HTTP/1.1.
    pub protocol: ServiceProtocol,
    /// `tls`: how its instances are spoken to. Default: in plain text.
    pub tls: Option<ServiceTls>,
}

/// `protocol`: what the instances of a service speak.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ServiceProtocol {
    /// `http1`: HTTP/1.1.
    #[default]
    Http1,
    /// `http2`: HTTP/2, without TLS by prior knowledge. gRPC needs it.
    Http2,
}

/// `tls`: TLS towards the instances of a service.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServiceTls {
    /// `ca`: a PEM file of the authorities that are believed. Default: those of this host.
    pub ca: Option<PathBuf>,
    /// `certificate`: the gateway's own, for endpoints that ask for one; with `key`.
    pub certificate: Option<PathBuf>,
    /// `key`: that of `certificate`.
    pub key: Option<PathBuf>,
    /// `server_name`: whose certificate is expected. Default: the endpoint's host.
    pub server_name: Option<String>,
}

/// Started by Ninefold, or only routed to.
#[derive(Clone, Debug, PartialEq)]
pub enum ServiceKind {
    /// It has `run`.
    Supervised(Box<Supervised>),
    /// It has `endpoints`.
    External(External),
}

/// A service that Ninefold starts.
#[derive(Clone, Debug, PartialEq)]
pub struct Supervised {
    /// `run`: program and arguments. `{address}` (`127.0.0.1:PORT`), `{host}`, `{port}`,
    /// `{service}`, `{instance}`, `{ordinal}`, `{zone}`, and `{address.NAME}` (the address of the
    /// first listener that routes to service NAME) are filled in. A program with a `/` that is not
    /// absolute is relative to the file's folder.
    pub run: Vec<String>,
    /// `prepare`: a command that must succeed before the first start, once per `up` (the same
    /// command of several services runs once). For builds and migrations.
    pub prepare: Option<Vec<String>>,
    /// `replicas`. Default 1.
    pub replicas: u32,
    /// `redundancy`. Default active-active.
    pub redundancy: Redundancy,
    /// `spread`: over which failure domain replicas are spread. Default: `zone` if the cluster has
    /// zones, else none.
    pub spread: Spread,
    /// `max_per_zone`: replicas in one zone at most. Default: no limit but evenness.
    pub max_per_zone: Option<u32>,
    /// `min_ready`: instances without which the service is out. Default 1. "Failures left" counts
    /// down to it.
    pub min_ready: u32,
    /// `directory`: the working directory. Default: the file's folder.
    pub directory: Option<PathBuf>,
    /// `env`: added to the environment. Placeholders as in `run`.
    pub env: BTreeMap<String, String>,
    /// `env_file`: `NAME=value` lines, read at each start; `env` overrides it.
    pub env_file: Option<PathBuf>,
    /// `user`: to run as, if Ninefold runs as root.
    pub user: Option<String>,
    /// `version`: of the program, where the command does not say it. Another one replaces the instances.
    pub version: Option<String>,
    /// `stop`.
    pub stop: Stop,
    /// `restart`.
    pub restart: Restart,
}

/// A service that runs elsewhere.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct External {
    /// `endpoints`: at least one, or none where they have a source. A text is short for
    /// `{ address = "…" }`.
    pub endpoints: Vec<Endpoint>,
    /// `endpoints`, where they come and go.
    pub source: Option<Source>,
}

/// One endpoint of an external service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// `address`: `host:port`. A host name is resolved at start.
    pub address: String,
    /// `zone`.
    pub zone: Option<Name>,
    /// `weight`: its share of traffic beside the others'. Default 1.
    pub weight: u32,
    /// `backup`: it takes traffic only while no other endpoint is in rotation.
    pub backup: bool,
}

/// `balance`: which endpoint a request goes to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Balance {
    /// `p2c`: the better of two drawn at random, by latency and load.
    #[default]
    P2c,
    /// `least-request`: the one of two drawn at random that has fewer requests under way.
    LeastRequest,
    /// `round-robin`: each in turn.
    RoundRobin,
    /// `prequal`: by what endpoints say of their load when they are asked.
    Prequal(PrequalBalance),
    /// `ring-hash`, `maglev`: the same key goes to the same endpoint.
    Hash(HashBalance),
}

impl Balance {
    /// The algorithm, as it is written.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::P2c => "p2c",
            Self::LeastRequest => "least-request",
            Self::RoundRobin => "round-robin",
            Self::Prequal(_) => "prequal",
            Self::Hash(HashBalance { maglev: false, .. }) => "ring-hash",
            Self::Hash(HashBalance { maglev: true, .. }) => "maglev",
        }
    }
}

/// A balance by reports of load.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrequalBalance {
    /// `probe`: the path at which endpoints say how much they have to do.
    pub probe: Arc<str>,
}

/// A balance by key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HashBalance {
    /// Whether it is Maglev's table; else a ring.
    pub maglev: bool,
    /// `key`. Default `client`.
    pub key: HashKey,
    /// `overload`: an endpoint takes at most so much more than its even share of what is under way.
    /// Default 25 %.
    pub overload: Ratio,
}

/// What requests of one kind have in common.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum HashKey {
    /// The client's address.
    #[default]
    Client,
    /// The path, without a query.
    Path,
    /// The value of this header. Requests without it are spread as by `p2c`.
    Header(String),
    /// The value of this cookie. Requests without it are spread as by `p2c`.
    Cookie(String),
}

/// `local_first`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalFirst {
    /// `spill_below`: below this share of the zone's endpoints in rotation it takes less than all
    /// traffic. Default 70 %.
    pub spill_below: Ratio,
}

impl LocalFirst {
    /// As it is decided by.
    #[must_use]
    pub fn rules(&self) -> LocalityRules {
        LocalityRules {
            factor: 1.0 / self.spill_below.as_f64().max(0.01),
        }
    }
}

impl Default for LocalFirst {
    fn default() -> Self {
        Self {
            spill_below: Ratio::percent(70),
        }
    }
}

/// How replicas share the work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Redundancy {
    /// `active-active`: all ready replicas take traffic.
    ActiveActive,
    /// `active-passive`: the ready replica with the lowest ordinal takes all traffic; the others
    /// run as hot standbys and take over when it is not ready.
    ActivePassive,
}

/// Where replicas may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spread {
    /// `none`: anywhere.
    None,
    /// `zone`: in turn over the cluster's zones.
    Zone,
}

/// `stop`: how an instance is stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stop {
    /// `signal`. Default `SIGTERM`. Written with or without `SIG`; here the number.
    pub signal: i32,
    /// `grace`: from the signal to SIGKILL. Default 10 s.
    pub grace: Span,
    /// `drain`: at most this long its requests in flight may end before the signal. Default 5 s.
    pub drain: Span,
}

/// `restart`: what follows an exit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restart {
    /// `backoff_min`: the first wait, with jitter. Default 100 ms.
    pub backoff_min: Span,
    /// `backoff_max`. Waits double up to here. Default 30 s.
    pub backoff_max: Span,
    /// `budget`: restarts within `within` before it counts as a crash loop. Default 5.
    pub budget: u32,
    /// `within`. Default 1 m.
    pub within: Span,
    /// `crash_loop_every`: how often a crash loop is retried. Default 30 s.
    pub crash_loop_every: Span,
}

/// `ejection`: when live traffic takes an endpoint out of rotation, and how it comes back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ejection {
    /// `failures`: consecutive failed attempts. Default 5; 0 turns all of ejection off.
    pub failures: u32,
    /// `gateway_failures`: consecutive attempts without a connection, without an answer in time, or
    /// with 502 to 504. Default 3; 0 turns this rule off.
    pub gateway_failures: u32,
    /// `latency`: answers much slower than those of the peers. `off`, or a table.
    pub latency: Option<LatencyEjection>,
    /// `success_rate`: many more failures than the peers have. `off`, or a table.
    pub success_rate: Option<SuccessEjection>,
    /// `base`: the first ejection lasts so long, each further one twice as long. Requests that come to
    /// no harm by it try the endpoint so long after any. Default 1 s.
    pub base: Span,
    /// `max`. Default 3 s.
    pub max: Span,
    /// `max_share`: never more of a service at once; one of two or more may always be ejected, the
    /// last never. Default 50 %.
    pub max_share: Ratio,
    /// `canary`: the share of requests that tries an endpoint after its ejection. Default 10 %.
    pub canary: Ratio,
}

impl Ejection {
    /// As it is decided by.
    #[must_use]
    pub fn rules(&self) -> EjectionRules {
        EjectionRules {
            failures: self.failures,
            gateway_failures: self.gateway_failures,
            latency: self.latency.as_ref().map(|latency| LatencyRules {
                factor: f64::from(latency.factor),
                samples: latency.samples,
            }),
            success: self.success_rate.as_ref().map(|success| SuccessRules {
                below: success.below.as_f64(),
                samples: success.samples,
            }),
            base: self.base.0,
            max: self.max.0,
            max_share: self.max_share.as_f64(),
            canary: self.canary.as_f64(),
        }
    }
}

/// `ejection.latency`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LatencyEjection {
    /// `factor`: most answers take longer than the pool's median times this. Default 3.
    pub factor: u32,
    /// `samples`: answers without which nobody is judged. Default 5.
    pub samples: u32,
}

/// `ejection.success_rate`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SuccessEjection {
    /// `below`: certainly fewer of its attempts succeed, and it fails more than twice as often as
    /// the pool. Default 80 %.
    pub below: Ratio,
    /// `samples`: attempts without which nobody is judged. Default 10.
    pub samples: u32,
}

impl Default for LatencyEjection {
    fn default() -> Self {
        Self {
            factor: 3,
            samples: 5,
        }
    }
}

impl Default for SuccessEjection {
    fn default() -> Self {
        Self {
            below: Ratio::percent(80),
            samples: 10,
        }
    }
}

/// `overload`: how many requests may be under way at a service, and what becomes of the others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overload {
    /// `initial_limit`: requests under way before anything is learnt. Default 256; between
    /// `min_limit` and `max_limit`.
    pub initial_limit: u32,
    /// `min_limit`. Default 8.
    pub min_limit: u32,
    /// `max_limit`. Default 10,000.
    pub max_limit: u32,
    /// `max_waiting`: requests that wait. Default 1,000.
    pub max_waiting: u32,
    /// `max_wait`: the longest wait. Default 1 s.
    pub max_wait: Span,
}

impl Default for Overload {
    fn default() -> Self {
        Self {
            initial_limit: 256,
            min_limit: 8,
            max_limit: 10_000,
            max_waiting: 1_000,
            max_wait: Span::secs(1),
        }
    }
}

impl Default for Stop {
    fn default() -> Self {
        Self {
            signal: 15,
            grace: Span::secs(10),
            drain: Span::secs(5),
        }
    }
}

impl Default for Restart {
    fn default() -> Self {
        Self {
            backoff_min: Span::millis(100),
            backoff_max: Span::secs(30),
            budget: 5,
            within: Span::secs(60),
            crash_loop_every: Span::secs(30),
        }
    }
}

impl Default for Ejection {
    fn default() -> Self {
        Self {
            failures: 5,
            gateway_failures: 3,
            latency: Some(LatencyEjection::default()),
            success_rate: Some(SuccessEjection::default()),
            base: Span::secs(1),
            max: Span::secs(3),
            max_share: Ratio::percent(50),
            canary: Ratio::percent(10),
        }
    }
}
