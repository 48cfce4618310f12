//! Nobody healthy is convicted by anybody healthy.

use super::Invariant;
use crate::Event;
use crate::simulation::Said;
use crate::truth::Truth;

/// Whom no fault has ever hit is not convicted by others whom none has hit.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoHealthyConvicted;

impl Invariant for NoHealthyConvicted {
    fn name(&self) -> &'static str {
        "no healthy node is convicted"
    }

    fn said(&mut self, said: Said, truth: &Truth) -> Result<(), String> {
        match said.event {
            Event::Down(subject) if truth.is_healthy(subject) && truth.is_healthy(said.by) => {
                Err(format!("{} convicted {subject}", said.by))
            }
            _ => Ok(()),
        }
    }
}
