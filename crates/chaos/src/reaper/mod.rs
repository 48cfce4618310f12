//! The reaper: a tiny separate process that undoes faults when nobody else will.
//!
//! `verify` starts it before any fault and holds the other end of its standard input. It undoes
//!
//! - an entry whose time to live has passed, whoever wrote it;
//! - at the end of its input (its controller ended or was killed, by SIGKILL too) or at SIGTERM,
//!   SIGINT or SIGHUP: every open entry of its controller, and of controllers that are gone.
//!
//! It runs in a session of its own, so that a Ctrl-C for the controller does not reach it. If it is
//! killed, the controller sees that and rolls back by itself; if both are killed, [`recover`] undoes
//! what they left at the next `up` or `verify`.

mod keeper;
mod recover;
mod run;

pub(crate) use keeper::Keeper;
pub use keeper::ReaperError;
pub use recover::{Recovered, recover};
pub use run::main;
