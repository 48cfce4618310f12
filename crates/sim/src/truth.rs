//! What is so, beside what nodes believe.

use std::collections::BTreeMap;

use crate::{Event, NodeId, NodeSet};

/// Who runs, who was hit by a fault, and whom everybody holds for down.
#[derive(Clone, Debug)]
pub struct Truth {
    nodes: u32,
    running: NodeSet,
    touched: NodeSet,
    /// Who does not run, and since when.
    ended: BTreeMap<NodeId, u64>,
    /// By observer: whom it has convicted.
    down: Vec<NodeSet>,
}

impl Truth {
    pub(crate) fn new(nodes: u32) -> Self {
        Self {
            nodes,
            running: NodeSet::all(nodes),
            touched: NodeSet::new(),
            ended: BTreeMap::new(),
            down: vec![NodeSet::new(); nodes as usize],
        }
    }

    /// How many nodes there are.
    #[must_use]
    pub const fn nodes(&self) -> u32 {
        self.nodes
    }

    /// Whose process is there.
    #[must_use]
    pub const fn running(&self) -> &NodeSet {
        &self.running
    }

    /// Who was ever hit by a fault. Of a fault of links these are the ends that were named, unless they are
    /// more than half of all nodes.
    #[must_use]
    pub const fn touched(&self) -> &NodeSet {
        &self.touched
    }

    /// Whether it runs and no fault has ever hit it.
    #[must_use]
    pub fn is_healthy(&self, node: NodeId) -> bool {
        self.running.contains(node) && !self.touched.contains(node)
    }

    /// Who runs and was never hit by a fault.
    pub fn healthy(&self) -> impl Iterator<Item = NodeId> + '_ {
        self.running
            .iter()
            .filter(|node| !self.touched.contains(*node))
    }

    /// Whether `observer` holds `subject` for down.
    #[must_use]
    pub fn holds_down(&self, observer: NodeId, subject: NodeId) -> bool {
        let down = self.down.get(observer.index());
        down.is_some_and(|down| down.contains(subject))
    }

    /// Who does not run, and since when, in ns from the start.
    pub fn ended(&self) -> impl Iterator<Item = (NodeId, u64)> + '_ {
        self.ended.iter().map(|(node, at)| (*node, *at))
    }

    /// Since when a node does not run.
    #[must_use]
    pub fn ended_at(&self, node: NodeId) -> Option<u64> {
        self.ended.get(&node).copied()
    }

    /// Whom an observer holds for down.
    #[must_use]
    pub fn down(&self, observer: NodeId) -> Option<&NodeSet> {
        self.down.get(observer.index())
    }

    pub(crate) fn started(&mut self, node: NodeId) {
        self.running.insert(node);
        self.ended.remove(&node);
        if let Some(down) = self.down.get_mut(node.index()) {
            *down = NodeSet::new();
        }
    }

    pub(crate) fn end(&mut self, node: NodeId, at: u64) {
        if self.running.remove(node) {
            self.ended.insert(node, at);
        }
    }

    pub(crate) fn touch(&mut self, nodes: &NodeSet) {
        self.touched.extend_from(nodes);
    }

    /// Whether the event changes what `by` takes for the members.
    pub(crate) fn believe(&mut self, by: NodeId, event: Event) -> bool {
        let Some(down) = self.down.get_mut(by.index()) else {
            return false;
        };
        match event {
            Event::Down(subject) => down.insert(subject),
            Event::Up(subject) => down.remove(subject),
            Event::Suspect(_) | Event::Cleared(_) => false,
        }
    }
}
