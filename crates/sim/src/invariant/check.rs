//! The rules of an invariant.

use crate::Simulation;
use crate::simulation::Said;
use crate::truth::Truth;

/// Something that must be so. What an error says is what was seen instead.
pub trait Invariant {
    /// Its name in a failure.
    fn name(&self) -> &'static str;

    /// A node has said something, in the safety phase.
    ///
    /// # Errors
    /// It is broken.
    fn said(&mut self, said: Said, truth: &Truth) -> Result<(), String> {
        let (_, _) = (said, truth);
        Ok(())
    }

    /// Some time has passed, in either phase.
    ///
    /// # Errors
    /// It is broken.
    fn passed(&mut self, simulation: &Simulation) -> Result<(), String> {
        let _ = simulation;
        Ok(())
    }

    /// The safety phase is over, faults are still there.
    ///
    /// # Errors
    /// It is broken.
    fn safe(&mut self, simulation: &Simulation) -> Result<(), String> {
        let _ = simulation;
        Ok(())
    }

    /// The healing phase is over: faults have ended a while ago.
    ///
    /// # Errors
    /// It is broken.
    fn healed(&mut self, simulation: &Simulation) -> Result<(), String> {
        let _ = simulation;
        Ok(())
    }
}
