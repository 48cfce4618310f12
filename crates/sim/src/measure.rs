//! What a scenario costs and shows, counted.

use std::collections::BTreeMap;

use crate::simulation::{Said, Watch};
use crate::truth::Truth;
use crate::{Event, NodeId, NodeSet};

/// Counts what healthy nodes say of whom a fault has hit, and of each other.
#[derive(Clone, Debug)]
pub struct Measure {
    subjects: NodeSet,
    onset: u64,
    /// How many of the healthy hold a node for down.
    held: Vec<u32>,
    first: BTreeMap<NodeId, u64>,
    all: BTreeMap<NodeId, u64>,
    /// When the last of the healthy took a subject back.
    back: BTreeMap<NodeId, u64>,
    /// By observer: changes of its view, and the call of the last one.
    changes: Vec<(u32, u64)>,
    false_convictions: u64,
    false_votes: u64,
    /// Convictions of the healthy by those that were hit.
    counter_votes: u64,
}

impl Measure {
    /// For faults that hit `subjects` at `onset`, ns from the start.
    #[must_use]
    pub fn new(nodes: u32, subjects: NodeSet, onset: u64) -> Self {
        Self {
            subjects,
            onset,
            held: vec![0; nodes as usize],
            first: BTreeMap::new(),
            all: BTreeMap::new(),
            back: BTreeMap::new(),
            changes: vec![(0, 0); nodes as usize],
            false_convictions: 0,
            false_votes: 0,
            counter_votes: 0,
        }
    }

    /// Time in ns from the onset to the first healthy node that knew, for each subject somebody knew of.
    #[must_use]
    pub fn first(&self) -> Vec<u64> {
        sorted(self.first.values().map(|at| at - self.onset).collect())
    }

    /// Time in ns from the onset until every healthy node knew, for each subject that all knew of at once.
    #[must_use]
    pub fn all(&self) -> Vec<u64> {
        sorted(self.all.values().map(|at| at - self.onset).collect())
    }

    /// Time in ns from the onset until the last healthy node that held it for down had taken it back, for each subject
    /// whom nobody healthy holds for down any more.
    #[must_use]
    pub fn back(&self) -> Vec<u64> {
        sorted(self.back.values().map(|at| at - self.onset).collect())
    }

    /// How many were hit.
    #[must_use]
    pub const fn subjects(&self) -> u32 {
        self.subjects.len()
    }

    /// How often a healthy node was convicted: it counts again once nobody healthy has held it for down.
    #[must_use]
    pub const fn false_convictions(&self) -> u64 {
        self.false_convictions
    }

    /// How often a healthy node was convicted, counted by everybody healthy that did.
    #[must_use]
    pub const fn false_votes(&self) -> u64 {
        self.false_votes
    }

    /// How often a node that was hit convicted a healthy one.
    #[must_use]
    pub const fn counter_votes(&self) -> u64 {
        self.counter_votes
    }

    /// How often the members changed in the view of each healthy node.
    #[must_use]
    pub fn view_changes(&self, truth: &Truth) -> Vec<u64> {
        let changes = truth
            .healthy()
            .filter_map(|node| self.changes.get(node.index()));
        sorted(changes.map(|(changes, _)| u64::from(*changes)).collect())
    }

    fn down(&mut self, subject: NodeId, at: u64, truth: &Truth) {
        let Some(held) = self.held.get_mut(subject.index()) else {
            return;
        };
        *held += 1;
        let held = *held;
        self.back.remove(&subject);
        if truth.is_healthy(subject) {
            self.false_votes += 1;
            self.false_convictions += u64::from(held == 1);
        }
        if self.subjects.contains(subject) && at >= self.onset {
            self.first.entry(subject).or_insert(at);
            if truth.healthy().count() == held as usize {
                self.all.entry(subject).or_insert(at);
            }
        }
    }
}

impl Watch for Measure {
    fn said(&mut self, said: Said, truth: &Truth) {
        if !said.is_change {
            return;
        }
        if !truth.is_healthy(said.by) {
            let counters = |subject| truth.is_healthy(subject);
            self.counter_votes += u64::from(matches!(said.event, Event::Down(s) if counters(s)));
            return;
        }
        if let Some((changes, last)) = self.changes.get_mut(said.by.index())
            && *last != said.call
        {
            (*changes, *last) = (*changes + 1, said.call);
        }
        match said.event {
            Event::Down(subject) => self.down(subject, said.at, truth),
            Event::Up(subject) => {
                if let Some(held) = self.held.get_mut(subject.index()) {
                    *held = held.saturating_sub(1);
                    if *held == 0 && self.subjects.contains(subject) && said.at >= self.onset {
                        self.back.insert(subject, said.at);
                    }
                }
            }
            Event::Suspect(_) | Event::Cleared(_) => {}
        }
    }
}

fn sorted(mut values: Vec<u64>) -> Vec<u64> {
    values.sort_unstable();
    values
}

/// The value that a share of ascending values does not exceed (nearest rank); none of none.
#[must_use]
pub fn quantile<T: Copy>(ascending: &[T], share: f64) -> Option<T> {
    let rank = crate::draw::whole((ascending.len() as f64 * share).ceil());
    let at = usize::try_from(rank)
        .unwrap_or(usize::MAX)
        .clamp(1, ascending.len().max(1));
    ascending.get(at - 1).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_values_that_were_there() {
        let values: Vec<u64> = (1..=100).collect();
        assert_eq!(quantile(&values, 0.5), Some(50));
        assert_eq!(quantile(&values, 0.99), Some(99));
        assert_eq!(quantile(&values, 1.0), Some(100));
        assert_eq!(quantile(&values, 0.0), Some(1));
        assert_eq!(quantile::<u64>(&[], 0.5), None);
    }
}
