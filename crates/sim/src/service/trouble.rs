//! What is wrong with instances, and with the way to them.

use ninefold_core::rng::Rng;

use crate::{Delay, NodeId, NodeSet};

/// What befalls a service at the moment of a fault.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Trouble {
    /// These nodes say nothing: they are gone, or behind a cut.
    Silent(NodeSet),
    /// These instances, by ordinal, take so much longer.
    Slow(Vec<usize>, Delay),
    /// These instances, by ordinal, answer such a share of the requests with an error.
    Failing(Vec<usize>, f64),
}

impl Trouble {
    /// Whether an instance is hit.
    #[must_use]
    pub(super) fn hits(&self, ordinal: usize, home: NodeId) -> bool {
        match self {
            Self::Silent(nodes) => nodes.contains(home),
            Self::Slow(hit, _) | Self::Failing(hit, _) => hit.contains(&ordinal),
        }
    }

    pub(super) fn silences(&self, home: NodeId) -> bool {
        matches!(self, Self::Silent(nodes) if nodes.contains(home))
    }

    /// How much longer an instance takes this time.
    pub(super) fn slows(&self, ordinal: usize, rng: &mut Rng) -> u64 {
        match self {
            Self::Slow(hit, delay) if hit.contains(&ordinal) => delay.draw(rng),
            _ => 0,
        }
    }

    /// Whether an instance fails this time.
    pub(super) fn fails(&self, ordinal: usize, rng: &mut Rng) -> bool {
        match self {
            Self::Failing(hit, share) if hit.contains(&ordinal) => rng.unit() < *share,
            _ => false,
        }
    }
}
