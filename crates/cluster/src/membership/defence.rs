use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use ninefold_core::time::Timestamp;

use super::node::NodeId;
use super::wire::CHALLENGES_MAX;

/// Accusations that come together are contradicted together.
const TOGETHER: Duration = Duration::from_millis(20);
/// What was answered is not answered again so soon: the same accusation comes on many ways.
const ONCE: Duration = Duration::from_secs(2);

/// What is held against this node, and is to be contradicted.
#[derive(Clone, Debug, Default)]
pub(super) struct Defence {
    /// Challenges that were answered, and when.
    answered: VecDeque<(u32, Timestamp)>,
    challenges: Vec<u32>,
    accusers: BTreeSet<NodeId>,
    /// Others know of it than those who observe this node.
    open: bool,
    /// When it is to be done.
    pub(super) at: Option<Timestamp>,
}

impl Defence {
    /// `observer` accuses this node; `from` says so.
    pub(super) fn accused(
        &mut self,
        challenge: u32,
        (observer, from): (NodeId, NodeId),
        now: Timestamp,
    ) {
        let lately = |(known, at): &(u32, Timestamp)| *known == challenge && now.since(*at) < ONCE;
        let known = self.answered.iter().any(lately) || self.challenges.contains(&challenge);
        if known || self.challenges.len() >= CHALLENGES_MAX {
            return;
        }
        self.challenges.push(challenge);
        self.accusers.insert(observer);
        self.open |= observer != from;
        self.at.get_or_insert(now + TOGETHER);
    }

    /// What is to be contradicted now: the challenges, who accuses, and whether everybody is to hear of it, which is
    /// so from `low` accusers on.
    pub(super) fn take(
        &mut self,
        low: usize,
        now: Timestamp,
    ) -> Option<(Vec<u32>, BTreeSet<NodeId>, bool)> {
        self.at.take_if(|at| *at <= now)?;
        let challenges = std::mem::take(&mut self.challenges);
        let accusers = std::mem::take(&mut self.accusers);
        let open = std::mem::take(&mut self.open) || accusers.len() >= low;
        self.answered
            .extend(challenges.iter().map(|challenge| (*challenge, now)));
        let old = self.answered.len().saturating_sub(CHALLENGES_MAX);
        self.answered.drain(..old);
        Some((challenges, accusers, open))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_together_is_contradicted_once() {
        let (mut defence, a, b) = (Defence::default(), NodeId(1), NodeId(2));
        let at = Timestamp::from_millis;
        defence.accused(1, (a, a), at(1_000));
        defence.accused(1, (a, b), at(1_001));
        defence.accused(2, (b, b), at(1_010));
        assert_eq!(defence.take(4, at(1_019)), None);
        let both = BTreeSet::from([a, b]);
        assert_eq!(
            defence.take(4, at(1_020)),
            Some((vec![1, 2], both.clone(), false))
        );
        // On another way, and late.
        defence.accused(1, (a, b), at(1_500));
        assert_eq!(defence.at, None);
        // Again, as it was not heard.
        defence.accused(1, (a, a), at(6_000));
        defence.accused(2, (b, b), at(6_000));
        assert_eq!(defence.take(2, at(6_020)), Some((vec![1, 2], both, true)));
        defence.accused(3, (a, b), at(7_000));
        assert!(defence.take(4, at(7_020)).is_some_and(|(.., open)| open));
    }
}
