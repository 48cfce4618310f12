//! The journal's vocabulary: everything that happened, was concluded or is about to be done.
//!
//! **Invariant:** an action is in the journal before it happens ([`EventKind::Action`]).

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::fault::{FaultHits, GatewayFault};
use crate::id::InstanceId;
use crate::taxonomy::{ExitCause, FailureClass};
use crate::time::Timestamp;

mod display;
mod disturbance;
mod opinion;

pub use disturbance::Disturbance;
pub use opinion::{Opinion, Share};

/// One line of the journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Event {
    /// Counts up by one over the journal's whole life, restarts included.
    pub seq: u64,
    /// When it was recorded (wall clock, nanoseconds since the epoch).
    pub at: Timestamp,
    /// What happened.
    #[serde(flatten)]
    pub kind: EventKind,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum EventKind {
    /// This node began to run.
    NodeStarted {
        /// Ninefold's version.
        version: String,
        /// Ninefold's process id.
        pid: u32,
        /// A hash of the configuration, so that changes show.
        config: String,
    },
    /// This node stops in order.
    NodeStopping {
        /// Who asked.
        reason: String,
    },
    /// This node stopped in order; its instances are down.
    NodeStopped,
    /// The configuration differs from the one of the run before.
    ConfigChanged {
        /// The hash before.
        from: String,
        /// The hash now.
        to: String,
    },
    /// A reload did not hold: the file before goes on.
    ReloadRolledBack {
        /// The hash of what was tried.
        config: String,
        /// Why.
        reason: String,
    },
    /// This node goes on in another process, which took it over while it ran.
    TookOver {
        /// The process before.
        from: u32,
        /// Its version.
        version: String,
    },
    /// A node of the cluster came, went, or is known in another way than before.
    Member {
        /// Which node.
        node: String,
        /// What: `joined`, `returned`, `restarted`, `left`, `down`, `silent` (it does not answer this node, on no
        /// path), `relayed` (it answers this node only through others) or `direct` (it answers again).
        change: String,
    },
    /// What this node makes of its own place in the cluster.
    Standing {
        /// What: `quiesced` (it hears from half of the members or fewer, and decides nothing) or `resumed`,
        /// `isolated` (most of whom it observes are silent to it, and it accuses nobody) or `connected`,
        /// `contradicted` (others had written it off), `frozen ZONE` (too much began there at once for a
        /// coincidence, and nobody there is convicted) or `thawed ZONE`, `capped` (as many were convicted in a minute
        /// as may be), `withheld NODE, …` (these would be convicted, but for the two before; others are asked first).
        what: String,
    },
    /// Something happened to this node itself: what it says of others at that time is to be read with it.
    Disturbed {
        /// What.
        disturbance: Disturbance,
    },
    /// An instance's process runs.
    InstanceStarted {
        /// Which instance.
        instance: InstanceId,
        /// Its process.
        pid: u32,
        /// How often it was started since this node began, this one included.
        attempt: u32,
    },
    /// An instance that ran before this node did was taken over without a restart.
    InstanceAdopted {
        /// Which instance.
        instance: InstanceId,
        /// Its process.
        pid: u32,
    },
    /// An instance is ready for traffic.
    InstanceReady {
        /// Which instance.
        instance: InstanceId,
        /// Nanoseconds from its start (or from losing readiness) to readiness.
        after_ns: u64,
    },
    /// An instance lost its readiness while alive.
    InstanceNotReady {
        /// Which instance.
        instance: InstanceId,
        /// Why.
        reason: String,
    },
    /// An instance's process ended.
    InstanceExited {
        /// Which instance.
        instance: InstanceId,
        /// Its process.
        pid: u32,
        /// How it ended.
        cause: ExitCause,
        /// Whether Ninefold ended it.
        expected: bool,
    },
    /// An instance could not be started.
    InstanceSpawnFailed {
        /// Which instance.
        instance: InstanceId,
        /// What the system said.
        error: String,
    },
    /// An instance waits before its next start.
    InstanceBackingOff {
        /// Which instance.
        instance: InstanceId,
        /// How long it waits, in nanoseconds.
        wait_ns: u64,
    },
    /// An instance exits again and again; from now on it is retried slowly.
    InstanceCrashLoop {
        /// Which instance.
        instance: InstanceId,
        /// Exits within the window.
        exits: u32,
        /// The window, in nanoseconds.
        within_ns: u64,
    },
    /// An instance was stopped in order.
    InstanceStopped {
        /// Which instance.
        instance: InstanceId,
    },
    /// The gateway took an endpoint out of rotation.
    EndpointEjected {
        /// Which instance.
        instance: InstanceId,
        /// Why.
        reason: String,
        /// For how long, in nanoseconds; 0 where the gateways of other nodes did, and say when it is over.
        for_ns: u64,
    },
    /// The gateway put an endpoint back.
    EndpointReadmitted {
        /// Which instance.
        instance: InstanceId,
    },
    /// The breaker of a service changed its state.
    Breaker {
        /// Which service.
        service: String,
        /// What it is now: `open` (the service fails as a whole and is not asked), `half_open` (some
        /// requests try it) or `closed`.
        state: String,
    },
    /// An action that is about to be taken.
    Action {
        /// On whom.
        instance: InstanceId,
        /// What: `start`, `restart`, `kill`, `stop`, `quarantine`, `readmit`.
        action: String,
        /// Why.
        reason: String,
    },
    /// The classifier reached or changed a verdict.
    Verdict(Verdict),
    /// What is thought of a node, an instance, a link or a zone has changed.
    Opinion(Box<Opinion>),
    /// An incident opened, changed or closed. The newest of an id holds.
    Incident(Box<Incident>),
    /// A fault is about to be injected on purpose.
    FaultAnnounced(FaultNotice),
    /// An injected fault ended.
    FaultEnded {
        /// Which fault.
        id: String,
        /// How: `rolled back`, `expired`, `not applied`.
        how: String,
        /// Of one in the gateway: what it hit.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        hits: Option<FaultHits>,
    },
    /// An error budget burns too fast (or no longer does).
    Burn {
        /// Which SLO.
        slo: String,
        /// `page` or `ticket`, and the windows, as in `page 14.4x over 1h/5m`.
        alert: String,
        /// Whether it began (`true`) or ended.
        firing: bool,
    },
    /// Something a person should know that fits nothing else.
    Notice {
        /// What.
        text: String,
    },
}

