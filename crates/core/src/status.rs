//! What `status` says, as one typed document: the admin API serves it, the CLI prints it, and
//! `verify` reads it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::event::{FaultNotice, Opinion};
use crate::id::InstanceId;
use crate::taxonomy::FailureClass;
use crate::time::Timestamp;

mod member;
mod release;
mod rotation;

pub use member::{
    GossipStatus, KeysStatus, KeysStep, MemberPath, MemberState, MemberStatus, SyncStatus,
};
pub use release::Release;
pub use rotation::Rotation;

/// The whole node at one moment.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct NodeStatus {
    /// The cluster's name.
    pub cluster: String,
    /// Ninefold's version.
    pub version: String,
    /// Ninefold's process id.
    pub pid: u32,
    /// When this Ninefold began.
    pub started: Timestamp,
    /// When this status was taken.
    pub at: Timestamp,
    /// A hash of the configuration.
    pub config: String,
    /// `starting`, `running` or `stopping`.
    pub phase: String,
    /// The listeners, as bound.
    pub listeners: Vec<ListenerStatus>,
    /// The services by name.
    pub services: Vec<ServiceStatus>,
    /// Which node of the cluster this is; none where it is alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// The nodes of the cluster as this one knows them, itself included; none where it is alone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub members: Vec<MemberStatus>,
    /// What this node has gossiped; none where it is alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gossip: Option<GossipStatus>,
    /// Every instance of every service.
    pub instances: Vec<InstanceStatus>,
    /// The routes by name.
    pub routes: Vec<RouteStatus>,
    /// The objectives by name.
    pub slos: Vec<SloStatus>,
    /// The incidents that go on, by id.
    pub open_incidents: Vec<String>,
    /// Measured reliability by failure class.
    pub reliability: Vec<ClassReliability>,
    /// What all observers' evidence amounts to, on those that are not well.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub opinions: Vec<Opinion>,
    /// Faults injected on purpose that have not ended.
    pub faults: Vec<FaultNotice>,
    /// What is wrong with Ninefold itself, as in a journal that cannot be written.
    pub degraded: Vec<String>,
}

/// One listener.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ListenerStatus {
    /// The address it is bound to.
    pub address: String,
    /// What is spoken there: `http`, `https`, `tcp`, or `tls` for `tcp` within TLS.
    pub scheme: String,
    /// Whether it speaks TLS.
    pub tls: bool,
    /// Whether it is for calls of this host's own services.
    #[serde(default)]
    pub egress: bool,
    /// Open downstream connections.
    pub connections: u64,
}

/// One service.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ServiceStatus {
    /// Its name.
    pub service: String,
    /// Whether Ninefold starts it.
    pub supervised: bool,
    /// How many instances it should have.
    pub desired: u32,
    /// How many are in routing.
    pub ready: u32,
    /// Ready instances that may still fail before the service is out.
    pub failures_left: u32,
    /// Whole zones that may still fail before the service is out.
    pub zone_failures_left: u32,
    /// The same of whole nodes; none where the node is alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node_failures_left: Option<u32>,
    /// How it is kept from more than it can do; none where that is off.
    pub overload: Option<OverloadStatus>,
    /// Its breaker; none where the service is always asked.
    #[serde(default)]
    pub breaker: Option<BreakerStatus>,
    /// Who takes its traffic.
    #[serde(default)]
    pub pool: PoolStatus,
    /// How its endpoints are found, where they come and go.
    #[serde(default)]
    pub source: Option<SourceStatus>,
}

/// How endpoints that come and go are found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SourceStatus {
    /// What is looked at, as in `dns db.example.org:80`.
    pub source: String,
    /// How many were found last.
    pub endpoints: u32,
    /// Why the last look found none, or not all; those of before stay.
    pub problem: Option<String>,
}

/// The breaker of a service.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BreakerStatus {
    /// `closed`, `open` or `half_open`.
    pub state: String,
    /// Requests within its window.
    pub calls: u64,
    /// Of these: failed.
    pub failed: u64,
    /// While it is open, milliseconds until some requests try the service.
    pub left_ms: Option<u64>,
    /// How often it opened since the gateway started, also after trials that failed.
    pub opened: u64,
    /// Requests that were refused because it was open, since the gateway started.
    pub refused: u64,
}

/// Who takes a service's traffic.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PoolStatus {
    /// How an endpoint is chosen: `p2c`, `least-request`, `round-robin`, `ring-hash`, `maglev` or
    /// `active-passive`.
    pub balance: String,
    /// Endpoints in rotation.
    pub in_rotation: u64,
    /// How many should be.
    pub of: u64,
    /// Whether these are the backups, because no other one is in rotation.
    pub backups: bool,
    /// While they are too few, what happens: `fail-open`, `fail-fast` or `degraded`.
    pub too_few: Option<String>,
    /// Of those in rotation: those that say they are degraded while others do not.
    #[serde(default)]
    pub degraded: u64,
    /// The share of the traffic that these take, 0 to 1: what the others cannot.
    #[serde(default)]
    pub degraded_share: f64,
    /// Where it goes, this node's own zone first; empty where all endpoints are equally far.
    #[serde(default)]
    pub zones: Vec<ZoneStatus>,
}

