//! The parts of a memory.

use std::fmt::Debug;
use std::time::Duration;

use ninefold_core::address::Address;
use ninefold_core::balance::{DriftMemento, hash_of};
use ninefold_core::ejection::HealthMemento;
use ninefold_core::fault::{FaultHits, GatewayFault};
use ninefold_core::id::InstanceId;
use ninefold_core::observation::EjectionGround;
use ninefold_core::policy::adaptive_limiter::LimiterMemento;
use ninefold_core::policy::breaker::BreakerMemento;
use ninefold_core::policy::dimmer::DimmerMemento;
use ninefold_core::policy::retry_budget::BudgetMemento;
use ninefold_core::rollout::Worse;
use serde::{Deserialize, Serialize};

/// What is known of one thing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "of", rename_all = "snake_case")]
pub(super) enum Entry {
    Fault(FaultEntry),
    Split(Named<Worse>),
    Breaker(Named<BreakerMemento>),
    Endpoint(EndpointEntry),
    Pool(PoolEntry),
    Limit(Named<LimiterMemento>),
    Dimmer(Named<DimmerMemento>),
    Budget(Named<BudgetMemento>),
    Rate(Named<RateEntry>),
}

/// What belongs to a route or a service, as long as its settings are these.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Named<T> {
    pub(super) name: String,
    /// See [`mark`].
    pub(super) settings: u64,
    pub(super) known: T,
}

/// What is held against one process of an instance.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(in crate::fleet) struct EndpointEntry {
    pub(in crate::fleet) instance: InstanceId,
    pub(in crate::fleet) address: Address,
    pub(in crate::fleet) incarnation: u64,
    pub(in crate::fleet) health: HealthMemento,
    /// Why it is ejected, while it is.
    pub(in crate::fleet) reason: Option<String>,
    #[serde(default)]
    pub(in crate::fleet) ground: EjectionGround,
    /// So long ago it came back from its last ejection; its share may still grow.
    pub(in crate::fleet) back: Option<Duration>,
}

/// What the endpoints of a service have in common.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct PoolEntry {
    pub(super) service: String,
    /// By distance, nanoseconds that no canary's answer may exceed; 0 where nobody can tell.
    pub(super) slow_above: [u64; 3],
    /// How much of its traffic stays in the zone, and in the region.
    pub(super) zone: DriftMemento,
    pub(super) region: DriftMemento,
}

/// What the clients of a route used of their rate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct RateEntry {
    /// What keys are told by.
    pub(crate) seed: u64,
    /// By key, nanoseconds that are owed.
    pub(crate) owed: Vec<(u64, u64)>,
    /// By all that found no room, together.
    pub(crate) overflow: u64,
}

/// A fault that is injected.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct FaultEntry {
    pub(crate) id: String,
    pub(crate) targets: Vec<InstanceId>,
    pub(crate) fault: GatewayFault,
    pub(crate) left: Duration,
    /// What it hit so far.
    #[serde(default)]
    pub(crate) hits: FaultHits,
}

/// Tells settings from others, for programs that call them the same.
pub(super) fn mark(settings: &impl Debug) -> u64 {
    hash_of(format!("{settings:?}").as_bytes())
}