/// What the classifier concludes about one instance, with its reasons.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Verdict {
    /// About whom.
    pub instance: InstanceId,
    /// How it failed.
    pub class: FailureClass,
    /// When it began, as far as the evidence goes back.
    pub onset: Timestamp,
    /// When the verdict was reached.
    pub detected: Timestamp,
    /// Why, in the order it was seen.
    pub evidence: Vec<EvidenceLine>,
}

/// One reason of a verdict.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EvidenceLine {
    /// When it was seen.
    pub at: Timestamp,
    /// Who saw it: `supervisor`, `probe`, `callers`, `gateway`, `canary`, `vote`.
    pub observer: String,
    /// What was seen, in words, with its figures.
    pub what: String,
}

/// A fault that is injected on purpose, as announced before it happens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FaultNotice {
    /// The fault's id, unique in the ledger.
    pub id: String,
    /// What kind: `kill`, `hang`, `zone-kill`, `node-kill`, `partition`, `one-way-partition`, `gray`, `errors`,
    /// `resets`, `wrong-answers`; of one that no claim asks for, its effect.
    pub kind: String,
    /// On whom; of a partition, who cannot be reached from the node that is told.
    pub targets: Vec<InstanceId>,
    /// The nodes that it is done to, where it is done to whole nodes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub nodes: Vec<String>,
    /// The claim it tests, if any.
    pub claim: Option<String>,
    /// How long it may last, in nanoseconds.
    pub ttl_ns: u64,
    /// What the gateway itself is to inject, from the announcement on and no longer than `ttl_ns`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gateway: Option<GatewayFault>,
}

/// The injected fault that an incident follows from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Injection {
    /// What kind, as announced.
    pub kind: String,
    /// The claim it tests, if any.
    pub claim: Option<String>,
    /// Whether the gateway did it.
    pub in_gateway: bool,
    /// How it ended, once it has.
    pub ended: Option<InjectionEnd>,
}

