//! In the end all have one view.

use super::Invariant;
use crate::{NodeId, Simulation};

/// After healing, whoever runs has the same members as everybody else that runs.
#[derive(Clone, Copy, Debug, Default)]
pub struct ViewsAgree;

impl Invariant for ViewsAgree {
    fn name(&self) -> &'static str {
        "views agree"
    }

    fn healed(&mut self, simulation: &Simulation) -> Result<(), String> {
        let truth = simulation.truth();
        let mut views = truth.running().iter();
        let Some(first) = views.next() else {
            return Ok(());
        };
        let agrees = |other: &NodeId| {
            (0..truth.nodes())
                .map(NodeId)
                .all(|node| truth.holds_down(first, node) == truth.holds_down(*other, node))
        };
        match views.find(|other| !agrees(other)) {
            Some(other) => Err(format!("{first} and {other} have different members")),
            None => Ok(()),
        }
    }
}
