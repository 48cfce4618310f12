//! What is done to both.

use std::time::Duration;

use super::super::cluster::NODES;

/// Longer than any of them needs for a conviction.
const HELD_MAX: Duration = Duration::from_secs(30);
/// How long a way between two is bad: nobody should be convicted for it.
const WAY_LASTS: Duration = Duration::from_secs(15);

/// A fault, and whom it hits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// A process is killed.
    NodeKill,
    /// A process is stopped for a second.
    NodePause,
    /// The same, a few seconds after it was paused before.
    PauseAgain,
    /// Both nodes of a zone are killed at once.
    ZoneKill,
    /// What one node sends to another one is dropped.
    OneWay,
    /// A process is stopped.
    NodeStop,
    /// 80 % of the packets between two are dropped, in both directions.
    LossyLink,
    /// A node is cut off from all others.
    Partition,
    /// What all others send to a node is dropped; what it sends arrives.
    DeafNode,
}

impl Fault {
    pub(super) const ALL: [Self; 9] = [
        Self::NodeKill,
        Self::NodePause,
        Self::PauseAgain,
        Self::ZoneKill,
        Self::OneWay,
        Self::NodeStop,
        Self::LossyLink,
        Self::Partition,
        Self::DeafNode,
    ];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::NodeKill => "node-kill",
            Self::NodePause => "node-pause",
            Self::PauseAgain => "pause-again",
            Self::ZoneKill => "zone-kill",
            Self::OneWay => "one-way-drop",
            Self::NodeStop => "node-stop",
            Self::LossyLink => "lossy-link",
            Self::Partition => "partition",
            Self::DeafNode => "deaf-node",
        }
    }

    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|fault| fault.name() == name)
    }

    /// Whom it touches, if `victim` is hit: of a bad way, both ends.
    pub(super) fn touches(self, victim: usize) -> Vec<usize> {
        match self {
            // Zone a.
            Self::ZoneKill => vec![1, 4],
            Self::OneWay | Self::LossyLink => vec![1, victim],
            _ => vec![victim],
        }
    }

    /// How long it lasts.
    pub(super) const fn lasts(self) -> Lasts {
        match self {
            Self::NodePause | Self::PauseAgain => Lasts::For(Duration::from_secs(1)),
            Self::OneWay | Self::LossyLink => Lasts::For(WAY_LASTS),
            _ => Lasts::UntilConvicted(HELD_MAX),
        }
    }

    /// The ways between nodes that are bad, and which of ten packets are lost.
    pub(super) fn ways(self, victim: usize) -> (Vec<(usize, usize)>, u32) {
        let others = (1..=NODES).filter(|other| *other != victim);
        match self {
            Self::OneWay => (vec![(1, victim)], 10),
            Self::LossyLink => (vec![(1, victim), (victim, 1)], 8),
            Self::Partition => {
                let both = others.flat_map(|other| [(victim, other), (other, victim)]);
                (both.collect(), 10)
            }
            Self::DeafNode => (others.map(|other| (other, victim)).collect(), 10),
            _ => (Vec::new(), 10),
        }
    }
}

/// How long a fault lasts.
#[derive(Clone, Copy, Debug)]
pub(super) enum Lasts {
    /// So long.
    For(Duration),
    /// Until all have convicted those whom it touches, and so long at most.
    UntilConvicted(Duration),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_way_touches_its_ends_and_a_cut_all_ways_of_one() {
        assert_eq!(Fault::OneWay.touches(3), [1, 3]);
        assert_eq!(Fault::Partition.touches(3), [3]);
        assert_eq!(Fault::Partition.ways(3).0.len(), 8);
        assert_eq!(Fault::DeafNode.ways(5).0, [(1, 5), (2, 5), (3, 5), (4, 5)]);
        for fault in Fault::ALL {
            assert_eq!(Fault::named(fault.name()), Some(fault));
        }
    }
}
