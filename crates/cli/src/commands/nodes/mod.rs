//! Several nodes on one machine: `up --nodes`, and what other commands know of them.
//!
//! The parent holds the state folder's lock and one process a node, `up --node K/N --tied`, each
//! with a folder, an address and a keeper task of its own. It decides nothing about what they run:
//! each computes for itself which replicas are its own.
//!
//! **Invariant:** a node does not outlive the parent: it stops in order when the pipe that is its
//! standard input ends, however the parent ended. **Invariant:** what a node that does not run left
//! running is adopted by it when it is started again, or stopped with the parent.

mod again;
mod child;
mod folder;
mod gossip;
mod output;
mod parent;

pub(super) use folder::{are_in, is_running, stop, stop_left_behind};
pub(super) use parent::{run, said};
