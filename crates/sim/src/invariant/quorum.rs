//! Nobody is convicted by a few.

use std::collections::BTreeMap;

use super::Invariant;
use crate::simulation::Said;
use crate::truth::Truth;
use crate::{Event, NodeId, NodeSet};

/// Whoever is convicted was found silent by H observers first, 9 of 10, 3 of 4: those count as agreeing that are
/// under suspicion themselves. Only the first conviction is looked at: those within 15 s may come from that, late as
/// they reach one that stalls.
#[derive(Clone, Debug)]
pub struct Quorum {
    observers: usize,
    /// By subject, who has found it silent since the one who did last took it back.
    silent: BTreeMap<NodeId, NodeSet>,
    /// When a subject was last convicted by anybody.
    convicted: BTreeMap<NodeId, u64>,
}

const LATE: u64 = 15_000_000_000;

impl Quorum {
    /// For so many observers of a subject, where there are as many others.
    #[must_use]
    pub const fn new(observers: usize) -> Self {
        Self {
            observers,
            silent: BTreeMap::new(),
            convicted: BTreeMap::new(),
        }
    }

    fn heard(&self, subject: NodeId) -> usize {
        let silent = self.silent.get(&subject);
        silent.map_or(0, |silent| silent.len() as usize)
    }
}

impl Invariant for Quorum {
    fn name(&self) -> &'static str {
        "a conviction is by H observers"
    }

    fn said(&mut self, said: Said, truth: &Truth) -> Result<(), String> {
        match said.event {
            Event::Suspect(subject) => {
                self.silent.entry(subject).or_default().insert(said.by);
            }
            Event::Up(subject) => {
                if let Some(silent) = self.silent.get_mut(&subject) {
                    silent.remove(said.by);
                }
            }
            Event::Down(subject) => {
                let before = self.convicted.insert(subject, said.at);
                if before.is_some_and(|before| said.at.saturating_sub(before) < LATE) {
                    return Ok(());
                }
                let others = truth.running().iter().filter(|other| *other != said.by);
                if others
                    .into_iter()
                    .any(|other| truth.holds_down(other, subject))
                {
                    return Ok(());
                }
                let down = truth.down(said.by).map_or(0, NodeSet::len);
                let alive = truth.nodes().saturating_sub(down) as usize;
                let observers = self.observers.min(alive);
                let high = observers
                    - if observers < 3 {
                        0
                    } else {
                        (observers / 10).max(1)
                    };
                // Of four observers two are enough to be under suspicion; of ten it takes four.
                let low = (observers * 2).div_ceil(5).max(1);
                let suspects = self.silent.keys().filter(|other| **other != subject);
                let suspects = suspects.filter(|other| self.heard(**other) >= low).count();
                let heard = self.heard(subject);
                if heard + suspects < high || heard < low {
                    return Err(format!(
                        "{} convicted {subject}, which {heard} had found silent, with {suspects} suspects beside it",
                        said.by
                    ));
                }
            }
            Event::Cleared(_) => {}
        }
        Ok(())
    }
}
