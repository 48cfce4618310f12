//! In the end everybody is back.

use super::Invariant;
use crate::{NodeId, Simulation};

/// After healing, whoever runs is a member to everybody that runs, and nobody else is.
#[derive(Clone, Copy, Debug, Default)]
pub struct AllRecover;

impl Invariant for AllRecover {
    fn name(&self) -> &'static str {
        "all recover"
    }

    fn healed(&mut self, simulation: &Simulation) -> Result<(), String> {
        let truth = simulation.truth();
        for by in truth.running().iter() {
            let others = (0..truth.nodes()).map(NodeId).filter(|node| *node != by);
            for node in others {
                let runs = truth.running().contains(node);
                if runs == truth.holds_down(by, node) {
                    let state = if runs { "runs" } else { "is dead" };
                    return Err(format!("{by} does not know that {node} {state}"));
                }
            }
        }
        Ok(())
    }
}
