//! A burst of failures is one change of the view.

use std::collections::BTreeMap;

use super::Invariant;
use crate::NodeId;
use crate::simulation::Said;
use crate::truth::Truth;

/// Nobody healthy sees the members change more than `most` times in the safety phase. What a node says in one
/// call is one change.
#[derive(Clone, Debug)]
pub struct OneViewChange {
    most: u32,
    /// By observer: changes, and the call of the last one.
    seen: BTreeMap<NodeId, (u32, u64)>,
}

impl OneViewChange {
    /// For so many bursts.
    #[must_use]
    pub const fn per_burst(bursts: u32) -> Self {
        Self {
            most: bursts,
            seen: BTreeMap::new(),
        }
    }
}

impl Invariant for OneViewChange {
    fn name(&self) -> &'static str {
        "one view change a burst"
    }

    fn said(&mut self, said: Said, truth: &Truth) -> Result<(), String> {
        if !said.is_change || !truth.is_healthy(said.by) {
            return Ok(());
        }
        let (changes, last) = self.seen.entry(said.by).or_insert((0, 0));
        if *last != said.call {
            (*changes, *last) = (*changes + 1, said.call);
        }
        if *changes > self.most {
            return Err(format!("{} saw {changes} changes", said.by));
        }
        Ok(())
    }
}