/// The end of an injected fault.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct InjectionEnd {
    /// When.
    pub at: Timestamp,
    /// How, as in `rolled back`.
    pub how: String,
    /// Of one in the gateway: what it hit, on all its targets.
    pub hits: Option<FaultHits>,
}

/// What belongs together: verdicts joined by instance, failure domain and time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Incident {
    /// `inc-1`, `inc-2`, …: counts up over the journal's life.
    pub id: String,
    /// The class of the whole: that of its only verdict, or `correlated`.
    pub class: FailureClass,
    /// Whether it goes on.
    pub state: IncidentState,
    /// The failure domain its verdicts share, as in `instance catalog/1` or `zone b`.
    pub domain: String,
    /// The verdicts, in the order they were reached.
    pub verdicts: Vec<Verdict>,
    /// The id of the injected fault it follows from, if any.
    pub injected: Option<String>,
    /// What is known of that fault.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub injection: Option<Injection>,
    /// When it began.
    pub onset: Timestamp,
    /// When the first verdict was reached.
    pub detected: Timestamp,
    /// When the last of its instances was out of routing.
    pub isolated: Option<Timestamp>,
    /// When the last of its instances was ready again.
    pub recovered: Option<Timestamp>,
    /// Who was hurt and how badly, by route.
    pub impact: Vec<RouteImpact>,
    /// What all observers' evidence amounts to, on its domain and on its instances.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub opinions: Vec<Opinion>,
    /// What changed shortly before the onset: starts, configuration, ejections, injected faults.
    pub changes: Vec<EvidenceLine>,
    /// What was done about it.
    pub actions: Vec<EvidenceLine>,
    /// The incident that took this one over, because both have one cause. Such an incident is
    /// closed and counts in no statistics.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merged_into: Option<String>,
}

/// The state of an incident.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum IncidentState {
    /// It goes on.
    Open,
    /// All its instances recovered.
    Closed,
}

/// Harm to one route while an incident was open: counted from attempts on its instances, and from
/// requests that found none of its service's to ask.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RouteImpact {
    /// The route's name.
    pub route: String,
    /// Requests that failed for their client because of it.
    pub hurt: u64,
    /// Requests that met it and succeeded all the same, by a retry elsewhere.
    pub masked: u64,
    /// How those ended that failed, most frequent first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ends: Vec<ImpactEnd>,
}

/// Failed requests that ended in one way, in the words of the access log and of
/// `ninefold_request_ends`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ImpactEnd {
    /// Who ended them: `gateway` or `upstream`.
    pub by: String,
    /// How far they had come.
    pub phase: String,
    /// Why, in a word.
    pub cause: String,
    /// How many.
    pub requests: u64,
    /// The trace of one that ended so on this route at that time, if any was recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<String>,
}

impl RouteImpact {
    /// Adds harm to the same route.
    pub fn add(&mut self, more: &Self) {
        self.hurt = self.hurt.saturating_add(more.hurt);
        self.masked = self.masked.saturating_add(more.masked);
        for end in &more.ends {
            let same = |known: &&mut ImpactEnd| {
                (&known.by, &known.phase, &known.cause) == (&end.by, &end.phase, &end.cause)
            };
            match self.ends.iter_mut().find(same) {
                Some(known) => {
                    known.requests = known.requests.saturating_add(end.requests);
                    if end.trace_id.is_some() {
                        known.trace_id.clone_from(&end.trace_id);
                    }
                }
                None => self.ends.push(end.clone()),
            }
        }
        self.ends.sort_by_key(|end| std::cmp::Reverse(end.requests));
    }
}

impl Incident {
    /// Requests that failed for their client.
    #[must_use]
    pub fn hurt(&self) -> u64 {
        self.impact.iter().map(|route| route.hurt).sum()
    }

    /// Requests saved by a retry.
    #[must_use]
    pub fn masked(&self) -> u64 {
        self.impact.iter().map(|route| route.masked).sum()
    }

    /// Onset to first verdict.
    #[must_use]
    pub const fn time_to_detect(&self) -> Duration {
        self.detected.since(self.onset)
    }

    /// Onset to recovery, once recovered.
    #[must_use]
    pub fn time_to_recover(&self) -> Option<Duration> {
        self.recovered.map(|at| at.since(self.onset))
    }
}
