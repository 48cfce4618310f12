//! Nodes by number, and sets of them.

use std::fmt;

/// A node: its index among all there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub u32);

impl NodeId {
    /// Where the node stands in tables of all nodes.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "n{}", self.0)
    }
}

/// A set of nodes, one bit each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodeSet {
    words: Vec<u64>,
    len: u32,
}

impl NodeSet {
    /// An empty set.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            words: Vec::new(),
            len: 0,
        }
    }

    /// The first `n` nodes.
    #[must_use]
    pub fn all(n: u32) -> Self {
        (0..n).map(NodeId).collect()
    }

    /// Whether `node` is in it.
    #[must_use]
    pub fn contains(&self, node: NodeId) -> bool {
        let word = self.words.get(node.index() / 64);
        word.is_some_and(|word| word >> (node.0 % 64) & 1 == 1)
    }

    /// Adds a node; whether it was missing.
    pub fn insert(&mut self, node: NodeId) -> bool {
        let at = node.index() / 64;
        if at >= self.words.len() {
            self.words.resize(at + 1, 0);
        }
        let bit = 1 << (node.0 % 64);
        let Some(word) = self.words.get_mut(at).filter(|word| **word & bit == 0) else {
            return false;
        };
        *word |= bit;
        self.len += 1;
        true
    }

    /// Takes a node out; whether it was there.
    pub fn remove(&mut self, node: NodeId) -> bool {
        let bit = 1 << (node.0 % 64);
        let word = self.words.get_mut(node.index() / 64);
        let Some(word) = word.filter(|word| **word & bit != 0) else {
            return false;
        };
        *word &= !bit;
        self.len -= 1;
        true
    }

    /// Adds all of `other`.
    pub fn extend_from(&mut self, other: &Self) {
        for node in other.iter() {
            self.insert(node);
        }
    }

    /// How many there are.
    #[must_use]
    pub const fn len(&self) -> u32 {
        self.len
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Its nodes in ascending order.
    pub fn iter(&self) -> impl Iterator<Item = NodeId> + '_ {
        (0u32..).zip(&self.words).flat_map(|(at, &word)| {
            let bits = (0..64).filter(move |bit| word >> bit & 1 == 1);
            bits.map(move |bit| NodeId(at * 64 + bit))
        })
    }
}

impl FromIterator<NodeId> for NodeSet {
    fn from_iter<I: IntoIterator<Item = NodeId>>(nodes: I) -> Self {
        let mut set = Self::new();
        for node in nodes {
            set.insert(node);
        }
        set
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_counts_and_iterates_in_order() {
        let mut set: NodeSet = [70, 3, 64, 3].into_iter().map(NodeId).collect();
        assert_eq!(set.len(), 3);
        assert_eq!(
            set.iter().map(|node| node.0).collect::<Vec<_>>(),
            [3, 64, 70]
        );
        assert!(set.remove(NodeId(64)) && !set.remove(NodeId(64)) && !set.remove(NodeId(900)));
        assert!(
            !set.contains(NodeId(64)) && set.contains(NodeId(70)) && !set.contains(NodeId(900))
        );
        assert_eq!(NodeSet::all(130).len(), 130);
    }
}
