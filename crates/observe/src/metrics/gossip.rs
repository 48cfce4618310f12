//! What a node has gossiped.

use std::sync::atomic::Ordering;

use ninefold_core::status::GossipStatus;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct SyncLabels {
    role: &'static str,
    result: &'static str,
}

/// What a node has gossiped.
#[derive(Clone, Debug, Default)]
pub(super) struct GossipFamilies {
    health: Gauge,
    isolated: Gauge,
    keys: Gauge,
    keys_generation: Gauge,
    lifelines: Gauge,
    sent: Counter,
    sent_bytes: Counter,
    received: Counter,
    refused: Counter,
    over_budget: Counter,
    corrupt: Counter,
    stalls: Counter,
    ends: Counter,
    accusations: Counter,
    refutations: Counter,
    syncs: Family<SyncLabels, Counter>,
    strangers: Counter,
}

impl GossipFamilies {
    pub(super) fn register(&self, registry: &mut Registry) {
        let mut counter = |name: &str, help: &str, counter: &Counter| {
            registry.register(name, help, counter.clone());
        };
        counter(
            "ninefold_gossip_sent_packets",
            "Packets sent to other nodes",
            &self.sent,
        );
        counter(
            "ninefold_gossip_sent_bytes",
            "Their bytes",
            &self.sent_bytes,
        );
        counter(
            "ninefold_gossip_received_packets",
            "Packets of other nodes that were understood",
            &self.received,
        );
        counter(
            "ninefold_gossip_refused_packets",
            "Packets that were not, and changed nothing",
            &self.refused,
        );
        counter(
            "ninefold_gossip_over_budget_packets",
            "Packets that found no room in the budget of bytes",
            &self.over_budget,
        );
        counter(
            "ninefold_gossip_corrupt",
            "Things that nodes say about themselves and that came otherwise than they were said, or became so here",
            &self.corrupt,
        );
        counter(
            "ninefold_gossip_stalls",
            "Times that this node stood still",
            &self.stalls,
        );
        counter(
            "ninefold_gossip_ends",
            "Observed processes whose hosts said that they have ended",
            &self.ends,
        );
        counter(
            "ninefold_gossip_accusations",
            "Accusations of others by this node",
            &self.accusations,
        );
        counter(
            "ninefold_gossip_refutations",
            "Refutations of accusations of this node",
            &self.refutations,
        );
        counter(
            "ninefold_gossip_strangers",
            "Connections of those who have no certificate of the cluster, or do not believe this node's",
            &self.strangers,
        );
        registry.register(
            "ninefold_gossip_syncs",
            "States of other nodes fetched over streams, and this node's served, by how that ended",
            self.syncs.clone(),
        );
        self.register_states(registry);
    }

    /// What is so now, and no count.
    fn register_states(&self, registry: &mut Registry) {
        registry.register(
            "ninefold_gossip_health",
            "How far this node trusts itself, 0 (well) to 7",
            self.health.clone(),
        );
        registry.register(
            "ninefold_gossip_isolated",
            "1 while so many of the nodes that this one observes do not answer it that it takes itself for the cause",
            self.isolated.clone(),
        );
        registry.register(
            "ninefold_gossip_keys_generation",
            "Grows with each step from one key of gossip to the next",
            self.keys_generation.clone(),
        );
        registry.register(
            "ninefold_gossip_keys",
            "Keys of gossip that this node opens packets with",
            self.keys.clone(),
        );
        registry.register(
            "ninefold_gossip_lifelines",
            "Processes of other nodes that this one holds on to, whose ends it sees at once",
            self.lifelines.clone(),
        );
    }

    pub(super) fn set(&self, gossip: &GossipStatus) {
        self.health.set(gossip.health.into());
        self.isolated.set(gossip.isolated.into());
        let lifelines = i64::try_from(gossip.lifelines).unwrap_or(i64::MAX);
        self.lifelines.set(lifelines);
        self.keys.set(gossip.keys.count.into());
        let generation = i64::try_from(gossip.keys.generation).unwrap_or(i64::MAX);
        self.keys_generation.set(generation);
        let set = |counter: &Counter, to: u64| counter.inner().store(to, Ordering::Relaxed);
        set(&self.sent, gossip.sent);
        set(&self.sent_bytes, gossip.sent_bytes);
        set(&self.received, gossip.received);
        set(&self.refused, gossip.refused);
        set(&self.over_budget, gossip.over_budget);
        set(&self.corrupt, gossip.corrupt);
        set(&self.stalls, gossip.stalls);
        set(&self.ends, gossip.ends);
        set(&self.accusations, gossip.accusations);
        set(&self.refutations, gossip.refutations);
        let syncs = gossip.syncs;
        set(&self.strangers, syncs.strangers);
        for (role, result, count) in [
            ("fetched", "whole", syncs.fetched),
            ("fetched", "failed", syncs.fetches_failed),
            ("fetched", "refused", syncs.fetches_refused),
            ("served", "whole", syncs.served),
            ("served", "failed", syncs.serves_failed),
            ("served", "refused", syncs.serves_refused),
        ] {
            let labels = SyncLabels { role, result };
            set(&self.syncs.get_or_create(&labels), count);
        }
    }
}
