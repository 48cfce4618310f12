//! What is going to happen.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use crate::NodeId;

/// Something that happens at a time.
#[derive(Debug)]
pub(crate) enum Action {
    /// A packet arrives.
    Packet { from: NodeId, bytes: Box<[u8]> },
    /// A piece of a stream arrives.
    Stream { from: NodeId, bytes: Box<[u8]> },
    /// A timer that was set in the node's start number `starts` is due.
    Timer { token: u64, starts: u32 },
    /// The node is to stall, if this is still wanted.
    Stall { epoch: u32 },
    /// The node goes on, if this is still wanted.
    Resume { epoch: u32 },
}

/// What the queue holds, in the order of time, and of insertion where times are equal.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) at: u64,
    seq: u64,
    pub(crate) node: NodeId,
    pub(crate) action: Action,
}

#[derive(Debug, Default)]
pub(crate) struct Queue {
    heap: BinaryHeap<Entry>,
    seq: u64,
}

impl Queue {
    pub(crate) fn push(&mut self, at: u64, node: NodeId, action: Action) {
        let seq = self.seq;
        self.seq += 1;
        self.heap.push(Entry {
            at,
            seq,
            node,
            action,
        });
    }

    /// The next one, if it happens by `until`.
    pub(crate) fn pop(&mut self, until: u64) -> Option<Entry> {
        if self.heap.peek()?.at > until {
            return None;
        }
        self.heap.pop()
    }
}

impl Entry {
    const fn key(&self) -> (u64, u64) {
        (self.at, self.seq)
    }
}

/// The earliest is the greatest: the heap gives the greatest first.
impl Ord for Entry {
    fn cmp(&self, other: &Self) -> Ordering {
        other.key().cmp(&self.key())
    }
}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Entry {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_the_order_of_time_and_then_of_insertion() {
        let mut queue = Queue::default();
        for (at, node) in [(5, 0), (3, 1), (5, 2), (3, 3), (9, 4)] {
            queue.push(at, NodeId(node), Action::Resume { epoch: 0 });
        }
        let order: Vec<u32> = std::iter::from_fn(|| queue.pop(8))
            .map(|entry| entry.node.0)
            .collect();
        assert_eq!(order, [1, 3, 0, 2]);
        assert!(queue.pop(9).is_some() && queue.pop(u64::MAX).is_none());
    }
}
