//! What keeps a service from more than it can do.
//!
//! One gate stands in front of each service, for all threads. An adaptive limiter finds by latency
//! how many requests may be under way, and a load shedder keeps the others in a short queue: the
//! more critical first, and refused early once the queue stands. A request holds its place from
//! before its first attempt until the head of its answer; what the gate refuses was never sent, so
//! it speaks against no endpoint.

mod gate;
mod pass;

pub(crate) use gate::Gate;
pub(crate) use pass::Pass;
