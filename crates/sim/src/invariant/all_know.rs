//! Everybody healthy knows of a dead node in time.

use super::Invariant;
use crate::Event;
use crate::simulation::{Said, Simulation};
use crate::truth::Truth;

/// At the end of the safety phase, everybody healthy holds for down whoever has been dead for `within` ns.
#[derive(Clone, Copy, Debug)]
pub struct AllKnow {
    /// How long it may take.
    pub within: u64,
}

impl Invariant for AllKnow {
    fn name(&self) -> &'static str {
        "all know of a dead node in time"
    }

    fn said(&mut self, said: Said, truth: &Truth) -> Result<(), String> {
        let Event::Down(subject) = said.event else {
            return Ok(());
        };
        let late = truth
            .ended_at(subject)
            .map(|ended| said.at.saturating_sub(ended));
        match late.filter(|late| *late > self.within && truth.is_healthy(said.by)) {
            Some(late) => Err(format!("{} knew of {subject} after {late} ns", said.by)),
            None => Ok(()),
        }
    }

    fn safe(&mut self, simulation: &Simulation) -> Result<(), String> {
        let truth = simulation.truth();
        for (subject, ended) in truth.ended() {
            if ended.saturating_add(self.within) > simulation.now() {
                continue;
            }
            let mut healthy = truth.healthy();
            if let Some(by) = healthy.find(|by| !truth.holds_down(*by, subject)) {
                return Err(format!("{by} does not know that {subject} is dead"));
            }
        }
        Ok(())
    }
}
