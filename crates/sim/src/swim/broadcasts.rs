//! Updates that are piggybacked, those first that were sent least often (SWIM, section 4.1).

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::message::{LARGEST_SIZE, Message};
use crate::NodeId;

/// Sent so often; the newest first among those sent equally often.
type Key = (u32, Reverse<u64>);

#[derive(Debug, Default)]
pub(super) struct Broadcasts {
    queue: BTreeMap<Key, (NodeId, Message)>,
    by_subject: BTreeMap<NodeId, Key>,
    count: u64,
}

impl Broadcasts {
    /// Takes the place of what was said about the subject before.
    pub(super) fn add(&mut self, subject: NodeId, message: Message) {
        let key = (0, Reverse(self.count));
        self.count += 1;
        if let Some(before) = self.by_subject.insert(subject, key) {
            self.queue.remove(&before);
        }
        self.queue.insert(key, (subject, message));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// Fills a packet up to `size`; each update goes out at most `limit` times.
    pub(super) fn fill(&mut self, packet: &mut Vec<u8>, size: usize, limit: u32) {
        let room = size.saturating_sub(packet.len()) / LARGEST_SIZE;
        let keys: Vec<Key> = self.queue.keys().take(room).copied().collect();
        for key in keys {
            let Some((subject, message)) = self.queue.remove(&key) else {
                continue;
            };
            message.encode(packet);
            let next = (key.0 + 1, key.1);
            if next.0 < limit {
                self.queue.insert(next, (subject, message));
                self.by_subject.insert(subject, next);
            } else {
                self.by_subject.remove(&subject);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_goes_out_as_often_as_it_should() {
        let mut broadcasts = Broadcasts::default();
        let dead = |node| Message::Dead {
            incarnation: 0,
            node,
            from: NodeId(9),
        };
        for node in [1, 2, 1].map(NodeId) {
            broadcasts.add(node, dead(node));
        }
        let mut sent = Vec::new();
        for _ in 0..9 {
            broadcasts.fill(&mut sent, 10_000, 3);
        }
        assert_eq!(sent.len(), 2 * 3 * LARGEST_SIZE);
        assert!(broadcasts.is_empty() && broadcasts.by_subject.is_empty());
    }

    #[test]
    fn a_full_packet_leaves_the_rest_for_the_next_one() {
        let mut broadcasts = Broadcasts::default();
        for node in (0..10).map(NodeId) {
            broadcasts.add(
                node,
                Message::Alive {
                    incarnation: 1,
                    node,
                },
            );
        }
        for _ in 0..5 {
            broadcasts.fill(&mut Vec::new(), 4 * LARGEST_SIZE, 2);
        }
        assert!(broadcasts.is_empty());
    }
}
