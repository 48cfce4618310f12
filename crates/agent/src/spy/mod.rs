//! Three threads that watch the node itself: one looks at the clocks, one writes to the state folder, one connects to the
//! node's own listeners. What could hang has a thread of its own, so that none of them waits for another; what they find
//! lies on a board until the control plane takes it.

mod board;
mod disk;
mod listeners;
mod spies;

pub(crate) use board::Board;
pub(crate) use listeners::Doors;
pub(crate) use spies::Spies;
