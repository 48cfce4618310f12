//! Incarnations never go back.

use std::collections::BTreeMap;

use super::Invariant;
use crate::{NodeId, Simulation};

/// In what one process knows, no incarnation of any member goes back, its own as little as others'.
#[derive(Clone, Debug, Default)]
pub struct IncarnationsGrow {
    /// By who knows and of whom: the process that knew, and the incarnation.
    known: BTreeMap<(NodeId, NodeId), (u32, u64)>,
}

impl Invariant for IncarnationsGrow {
    fn name(&self) -> &'static str {
        "incarnations never go back"
    }

    fn passed(&mut self, simulation: &Simulation) -> Result<(), String> {
        for by in simulation.truth().running().iter() {
            let Some((process, node)) = simulation.process(by) else {
                continue;
            };
            for (of, incarnation) in node.incarnations() {
                let now = (process, incarnation);
                let before = self.known.insert((by, of), now);
                let back = |(before, known): (u32, u64)| before == process && incarnation < known;
                if let Some((_, known)) = before.filter(|before| back(*before)) {
                    return Err(format!(
                        "{by} knew {of} at {known}, and then at {incarnation}"
                    ));
                }
            }
        }
        Ok(())
    }
}
