//! The keeper: a small process that is the parent of one service process.
//!
//! Were Ninefold itself the parent, its death would take the reader of the service's output away
//! (the next line written is a broken pipe) and with it the only one who may ask how the service
//! ended. So each instance has a keeper in a session of its own. It starts the service, drains its
//! output into rotated files, writes down how it ended, and leaves no orphan behind. It knows
//! nothing of health, restarts or routing, and has nothing that could go wrong in them.
//!
//! A `prepare` command has a guard instead, for the opposite reason: it must not outlive Ninefold.
//!
//! It is a subcommand of the same binary: [`main`].

mod guard;
mod later;
mod lookup;
mod output;
mod queue;
mod rotate;
mod run;
mod spawn;
mod sweep;
mod user;

pub use run::main;

pub(crate) use rotate::{FILES, aged};
pub(crate) use spawn::command;
