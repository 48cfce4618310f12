//! What a member knows of the others.

use ninefold_core::rng::Rng;

use crate::NodeId;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Alive,
    Suspect,
    Dead,
}

/// Incarnation and state of every node in four bytes: ten thousand nodes know ten thousand each.
#[derive(Debug)]
pub(super) struct Records {
    packed: Vec<u32>,
    /// The round of probes: place `at` of it is node `(factor × at + offset) mod n`.
    at: u32,
    factor: u32,
    offset: u32,
}

impl Records {
    pub(super) fn new(nodes: u32) -> Self {
        Self {
            packed: vec![0; nodes as usize],
            at: nodes,
            factor: 1,
            offset: 0,
        }
    }

    pub(super) fn len(&self) -> u32 {
        u32::try_from(self.packed.len()).unwrap_or(u32::MAX)
    }

    pub(super) fn get(&self, node: NodeId) -> Option<(u32, State)> {
        let packed = *self.packed.get(node.index())?;
        let state = match packed & 3 {
            0 => State::Alive,
            1 => State::Suspect,
            _ => State::Dead,
        };
        Some((packed >> 2, state))
    }

    pub(super) fn set(&mut self, node: NodeId, incarnation: u32, state: State) {
        if let Some(packed) = self.packed.get_mut(node.index()) {
            *packed = incarnation << 2 | state as u32;
        }
    }

    pub(super) fn is_dead(&self, node: NodeId) -> bool {
        !self
            .get(node)
            .is_some_and(|(_, state)| state != State::Dead)
    }

    /// Whom to probe next: everybody once in a round, in another order each time (SWIM, section 4.3).
    pub(super) fn next_target(&mut self, me: NodeId, rng: &mut Rng) -> Option<NodeId> {
        let nodes = self.len();
        for _ in 0..nodes * 2 {
            if self.at >= nodes {
                self.begin_round(rng);
            }
            let place = u64::from(self.at) * u64::from(self.factor) + u64::from(self.offset);
            self.at += 1;
            let node = NodeId(u32::try_from(place % u64::from(nodes)).unwrap_or_default());
            if node != me && !self.is_dead(node) {
                return Some(node);
            }
        }
        None
    }

    fn begin_round(&mut self, rng: &mut Rng) {
        let nodes = self.len();
        let draw = |rng: &mut Rng| crate::step::below(rng, nodes).0;
        self.at = 0;
        self.offset = draw(rng);
        self.factor = loop {
            let factor = draw(rng).max(1);
            if divisor(factor, nodes) == 1 {
                break factor;
            }
        };
    }

    /// Up to `wanted` different nodes that `fits` likes, drawn.
    pub(super) fn draw(
        &self,
        wanted: usize,
        rng: &mut Rng,
        fits: impl Fn(NodeId) -> bool,
    ) -> Vec<NodeId> {
        let mut drawn = Vec::with_capacity(wanted);
        for _ in 0..self.len().saturating_mul(3) {
            if drawn.len() >= wanted {
                break;
            }
            let node = crate::step::below(rng, self.len());
            if fits(node) && !drawn.contains(&node) {
                drawn.push(node);
            }
        }
        drawn
    }
}

const fn divisor(a: u32, b: u32) -> u32 {
    let (mut a, mut b) = (a, b);
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_round_probes_everybody_once() {
        let mut records = Records::new(30);
        records.set(NodeId(4), 2, State::Dead);
        let mut rng = Rng::new(1);
        let mut rounds = Vec::new();
        for _ in 0..2 {
            let round: Vec<u32> = (0..28)
                .map(|_| records.next_target(NodeId(9), &mut rng).unwrap().0)
                .collect();
            let mut sorted = round.clone();
            sorted.sort_unstable();
            let others: Vec<u32> = (0..30).filter(|node| ![4, 9].contains(node)).collect();
            assert_eq!(sorted, others);
            rounds.push(round);
        }
        assert_ne!(rounds[0], rounds[1]);
        assert_eq!(records.get(NodeId(4)), Some((2, State::Dead)));
        assert_eq!(Records::new(1).next_target(NodeId(0), &mut rng), None);
    }
}