/// What one zone takes of a service's traffic through this node.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ZoneStatus {
    /// The zone; none for endpoints without one.
    pub zone: Option<String>,
    /// Its region, if it is in one.
    pub region: Option<String>,
    /// The share of the requests that goes there, 0 to 1.
    pub share: f64,
    /// The weight of the endpoints in rotation there.
    pub in_rotation: f64,
    /// The weight of those that should be.
    pub of: f64,
}

/// How a service is kept from more than it can do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OverloadStatus {
    /// Requests that may be under way, as found by their latency.
    pub limit: u64,
    /// Requests under way.
    pub in_flight: u64,
    /// Requests that wait for a place.
    pub waiting: u64,
    /// Requests that were refused since the gateway started.
    pub shed: u64,
}

/// One instance.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct InstanceStatus {
    /// Its service.
    pub service: String,
    /// Itself, as `service/ordinal`.
    pub instance: InstanceId,
    /// The node that runs it; none where the node is alone, and of an external endpoint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// Its zone, if it has one.
    pub zone: Option<String>,
    /// Where it listens.
    pub address: String,
    /// Its process; none for an external endpoint or while it does not run.
    pub pid: Option<u32>,
    /// The start time of its process in clock ticks since boot (field 22 of `/proc/PID/stat`),
    /// which with the pid names the process for good.
    pub pid_start: Option<u64>,
    /// What its process, or the last one that ran, was started from; none of an external endpoint, and of one that
    /// an older Ninefold started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release: Option<Release>,
    /// What it is doing.
    pub state: InstanceState,
    /// Why it is in that state, where that needs a word.
    pub reason: Option<String>,
    /// Since when.
    pub since: Timestamp,
    /// Starts after the first since this node began.
    pub restarts: u32,
    /// Whether the gateway ejected it, although it counts as ready; also while only canaries try it.
    pub ejected: bool,
    /// What share of the traffic it takes.
    #[serde(default)]
    pub rotation: Rotation,
    /// Why it was ejected, while it is.
    #[serde(default)]
    pub ejection: Option<String>,
    /// Why it is in quarantine, if it is: it answered wrongly, and a person decides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quarantine: Option<String>,
    /// Attempts in flight to it.
    pub in_flight: u64,
    /// What the classifier says is wrong with it, if anything.
    pub verdict: Option<FailureClass>,
}

/// The life of an instance.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum InstanceState {
    /// Its `prepare` command or its own start is under way, or its first probes have not passed.
    Starting,
    /// It may receive traffic.
    Ready,
    /// It runs and says, or is held, not to be ready.
    NotReady,
    /// It leaves routing and is being stopped.
    Stopping,
    /// It waits for its next start.
    BackingOff,
    /// It exits again and again and is retried slowly.
    CrashLoop,
    /// It was stopped.
    Stopped,
}

impl InstanceState {
    /// The name used in text and JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Ready => "ready",
            Self::NotReady => "not-ready",
            Self::Stopping => "stopping",
            Self::BackingOff => "backing-off",
            Self::CrashLoop => "crash-loop",
            Self::Stopped => "stopped",
        }
    }
}

/// Totals of one route since its counting began (they survive restarts).
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct RouteStatus {
    /// The route's name.
    pub route: String,
    /// The service behind it.
    pub service: String,
    /// Requests that ended.
    pub requests: u64,
    /// Of these: answered below 500 by the service, or by its fallback.
    pub ok: u64,
    /// Of these: failed for the client (a status of 500 or above, or no answer).
    pub failed: u64,
    /// Of these: ended by the client, or by its own deadline, before the answer.
    pub cancelled: u64,
    /// Of these: refused as malformed or over a limit.
    pub refused: u64,
    /// Requests that met a failure and succeeded all the same.
    pub masked: u64,
    /// Requests that asked instances to leave the optional part of their answer out, this run.
    #[serde(default)]
    pub dimmed: u64,
    /// The share of requests that get the optional part now; none without a brownout.
    #[serde(default)]
    pub optional_share: Option<f64>,
    /// Requests that a fault in the gateway hit, this run. They are not in the percentiles.
    #[serde(default)]
    pub injected: u64,
    /// Of `failed`: hit by a fault in the gateway, this run. They burn no error budget.
    #[serde(default)]
    pub injected_failed: u64,
    /// Requests that a fallback answered, this run; below 500 they are `ok`.
    #[serde(default)]
    pub fallbacks: u64,
    /// How requests ended that did not end well, this run; the most frequent first.
    #[serde(default)]
    pub ends: Vec<EndStatus>,
    /// The shares of its clients or tenants; none on a route without a bulkhead.
    #[serde(default)]
    pub bulkhead: Option<BulkheadStatus>,
    /// What its cache holds, and did this run; none on a route without one.
    #[serde(default)]
    pub cache: Option<CacheStatus>,
    /// Copies for another service; none on a route without a mirror.
    #[serde(default)]
    pub mirror: Option<MirrorStatus>,
    /// Its canary; none on a route without one.
    #[serde(default)]
    pub split: Option<SplitStatus>,
    /// The 50th percentile of the answers' time in seconds, this run.
    pub p50_seconds: f64,
    /// The 99th percentile of the answers' time in seconds, this run.
    pub p99_seconds: f64,
}

