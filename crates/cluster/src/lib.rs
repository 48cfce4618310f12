//! Pure decisions of a cluster: who is silent for too long, how far such a judgement can be trusted, what all that
//! is said of somebody amounts to, and who runs what.
//!
//! **Invariant:** as in `ninefold-core`, nothing here reads a clock, draws from the system's randomness, opens
//! a file or a socket, or knows a runtime. `now` and a seed come in as arguments and decisions go out as values,
//! so that a node, a test and a simulator run the same code.

pub mod detector;
pub mod evidence;
pub mod membership;
pub mod model;
pub mod placement;
pub mod qos;
pub mod trace;
#[cfg(test)]
mod transcripts;
