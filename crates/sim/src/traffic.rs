//! What nodes send.

use crate::NodeId;

/// IPv4 and UDP, around every packet.
const HEADER_SIZE: u32 = 28;
const SECOND: u64 = 1_000_000_000;

/// Bytes sent by each node in each second, with 28 of IP and UDP a packet.
#[derive(Debug)]
pub(crate) struct Traffic {
    second: u64,
    current: Vec<u32>,
    /// One of each node and each second that is over.
    samples: Vec<u32>,
    packets: u64,
}

impl Traffic {
    pub(crate) fn new(nodes: u32) -> Self {
        Self {
            second: 0,
            current: vec![0; nodes as usize],
            samples: Vec::new(),
            packets: 0,
        }
    }

    pub(crate) fn sent(&mut self, at: u64, from: NodeId, size: usize) {
        self.pass(at);
        self.packets += 1;
        if let Some(bytes) = self.current.get_mut(from.index()) {
            let size = u32::try_from(size).unwrap_or(u32::MAX);
            *bytes = bytes.saturating_add(size).saturating_add(HEADER_SIZE);
        }
    }

    /// Ends the seconds before `at`.
    pub(crate) fn pass(&mut self, at: u64) {
        while self.second < at / SECOND {
            self.second += 1;
            self.samples.extend_from_slice(&self.current);
            self.current.fill(0);
        }
    }

    pub(crate) fn samples(&self) -> &[u32] {
        &self.samples
    }

    /// Forgets what is counted.
    pub(crate) fn clear(&mut self) {
        self.samples.clear();
        self.current.fill(0);
    }

    pub(crate) const fn packets(&self) -> u64 {
        self.packets
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_counted_each_by_itself() {
        let mut traffic = Traffic::new(2);
        traffic.sent(10, NodeId(0), 100);
        traffic.sent(20, NodeId(0), 2);
        traffic.sent(SECOND * 2, NodeId(1), 0);
        assert_eq!(traffic.samples(), [158, 0, 0, 0]);
        traffic.pass(SECOND * 3);
        assert_eq!(traffic.samples(), [158, 0, 0, 0, 0, 28]);
        assert_eq!(traffic.packets(), 3);
    }
}