/// What became of the copies of a route's requests, this run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MirrorStatus {
    /// Answered, and not with an error of the service.
    pub ok: u64,
    /// Not answered, or with one.
    pub failed: u64,
    /// Refused, as the other service has more to do than it can, or fails.
    pub refused: u64,
    /// Not sent: the body was too large or not there, too many were under way, or the request itself
    /// was refused.
    pub skipped: u64,
}

/// Requests that did not end well, in the words of the access log and the metrics.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EndStatus {
    /// Who ended them: `client`, `gateway` or `upstream`.
    pub by: String,
    /// How far they had come: `head`, `route`, `queue`, `connect`, `send`, `wait`, `body` or `done`.
    pub phase: String,
    /// Why, in a word.
    pub cause: String,
    /// How many.
    pub requests: u64,
    /// The trace of a recent one, if any was recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<String>,
}

/// The places of a route, which its clients or tenants share.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BulkheadStatus {
    /// All places.
    pub places: u64,
    /// Requests that have one.
    pub in_flight: u64,
    /// Shards.
    pub shards: u64,
    /// Of these: without a free place.
    pub full: u64,
    /// Requests that were refused this run because their key used far more than others (429).
    pub refused_key: u64,
    /// Requests that were refused this run because most keys' places were taken (503).
    pub refused_all: u64,
}

/// The canary of a route.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SplitStatus {
    /// The canary.
    pub service: String,
    /// Requests that it ended.
    pub requests: u64,
    /// Of these: failed.
    pub failed: u64,
    /// Requests that the route's own service ended beside it.
    pub main_requests: u64,
    /// Of these: failed.
    pub main_failed: u64,
    /// Why it gets nothing more, if that is so.
    pub rolled_back: Option<String>,
}

/// The cache of a route.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CacheStatus {
    /// Bytes that are kept.
    pub bytes: u64,
    /// Answers that are kept.
    pub entries: u64,
    /// Requests that got a fresh answer of it.
    pub hits: u64,
    /// Requests that got a stale one: while a new one was fetched, or because none could be had.
    pub stale: u64,
    /// Requests for which the service confirmed what is kept.
    pub revalidated: u64,
    /// Requests for which the service was asked.
    pub misses: u64,
}

/// One objective.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct SloStatus {
    /// Its name.
    pub slo: String,
    /// The route it is about.
    pub route: String,
    /// `availability` or `latency`.
    pub indicator: String,
    /// The objective as a ratio, as in 0.9995.
    pub objective: f64,
    /// The window, in seconds.
    pub window_seconds: u64,
    /// Events in the window.
    pub total: u64,
    /// Bad events in the window.
    pub bad: u64,
    /// Bad events since this Ninefold began, by failure class; those of the last 2 s are not classed
    /// yet. Slow answers are `unknown`: nobody counts them by instance.
    #[serde(default)]
    pub bad_by_class: Vec<ClassCount>,
    /// Good over all in the window; nothing without events.
    pub measured: Option<f64>,
    /// The share of the error budget that is left: 1 untouched, 0 spent, below 0 overspent.
    pub budget_remaining: f64,
    /// Burn rates by window, as in `{"window": "5m", "rate": 14.2}`.
    pub burn: Vec<BurnRate>,
    /// The alerts that fire.
    pub alerts: Vec<String>,
}

/// Bad events of one failure class.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ClassCount {
    /// The class.
    pub class: FailureClass,
    /// How many.
    pub events: u64,
}

/// How fast a budget burns over one window: 1 spends it exactly in the SLO's window.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BurnRate {
    /// The window, as in `5m`.
    pub window: String,
    /// The rate; nothing without events.
    pub rate: Option<f64>,
}

/// What the closed incidents of a class say.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ClassReliability {
    /// The class.
    pub class: FailureClass,
    /// Whether these were injected on purpose; they have an account of their own.
    pub injected: bool,
    /// How many incidents.
    pub incidents: u64,
    /// Mean time to detect, in seconds.
    pub mttd_seconds: f64,
    /// Mean time to recover, in seconds; nothing before the first recovery.
    pub mttr_seconds: Option<f64>,
    /// Mean time between failures, in seconds; nothing before the second.
    pub mtbf_seconds: Option<f64>,
}
