//! The fate of a packet.

use std::collections::BTreeMap;

use ninefold_core::rng::Rng;

use super::{Effect, Rule};
use crate::draw::exponential;
use crate::{NodeId, Topology};

/// Rules that hold at once. More of them are a mistake of the scenario.
const RULES_MAX: usize = 64;

/// State of a bursty link: whether it is bad, and until when.
type Burst = (bool, u64);

#[derive(Debug)]
pub(crate) struct Links {
    topology: Topology,
    rules: Vec<Rule>,
    /// By the rule's place, and the pair.
    bursts: BTreeMap<(usize, NodeId, NodeId), Burst>,
}

/// A packet that arrives: after how long, and which bit of it is turned over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Arrival {
    pub(crate) delay: u64,
    pub(crate) flip: Option<u64>,
}

impl Links {
    pub(crate) const fn new(topology: Topology) -> Self {
        Self {
            topology,
            rules: Vec::new(),
            bursts: BTreeMap::new(),
        }
    }

    pub(crate) const fn topology(&self) -> &Topology {
        &self.topology
    }

    /// Whether there was room for one more.
    pub(crate) fn add(&mut self, rule: Rule) -> bool {
        let room = self.rules.len() < RULES_MAX;
        if room {
            self.rules.push(rule);
        }
        room
    }

    pub(crate) fn heal(&mut self) {
        self.rules.clear();
        self.bursts.clear();
    }

    /// What arrives of a packet: nothing, it, or two of it.
    pub(crate) fn fate(
        &mut self,
        at: u64,
        (from, to): (NodeId, NodeId),
        rng: &mut Rng,
    ) -> [Option<Arrival>; 2] {
        let mut delay = self.topology.between(from, to);
        let (mut held, mut twice, mut flip) = (0, false, None);
        for (place, rule) in self.rules.iter().enumerate() {
            if !rule.holds(at, from, to) {
                continue;
            }
            let lost = match rule.effect {
                Effect::Loss(share) => rng.unit() < share,
                Effect::Burst { good, bad } => {
                    let state = self.bursts.entry((place, from, to));
                    let state = state.or_insert_with(|| begin(at, good, bad, rng));
                    advance(state, at, (good, bad), rng)
                }
                Effect::Delay(other) => {
                    delay = other;
                    false
                }
                Effect::Duplicate(share) => {
                    twice |= rng.unit() < share;
                    false
                }
                Effect::Corrupt(share) => {
                    flip = (rng.unit() < share).then(|| rng.next_u64()).or(flip);
                    false
                }
                Effect::Reorder(share, most) => {
                    held += if rng.unit() < share {
                        rng.below(most)
                    } else {
                        0
                    };
                    false
                }
            };
            if lost {
                return [None, None];
            }
        }
        let mut arrival = |held| {
            let delay = delay.draw(rng).saturating_add(held);
            Arrival { delay, flip }
        };
        let first = arrival(held);
        [Some(first), twice.then(|| arrival(0))]
    }
}

/// The state in which a link is found, as often bad as it is bad in the long run.
fn begin(at: u64, good: u64, bad: u64, rng: &mut Rng) -> Burst {
    let is_bad = rng.below(good.saturating_add(bad)) < bad;
    let length = exponential(rng, if is_bad { bad } else { good });
    (is_bad, at.saturating_add(length))
}

/// Whether the link is bad by now.
fn advance(state: &mut Burst, at: u64, (good, bad): (u64, u64), rng: &mut Rng) -> bool {
    while state.1 <= at {
        state.0 = !state.0;
        let length = exponential(rng, if state.0 { bad } else { good });
        state.1 = state.1.saturating_add(length.max(1));
    }
    state.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Delay, NodeSet};

    const A: NodeId = NodeId(0);
    const B: NodeId = NodeId(1);

    fn links(effects: &[Effect]) -> Links {
        let mut links = Links::new(Topology::new(2, 1));
        for &effect in effects {
            assert!(links.add(Rule {
                from: [A].into_iter().collect(),
                to: NodeSet::all(2),
                effect,
                flapping: None,
                since: 0,
            }));
        }
        links
    }

    /// How many of 10,000 packets, 1 ms apart, match.
    fn count(links: &mut Links, which: impl Fn([Option<Arrival>; 2]) -> bool) -> usize {
        let mut rng = Rng::new(3);
        let at = (0..10_000).map(|n| n * 1_000_000);
        at.filter(|at| which(links.fate(*at, (A, B), &mut rng)))
            .count()
    }

    #[test]
    fn effects_hit_as_many_as_they_should_one_way() {
        let lost = |fate: [Option<Arrival>; 2]| fate[0].is_none();
        let near = |found: usize, expected: usize| found.abs_diff(expected) < 200;
        assert!(near(count(&mut links(&[Effect::Loss(0.8)]), lost), 8_000));
        let burst = Effect::Burst {
            good: 30_000_000,
            bad: 10_000_000,
        };
        assert!(near(count(&mut links(&[burst]), lost), 2_500));
        let twice = |fate: [Option<Arrival>; 2]| fate[1].is_some();
        assert!(near(
            count(&mut links(&[Effect::Duplicate(0.5)]), twice),
            5_000
        ));
        let broken = |fate: [Option<Arrival>; 2]| fate[0].is_some_and(|a| a.flip.is_some());
        assert!(near(
            count(&mut links(&[Effect::Corrupt(0.3)]), broken),
            3_000
        ));
        let mut back = links(&[Effect::Loss(1.0)]);
        let mut rng = Rng::new(3);
        assert!(back.fate(0, (B, A), &mut rng)[0].is_some());
        back.heal();
        assert_eq!(count(&mut back, lost), 0);
    }

    #[test]
    fn losses_of_a_burst_come_together() {
        let mut links = links(&[Effect::Burst {
            good: 900_000_000,
            bad: 100_000_000,
        }]);
        let mut rng = Rng::new(3);
        let lost: Vec<bool> = (0..100_000u64)
            .map(|n| links.fate(n * 1_000_000, (A, B), &mut rng)[0].is_none())
            .collect();
        let losses = lost.iter().filter(|lost| **lost).count();
        let bursts = lost.windows(2).filter(|pair| !pair[0] && pair[1]).count();
        assert!(losses / bursts > 50, "{losses} in {bursts}");
    }

    #[test]
    fn delay_and_hold_up() {
        let usual = Effect::Delay(Delay::Constant(5));
        let mut links = links(&[usual, Effect::Reorder(1.0, 100)]);
        let delays = |fate: [Option<Arrival>; 2]| {
            fate[0].is_some_and(|arrival| (5..105).contains(&arrival.delay))
        };
        assert_eq!(count(&mut links, delays), 10_000);
    }
}
