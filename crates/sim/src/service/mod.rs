//! A service behind a gateway, in the same virtual time as the nodes that run it.
//!
//! Requests come open-loop to one gateway. It knows the service's instances as the membership of its own node does,
//! and everything that decides is production's: zones' shares, power of two choices, ejection, canaries, the retry
//! budget. What is modelled is the world: how long instances and packets take, and that a host which is gone, or
//! behind a cut, says nothing at all.
//!
//! Left out, so that it is rather too bad than too good: hedges, caches, breakers, load limits, copies for who is left
//! out, and what gateways tell each other of ejections.

mod endpoint;
mod gateway;
mod load;
mod places;
mod setup;
mod trial;
mod trouble;

pub use load::Request;
pub use setup::{Setup, Sort};
pub use trial::{Fault, Plan, REJOIN_MAX, Seen, run};

#[cfg(test)]
mod tests;
