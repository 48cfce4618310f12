//! Two threads that watch the node itself: one looks at the clocks, one writes to the state folder. They wait for nothing
//! that they watch; what they find lies on a board until the control plane takes it.

mod board;
mod disk;
mod spies;

pub(crate) use board::Board;
pub(crate) use spies::Spies;
