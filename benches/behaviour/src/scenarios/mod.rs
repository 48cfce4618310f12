//! What is asked of the policies, a file for each question.

mod amplification;
mod amplified;
mod cancellations;
mod hung_probe;
mod metastable;
mod overload;
mod places;
mod protected;
mod recovery;
mod scenario;
#[cfg(test)]
mod tests;
mod trigger;
mod trip;

pub(crate) use scenario::{SCENARIOS, Scenario};
