//! A suspicion that others may confirm (Lifeguard, section 4.2).

use crate::NodeId;
use crate::draw::whole;

#[derive(Clone, Debug)]
pub(super) struct Suspicion {
    start: u64,
    least: u64,
    most: u64,
    /// Confirmations that shorten it fully.
    wanted: usize,
    /// Who suspects, the first one included.
    by: Vec<NodeId>,
}

impl Suspicion {
    pub(super) fn new(start: u64, least: u64, most: u64, wanted: usize, by: NodeId) -> Self {
        Self {
            start,
            least,
            most,
            wanted,
            by: vec![by],
        }
    }

    /// Whether somebody new confirms it, and is needed.
    pub(super) fn confirm(&mut self, by: NodeId) -> bool {
        let is_new = self.by.len() <= self.wanted && !self.by.contains(&by);
        if is_new {
            self.by.push(by);
        }
        is_new
    }

    /// When it becomes a conviction.
    pub(super) fn deadline(&self) -> u64 {
        if self.wanted == 0 {
            return self.start.saturating_add(self.least);
        }
        let confirmed = (self.by.len() - 1) as f64;
        let share = (confirmed + 1.0).ln() / (self.wanted as f64 + 1.0).ln();
        let less = whole((self.most - self.least) as f64 * share);
        let length = self.most.saturating_sub(less).max(self.least);
        self.start.saturating_add(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn confirmations_shorten_it_by_the_logarithm() {
        let mut suspicion = Suspicion::new(0, 2_000, 30_000, 3, NodeId(0));
        // The figures that memberlist tests its own with, for k = 3: 30 s, 16 s, 7.8 s, 2 s.
        assert_eq!(suspicion.deadline(), 30_000);
        assert!(suspicion.confirm(NodeId(1)) && !suspicion.confirm(NodeId(1)));
        assert_eq!(suspicion.deadline(), 16_000);
        assert!(suspicion.confirm(NodeId(2)));
        assert_eq!(suspicion.deadline() / 100, 78);
        assert!(suspicion.confirm(NodeId(3)));
        assert_eq!(suspicion.deadline(), 2_000);
        assert!(!suspicion.confirm(NodeId(4)));
    }
}
