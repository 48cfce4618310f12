//! The state of one node, and what it makes of packets and time.

mod accuse;
mod apply;
mod decide;
mod join;
mod membership;
mod packets;
mod probe;
mod refute;
mod state;
mod sync;

pub use membership::{Counters, Membership};
pub use state::StateError;
