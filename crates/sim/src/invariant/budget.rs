//! Nobody sends more than it may.

use super::Invariant;
use crate::Simulation;
use crate::measure::quantile;

/// Bytes that a node sends in a second of the safety phase.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    /// In the mean over nodes and seconds.
    pub mean: u32,
    /// Of 99 in 100.
    pub p99: u32,
    /// Of all.
    pub most: u32,
}

impl Invariant for Budget {
    fn name(&self) -> &'static str {
        "bytes a node and second within the budget"
    }

    fn safe(&mut self, simulation: &Simulation) -> Result<(), String> {
        let mut bytes = simulation.traffic().to_vec();
        bytes.sort_unstable();
        let sum: u64 = bytes.iter().map(|bytes| u64::from(*bytes)).sum();
        let mean = sum.checked_div(bytes.len() as u64).unwrap_or_default();
        let (p99, most) = (quantile(&bytes, 0.99), quantile(&bytes, 1.0));
        let (p99, most) = (p99.unwrap_or_default(), most.unwrap_or_default());
        let is_within = mean <= u64::from(self.mean) && p99 <= self.p99 && most <= self.most;
        if is_within {
            return Ok(());
        }
        Err(format!("mean {mean}, p99 {p99}, most {most} of {self:?}"))
    }
}
