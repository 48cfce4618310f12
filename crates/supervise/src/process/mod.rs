//! Processes as the kernel shows them: identity, state, signals, and the moment of their end.

mod exit_watch;
mod group;
mod lock;
mod proc;

pub(crate) use exit_watch::{gone, surely_gone};
pub(crate) use group::{ask_group, kill, kill_group, kill_session};
pub(crate) use lock::Lock;
pub(crate) use proc::{ProcessId, boot_id, children_of, excerpt, left_of_session};
