//! A change to the links between two sets of nodes.

use crate::{Delay, NodeId, NodeSet};

/// What happens to packets.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Effect {
    /// Each is lost with this probability, by itself.
    Loss(f64),
    /// A link is in a good state and in a bad one in turn, both of exponential length with these means in ns;
    /// in the bad one everything is lost (Gilbert, 1960).
    Burst {
        /// Mean length of the good state.
        good: u64,
        /// Mean length of the bad one.
        bad: u64,
    },
    /// Another delay than usual.
    Delay(Delay),
    /// Each arrives twice with this probability, the second one by another delay.
    Duplicate(f64),
    /// In each, one bit is turned over with this probability.
    Corrupt(f64),
    /// Each is held up with this probability by up to so many ns, so that others overtake it.
    Reorder(f64, u64),
}

/// A rule that holds only at times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flapping {
    /// For how many ns it holds.
    pub on: u64,
    /// For how many ns it does not, before it holds again.
    pub off: u64,
}

/// An effect on all links from one set of nodes to another, that way only.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Senders.
    pub from: NodeSet,
    /// Receivers.
    pub to: NodeSet,
    /// What happens.
    pub effect: Effect,
    /// Whether it holds only at times.
    pub flapping: Option<Flapping>,
    /// Since when there is this rule.
    pub since: u64,
}

impl Rule {
    pub(crate) fn holds(&self, at: u64, from: NodeId, to: NodeId) -> bool {
        self.to.contains(to) && self.from.contains(from) && self.is_on(at)
    }

    const fn is_on(&self, at: u64) -> bool {
        let Some(Flapping { on, off }) = self.flapping else {
            return true;
        };
        let period = on.saturating_add(off);
        match at.saturating_sub(self.since).checked_rem(period) {
            Some(phase) => phase < on,
            None => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_holds_one_way_and_while_it_is_on() {
        let rule = Rule {
            from: NodeSet::all(4),
            to: [NodeId(3)].into_iter().collect(),
            effect: Effect::Loss(1.0),
            flapping: Some(Flapping { on: 20, off: 10 }),
            since: 100,
        };
        let holds = |at| rule.holds(at, NodeId(0), NodeId(3));
        assert_eq!(
            [100, 119, 120, 129, 130].map(holds),
            [true, true, false, false, true]
        );
        assert!(!rule.holds(100, NodeId(3), NodeId(0)));
    }
}
