//! What becomes of packets on their way. A link is a function of its two ends: rules change what happens
//! between sets of nodes, and nothing is stored for a pair but the state of a bursty one.

mod links;
mod rule;

pub(crate) use links::{Arrival, Links};
pub use rule::{Effect, Flapping, Rule};
