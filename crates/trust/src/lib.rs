//! Who belongs to a cluster, and can prove it.
//!
//! - [`seal`]: gossip that only members can read or make, and that counts once.

mod random;
pub mod seal;

pub use random::NoRandom;
