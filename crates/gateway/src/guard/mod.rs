//! What stands between a client's socket and hyper.
//!
//! The [`Guard`] runs the [`crate::strict`] scanner over what a client sends, keeps heads back
//! until they are complete, and keeps the times a client may take. When it refuses, hyper sees the
//! end of the stream, so that answers to earlier requests end well; the guard then writes its own
//! answer and closes.

mod alarm;
mod departure;
mod detect;
mod pulse;
mod refuse;
mod stream;
mod transfer;

pub(crate) use alarm::Alarm;
pub(crate) use detect::Protocol;
pub(crate) use pulse::Pulse;
pub(crate) use stream::{Guard, GuardLimits};
