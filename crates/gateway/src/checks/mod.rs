//! Whether answers are right: canaries, whose answers are known, and votes of several endpoints on one
//! request.
//!
//! Both ask endpoints beside what callers ask. They count for no objective, budget, breaker or
//! ejection, and only notices leave here: who is charged with what is decided in
//! `ninefold_core::detect`. **Invariant:** only whole answers are compared. What is late, broken off, too
//! large or an error says nothing here.

mod ask;
mod canary;
mod heard;
mod plan;
mod poll;
mod result;
mod vote;

pub(crate) use ask::is_marked;
pub(crate) use canary::send_canaries;
pub(crate) use heard::Heard;
pub(crate) use plan::CheckPlan;
pub(crate) use poll::Polls;
pub use result::Checked;
pub(crate) use vote::Witness;
