//! Where nodes stand, and how far apart.

use std::collections::BTreeMap;

use crate::{Delay, NodeId, NodeSet};

/// Nodes in zones in turn, with a delay for each pair of zones.
#[derive(Clone, Debug)]
pub struct Topology {
    nodes: u32,
    zones: u32,
    pairs: BTreeMap<(u32, u32), Delay>,
}

impl Topology {
    /// `nodes` in `zones`, at least one of each.
    #[must_use]
    pub fn new(nodes: u32, zones: u32) -> Self {
        Self {
            nodes: nodes.max(1),
            zones: zones.max(1),
            pairs: BTreeMap::new(),
        }
    }

    /// Another delay from one zone to another, that way only.
    #[must_use]
    pub fn delay(mut self, from: u32, to: u32, delay: Delay) -> Self {
        self.pairs.insert((from, to), delay);
        self
    }

    /// How many nodes there are.
    #[must_use]
    pub const fn nodes(&self) -> u32 {
        self.nodes
    }

    /// How many zones there are.
    #[must_use]
    pub const fn zones(&self) -> u32 {
        self.zones
    }

    /// The zone of a node.
    #[must_use]
    pub const fn zone(&self, node: NodeId) -> u32 {
        node.0 % self.zones
    }

    /// Who stands in a zone.
    #[must_use]
    pub fn in_zone(&self, zone: u32) -> NodeSet {
        let nodes = (0..self.nodes).map(NodeId);
        nodes.filter(|node| self.zone(*node) == zone).collect()
    }

    pub(crate) fn between(&self, from: NodeId, to: NodeId) -> Delay {
        let (from, to) = (self.zone(from), self.zone(to));
        let usual = if from == to {
            Delay::ZONE
        } else {
            Delay::REGION
        };
        if self.pairs.is_empty() {
            return usual;
        }
        self.pairs.get(&(from, to)).copied().unwrap_or(usual)
    }
}
