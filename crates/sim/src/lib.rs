//! A deterministic simulator for members of a cluster: virtual time, one seed, one thread.
//!
//! Whatever implements [`Node`] is hosted, the core that runs in production as much as its peers. A
//! [`Simulation`] owns time, links, clocks, disks and faults; [`step::Step`] names the faults, and
//! [`scenario::Scenario`] is a list of them with times. [`trial`] runs one under invariants, [`measure`]
//! counts, [`transcript`] prints what nodes say, [`service`] puts a service behind a gateway beside them.
//!
//! **Invariant:** what happens follows from the seed, the scenario and the nodes alone. The same seed gives
//! the same hash of the whole history.
//!
//! **Boundary:** of what is shipped only `verify --simulate` uses it, by way of [`service`]. Faults that are drawn, peers and
//! invariants are for developers.

mod clock;
mod delay;
mod draw;
mod history;
mod host;
pub mod id;
pub mod invariant;
pub mod link;
pub mod measure;
pub mod membership;
pub mod node;
pub mod plan;
pub mod polled;
mod queue;
pub mod scenario;
pub mod service;
pub mod simulation;
pub mod soak;
mod state_stream;
pub mod step;
pub mod swim;
pub mod topology;
mod traffic;
pub mod transcript;
pub mod trial;
pub mod truth;

pub use delay::Delay;
pub use id::{NodeId, NodeSet};
pub use node::{Context, Disk, Event, Node};
pub use simulation::Simulation;
pub use topology::Topology;
