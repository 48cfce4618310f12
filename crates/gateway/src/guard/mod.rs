//! What stands between a client's socket and what is spoken over it.
//!
//! The [`Guard`] finds out what a client speaks. HTTP/1 it leaves to a [`crate::downstream::Line`];
//! of HTTP/2 it is the stream that hyper reads and writes, and keeps the times that a client may
//! take.

mod alarm;
mod detect;
mod pulse;
mod stream;
mod transfer;

pub(crate) use alarm::Alarm;
pub(crate) use detect::Protocol;
pub(crate) use pulse::Pulse;
pub(crate) use stream::{Guard, GuardLimits, Wait};
